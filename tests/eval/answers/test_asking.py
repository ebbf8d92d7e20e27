"""Answers are measured end to end, and nothing is believed that they say of themselves."""

import json
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from eval.answers.asking import GIVEN_UP, Answers, Checked, Told, answers, ask, check
from eval.answers.figures import faulty, measured
from eval.answers.report import overview, to_json, to_markdown, write_answers, write_report
from eval.data.collection import read_questions
from indexers.encoders.hashed import HashedEncoder
from rag.citing.trec import trec_rag
from rag.errors import BadCollection, CollectionMismatch, LLMUnavailable
from rag.pipeline import QueryPath
from rag.seams import Generator
from rag.settings import Settings
from rag.values import (
    Answer,
    Citation,
    Context,
    Contradiction,
    Cost,
    Document,
    Query,
    Reference,
    Sentence,
    Stage,
    Support,
)
from rag.values import (
    Told as Piece,
)
from tests.eval.tiny import by_words, engine_in, write_beir

FREEZER = "The freezer stays cold for 48 hours without power. Keep the door of the freezer shut."
BADGE = "A lost badge is reported at the desk. The desk opens at nine."
CORPUS = {"freezer": FREEZER, "badge": BADGE}
QUERIES = {
    "q1": "How many hours stays the freezer cold without power?",
    "q2": "Where is a lost badge reported?",
    "q3": "unicorn",
}


async def run(folder: Path, show: object = None, name: str = "") -> Answers:
    """Answer the queries of a small folder, its documents split into chunks of twelve words."""
    beir = folder / "tiny"
    if not beir.exists():
        write_beir(beir, CORPUS, QUERIES, {})
    engine = engine_in(folder / "store", by_words(12))
    shown = show if callable(show) else lambda *_: None
    try:
        return await answers(beir, read_questions(beir), engine, shown, name)
    finally:
        await engine.close()


def rewriting(corpus: Path, old: str, new: str) -> object:
    """Return a function that changes the corpus once all queries are answered."""

    def show(stage: str, done: int, total: int) -> None:
        if stage == "answer queries" and done == total:
            corpus.write_text(corpus.read_text("utf-8").replace(old, new), encoding="utf-8")

    return show


@pytest.mark.anyio
async def test_every_query_is_answered_or_not_and_every_quote_stands(tmp_path: Path) -> None:
    found = await run(tmp_path)
    assert [one.told.query_id for one in found.checked] == list(QUERIES)
    assert found.sound
    figures = measured(found.checked)
    assert figures["queries"] == 3
    assert figures["answerable"] == {"yes": 2, "partial": 0, "no": 1}
    assert figures["answers"] == 2
    assert figures["quotes"] == figures["citations"] == figures["sentences"] == 2
    assert (figures["bad_quotes"], figures["dangling_citations"]) == (0, 0)
    for quality in figures["quality"].values():
        assert quality["answers given"] == {"recall": 1, "precision": 1, "failed": 0}
        assert quality["all queries"]["recall"] == pytest.approx(2 / 3, abs=1e-6)
    assert 0 < figures["seconds"]["median"] <= figures["seconds"]["p95"]


@pytest.mark.anyio
async def test_a_source_that_was_changed_is_found_out_and_shown(tmp_path: Path) -> None:
    corpus = tmp_path / "tiny" / "corpus.jsonl"
    found = await run(tmp_path, rewriting(corpus, "48 hours", "36 hours"))
    assert not found.sound
    (fault,) = faulty(found.checked)
    assert fault["query"] == "q1"
    assert fault["document"] == "freezer"
    assert fault["span"] == [0, 50]
    assert fault["quote"] == "The freezer stays cold for 48 hours without power."
    assert fault["stands"] == "The freezer stays cold for 36 hours without power."
    report = to_json([found], Settings())
    assert report["all"]["bad_quotes"] == 1
    text = to_markdown(report)
    assert "\n1 bad quotes of " in text
    assert "- tiny, query q1, document freezer, characters 0–50: 'The freezer stays" in text


@pytest.mark.anyio
async def test_a_document_that_is_gone_makes_its_quotes_bad(tmp_path: Path) -> None:
    corpus = tmp_path / "tiny" / "corpus.jsonl"
    found = await run(tmp_path, rewriting(corpus, '"badge"', '"token"'))
    assert not found.sound
    assert {one["stands"] for one in faulty(found.checked)} == {None}
    assert "the document is gone" in to_markdown(to_json([found], Settings()))


def cited(quote: str, text: str = FREEZER, document: str = "freezer", ref: int = 1) -> Citation:
    start = max(0, text.find(quote))
    return Citation(ref, "c", document, quote, start, start + len(quote), 1.0)


def told(text: str, *citations: Citation, support: Support = "full") -> Told:
    """Return an answer of one sentence that says of itself that it is fully supported."""
    sentence = Sentence(text, 0, len(text), citations, support)
    references = (Reference(1, "freezer", "Freezer", "f"), Reference(4, "badge", "Badge", "b"))
    return Told("q", Answer(Query("q"), text, (sentence,), references), 0.5)


async def checked(one: Told, texts: Mapping[str, str] = CORPUS) -> Checked:
    return await check(one, texts, HashedEncoder())


HOURS = "The freezer stays cold for 48 hours without power."


@pytest.mark.anyio
async def test_support_is_judged_anew_whatever_the_answer_says() -> None:
    right = await checked(told(HOURS, cited(HOURS)))
    wrong = await checked(told(HOURS.replace("48", "60"), cited(HOURS)))
    for one, expected in ((right, 1.0), (wrong, 0.0)):
        assert (
            one.citations.alce.recall,
            one.citations.first.recall,
            one.citations.every.recall,
        ) == (expected,) * 3
        assert not one.misquoted


@pytest.mark.anyio
async def test_all_quotes_of_a_sentence_are_read_together_by_alce_and_alone_by_trec() -> None:
    both = "The freezer stays cold for 48 hours without power and the desk opens at nine."
    desk = cited("The desk opens at nine.", BADGE, "badge", 4)
    one = await checked(told(both, cited(HOURS), desk))
    assert (one.citations.alce.recall, one.citations.alce.precision) == (1, 1)
    assert one.citations.first.recall < 1
    assert one.citations.every.precision < 1


@pytest.mark.anyio
async def test_a_citation_that_is_not_among_the_references_dangles_and_carries_nothing() -> None:
    for loose in (cited(HOURS, ref=9), cited(HOURS, ref=4)):  # no such number; another document's
        one = await checked(told(HOURS, loose))
        assert one.dangling == (loose,)
        assert not one.misquoted
        assert (one.citations.alce.recall, one.citations.first.recall) == (0, 0)
        assert faulty([one]) == [{"query": "q", "document": "freezer", "ref": loose.ref}]


@pytest.mark.parametrize(
    "bad",
    [
        replace(cited(HOURS), start=1, end=51),
        replace(cited(HOURS), quote=HOURS.upper()),
        replace(cited(HOURS), document_id="oven"),
        replace(cited("freezer shut."), start=-len("freezer shut."), end=len(FREEZER)),
        replace(cited(HOURS), quote="", start=5, end=5),
    ],
)
@pytest.mark.anyio
async def test_a_quote_that_does_not_stand_at_its_span_is_bad_and_carries_nothing(
    bad: Citation,
) -> None:
    one = await checked(told(HOURS, bad))
    assert [found.citation for found in one.misquoted] == [bad]
    assert (one.citations.alce.recall, one.citations.every.recall) == (0, 0)


@pytest.mark.anyio
async def test_the_quotes_of_contradictions_are_looked_up_too() -> None:
    bad = replace(cited("The desk opens at nine.", BADGE, "badge", 4), quote="The desk opens at 8.")
    one = told(HOURS, cited(HOURS))
    answer = replace(one.answer, contradictions=(Contradiction("number", cited(HOURS), bad),))
    found = await checked(replace(one, answer=answer))
    assert found.quotes == 3
    assert [each.citation for each in found.misquoted] == [bad]
    assert measured([found])["answers_with_contradictions"] == 1


@pytest.mark.anyio
async def test_a_report_names_the_first_twenty_bad_quotes_and_counts_all() -> None:
    bad = [replace(cited(HOURS), start=i, end=i + len(HOURS)) for i in range(1, 31)]
    one = await checked(told(HOURS, *bad))
    assert measured([one])["bad_quotes"] == 30
    assert [fault["span"][0] for fault in faulty([one])] == list(range(1, 21))


@pytest.mark.anyio
async def test_costs_and_what_verification_did_are_those_of_the_traces() -> None:
    trace = (
        Stage("expand x", 1.0, cost=Cost(calls=2, tokens_in=70, tokens_out=5)),
        Stage("generate", 1.0, cost=Cost(calls=1, tokens_in=30, cached=1)),
        Stage("verify", 1.0, detail="3 of 5 sentences kept, 1 repaired, 1 in doubt"),
    )
    one = told(HOURS, cited(HOURS))
    found = await checked(replace(one, answer=replace(one.answer, trace=trace)))
    figures = measured([found, found])
    assert figures["cost"]["calls"] == 6
    assert (figures["cost"]["tokens_in"], figures["cost"]["tokens_out"]) == (200, 10)
    assert figures["verification"] == {"answers": 2, "dropped": 4, "repaired": 2}
    assert measured([await checked(one)])["verification"] is None


def test_figures_of_no_answer_are_zeros() -> None:
    figures = measured([])
    assert (figures["queries"], figures["words_per_answer"]) == (0, 0)
    assert figures["seconds"] == {"median": 0, "p95": 0}


@dataclass(frozen=True)
class Failing:
    """A generator whose model is away for questions that hold a word."""

    generator: Generator
    word: str

    async def answer(self, context: Context) -> AsyncGenerator[Piece, None]:
        if self.word in context.query.text:
            raise LLMUnavailable("nobody at http://127.0.0.1:9")
        async for event in self.generator.answer(context):
            yield event


async def failing(folder: Path, word: str) -> QueryPath:
    engine = engine_in(folder / "store", by_words(12))
    await engine.index([Document(i, text) for i, text in CORPUS.items()], "tiny")
    path = await engine.collection("tiny")
    return QueryPath(replace(path.parts, generator=Failing(path.parts.generator, word)))


@pytest.mark.anyio
async def test_a_query_that_fails_is_named_and_the_others_are_answered(tmp_path: Path) -> None:
    path = await failing(tmp_path, "freezer")
    found, failed = await ask(path, QUERIES, lambda *_: None)
    assert [one.query_id for one in found] == ["q2", "q3"]
    assert failed == {"q1": "LLMUnavailable: nobody at http://127.0.0.1:9"}


@pytest.mark.parametrize("queries", [1, GIVEN_UP, 50])
@pytest.mark.anyio
async def test_a_model_that_never_answers_ends_the_run_at_once(
    tmp_path: Path, queries: int
) -> None:
    path = await failing(tmp_path, "freezer")
    done: list[int] = []
    asked = {f"q{i}": "Where is the freezer?" for i in range(queries)}
    with pytest.raises(LLMUnavailable):
        await ask(path, asked, lambda _stage, i, _total: done.append(i))
    assert len(done) < GIVEN_UP


@pytest.mark.anyio
async def test_a_named_collection_is_kept_and_must_hold_nothing_else(tmp_path: Path) -> None:
    engine = engine_in(tmp_path / "store", by_words(12))
    await engine.index([Document("other", "Another document.")], "mine")
    await engine.close()
    with pytest.raises(CollectionMismatch, match=r"'mine' holds .* other documents"):
        await run(tmp_path, name="mine")


@pytest.mark.anyio
async def test_the_markdown_is_made_from_the_json_alone_and_names_no_folder_of_the_machine(
    tmp_path: Path,
) -> None:
    found = await run(tmp_path)
    markdown = write_report([found], Settings(), tmp_path / "out")
    text = (tmp_path / "out" / "report.json").read_text(encoding="utf-8")
    report = json.loads(text)
    assert to_markdown(report) == markdown.read_text(encoding="utf-8")
    assert str(tmp_path) not in text
    where = {"commit", "dirty", "command", "time", "machine", "versions"}
    assert where == set(report["provenance"])
    assert report["configuration"]["answer.generator"] == "extractive"
    assert report["configuration"]["encoder"] == "hashed/64"
    said = markdown.read_text(encoding="utf-8")
    assert said.startswith("# Answers on tiny\n")
    assert "the verification ladder, no NLI model" in said
    assert "0 bad quotes of 2 and 0 dangling citations in 2 answers to 3 queries" in said


@pytest.mark.anyio
async def test_answers_are_written_as_a_trec_run_named_for_the_generator(tmp_path: Path) -> None:
    found = await run(tmp_path)
    write_answers(found, Settings(), tmp_path / "answers.jsonl")
    lines = (tmp_path / "answers.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    assert [row["topic_id"] for row in rows] == list(QUERIES)
    assert {row["run_id"] for row in rows} == {"extractive"}
    assert rows[0] == trec_rag(found.checked[0].told.answer, "extractive", "q1")
    assert rows[0]["references"] == ["freezer"]
    assert rows[2]["answer"] == []


@pytest.mark.anyio
async def test_several_collections_have_a_row_each_and_one_for_all(tmp_path: Path) -> None:
    one = await run(tmp_path)
    other = replace(
        one,
        folder=tmp_path / "other",
        checked=one.checked[:1],
        failed={"q2": "LLMUnavailable: away"},
        configuration={**one.configuration, "mean_length": 1.0},
    )
    report = to_json([one, other], Settings())
    assert [row.split(" | ")[:2] for row in overview(report)[2:]] == [
        ["| tiny", "3"],
        ["| other", "1"],
        ["| in all", "4"],
    ]
    assert "mean_length" not in report["configuration"]
    assert "- other, query q2: LLMUnavailable: away" in to_markdown(report)


def test_the_first_queries_of_a_folder_are_asked_judged_or_not(tmp_path: Path) -> None:
    folder = write_beir(tmp_path / "tiny", CORPUS, QUERIES, {})
    assert list(read_questions(folder, 2)) == ["q1", "q2"]
    assert dict(read_questions(folder)) == QUERIES


@pytest.mark.parametrize(
    ("queries", "said"),
    [
        ("", "queries.jsonl is empty: wanted is a line per query"),
        (None, "has no queries.jsonl: wanted is a line per query"),
        ('{"_id": "q1"}', "queries.jsonl:1: no query: .*text.*; wanted is a line per query"),
        ('{"_id": "q1", "text": " "}', "query 'q1' cannot be asked: it has 0 characters, 1 to"),
    ],
)
def test_queries_that_cannot_be_asked_are_refused_with_the_remedy(
    tmp_path: Path, queries: str | None, said: str
) -> None:
    folder = write_beir(tmp_path / "tiny", CORPUS, QUERIES, {})
    file = folder / "queries.jsonl"
    file.unlink() if queries is None else file.write_text(queries, encoding="utf-8")
    with pytest.raises(BadCollection, match=said):
        read_questions(folder)


def test_a_folder_without_a_corpus_is_refused_with_what_it_needs(tmp_path: Path) -> None:
    with pytest.raises(BadCollection, match=r"is no BEIR folder: it needs corpus\.jsonl"):
        read_questions(tmp_path)
