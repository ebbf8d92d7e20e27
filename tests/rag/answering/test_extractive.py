"""The extractive generator quotes what stands in the passages, cites it, or says why it cannot."""

import re
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexers.encoders.hashed import HashedEncoder
from rag.abstain import Floor
from rag.answering.answering import quoting
from rag.quoting.choosing import Limits
from rag.seams import Generator
from rag.values import (
    Answer,
    Candidate,
    Chunk,
    Context,
    Cut,
    Document,
    Passage,
    Query,
    Reference,
    Stage,
)

FREEZER = Document(
    "docs/freezer.md",
    "# The sample freezer holds\n"
    "\n"
    "The sample freezer holds its cold\nfor 36 hours without power.\n"
    "It hums quietly in the corner.\n"
    "\n"
    "- The sample freezer holds 200 boxes.\n"
    "\n"
    "```\nthe sample freezer holds code\n```\n",
    title="Freezer",
    source="handbook/freezer.md",
)
DOGS = Document("docs/dogs.md", "Dogs may come along. The sample freezer holds no dogs.", "Dogs")


def context(question: str, *documents: Document, start: int = 0) -> Context:
    """Return a context whose passages are the documents, each from `start` on."""
    passages = tuple(
        Passage(
            ref,
            Candidate(
                Chunk(
                    f"{d.id}#0", d.id, d.text[start:], start, len(d.text), d.title, source=d.source
                ),
                1.0 / ref,
                {},
            ),
        )
        for ref, d in enumerate(documents, start=1)
    )
    return Context(Query(question), passages, (Stage("pack", 1.0),))


async def write(context: Context, floor: float = 0.3, limit: int = 3) -> tuple[list[str], Answer]:
    """Return the pieces of text that came before the answer, and the answer."""
    generator = quoting(HashedEncoder(), Floor(floor), Limits(limit))
    events = [event async for event in generator.answer(context)]
    pieces = [event for event in events if isinstance(event, str)]
    cuts = [event for event in events if isinstance(event, Cut)]
    answer = events[-1]
    assert isinstance(answer, Answer)
    assert len(events) == len(pieces) + len(cuts) + 1
    assert [(cut.start, cut.end) for cut in cuts] == [(s.start, s.end) for s in answer.sentences]
    assert [cut.refs for cut in cuts] == [
        tuple(citation.ref for citation in s.citations) for s in answer.sentences
    ]
    return pieces, answer


def check(answer: Answer, documents: Sequence[Document]) -> None:
    """Everything an answer promises about its spans, quotes and references."""
    texts = {document.id: document.text for document in documents}
    numbers = {reference.ref: reference.document_id for reference in answer.references}
    position = 0
    for sentence in answer.sentences:
        assert sentence.start == position
        assert answer.text[sentence.start : sentence.end] == sentence.text
        position = sentence.end + 1
        (citation,) = sentence.citations
        assert texts[citation.document_id][citation.start : citation.end] == citation.quote
        assert " ".join(citation.quote.split()) == sentence.text
        assert numbers[citation.ref] == citation.document_id
    assert sorted({s.citations[0].ref for s in answer.sentences}) == list(numbers)


def test_it_is_a_generator() -> None:
    assert isinstance(quoting(HashedEncoder(), Floor(0.3), Limits(3)), Generator)


@pytest.mark.anyio
async def test_the_likeliest_sentences_are_quoted_with_their_places() -> None:
    asked = context("How long does the sample freezer holds its cold without power?", FREEZER, DOGS)
    _, answer = await write(asked)
    assert answer.sentences[0].text == (
        "The sample freezer holds its cold for 36 hours without power."
    )
    assert answer.reason == ""
    assert answer.query is asked.query
    check(answer, [FREEZER, DOGS])


@pytest.mark.anyio
async def test_a_quote_keeps_its_line_break_and_the_answer_does_not() -> None:
    _, answer = await write(context("sample freezer cold 36 hours power", FREEZER), limit=1)
    (sentence,) = answer.sentences
    (citation,) = sentence.citations
    assert citation.quote == "The sample freezer holds its cold\nfor 36 hours without power."
    assert answer.text == sentence.text == " ".join(citation.quote.split())


@pytest.mark.anyio
async def test_quotes_are_verbatim_in_the_document_when_the_chunk_starts_in_the_middle() -> None:
    start = FREEZER.text.index("It hums")
    _, answer = await write(context("It hums quietly", FREEZER, start=start), limit=1)
    (citation,) = answer.sentences[0].citations
    assert citation.start == start
    check(answer, [FREEZER])


@pytest.mark.anyio
async def test_headings_code_and_list_markers_are_never_quoted() -> None:
    _, answer = await write(
        context("It hums quietly, the boxes of code", FREEZER), floor=-1, limit=99
    )
    assert sorted(sentence.text for sentence in answer.sentences) == [
        "It hums quietly in the corner.",
        "The sample freezer holds 200 boxes.",
        "The sample freezer holds its cold for 36 hours without power.",
    ]


@pytest.mark.anyio
async def test_only_what_is_cited_is_a_reference_with_its_documents_number() -> None:
    _, answer = await write(context("Dogs may come along", FREEZER, DOGS), limit=1)
    assert answer.references == (Reference(2, DOGS.id, "Dogs", ""),)


@pytest.mark.anyio
@pytest.mark.parametrize("limit", [1, 2, 3])
async def test_an_answer_has_at_most_the_limit_of_sentences(limit: int) -> None:
    asked = context("Dogs may come along; it hums quietly in the corner", FREEZER, DOGS)
    _, answer = await write(asked, floor=-1, limit=limit)
    assert len(answer.sentences) == limit


@pytest.mark.anyio
async def test_no_sentence_stands_twice_whatever_its_case_and_its_spaces() -> None:
    twice = Document("b", "THE  sample freezer\nholds its cold for 36 hours, without power!")
    again = Document("c", "- The sample freezer holds its cold for 36 hours without power")
    asked = context("sample freezer cold power", FREEZER, twice, again)
    _, answer = await write(asked, floor=0.4, limit=9)
    cold = [s for s in answer.sentences if "36" in s.text]
    assert [s.citations[0].document_id for s in cold] == [FREEZER.id]  # the best passage's


@pytest.mark.anyio
async def test_the_score_of_a_citation_is_the_cosine_of_its_sentence() -> None:
    _, answer = await write(context("Dogs may come along", DOGS), floor=0.9, limit=1)
    (sentence,) = answer.sentences
    assert sentence.text == "Dogs may come along."
    assert sentence.citations[0].score == pytest.approx(1.0)


@pytest.mark.anyio
async def test_below_the_floor_it_abstains_and_says_how_far_it_was() -> None:
    pieces, answer = await write(context("quantum chromodynamics", FREEZER, DOGS), floor=0.9)
    assert pieces == []
    assert (answer.text, answer.sentences, answer.references) == ("", (), ())
    assert re.fullmatch(
        r"no sentence of the 2 best passages is close enough to the question: the best has "
        r"-?0\.\d\d, the floor is 0\.90",
        answer.reason,
    )
    assert answer.trace == (Stage("pack", 1.0), Stage("generate", 0.0, "ok", "abstained"))


@pytest.mark.anyio
@pytest.mark.parametrize(
    "documents",
    [[], [Document("a", "")], [Document("a", "# Only headings here\n\n```\ncode\n```")]],
)
async def test_without_anything_to_quote_it_abstains(documents: list[Document]) -> None:
    pieces, answer = await write(context("anything?", *documents), floor=-1)
    assert pieces == []
    assert answer.text == ""
    assert answer.reason == "nothing was found to quote from"


@pytest.mark.anyio
async def test_captions_and_remnants_of_two_words_are_not_quoted() -> None:
    remnants = Document("a", "Figure 3. The freezer holds. See below.")
    _, answer = await write(context("figure", remnants), floor=-1, limit=9)
    assert [sentence.text for sentence in answer.sentences] == ["The freezer holds."]


@pytest.mark.anyio
async def test_a_language_without_spaces_can_be_quoted() -> None:
    chinese = Document("a", "样品冷冻柜断电后可保持低温三十六小时。狗可以一起来。")
    _, answer = await write(context("冷冻柜断电", chinese), floor=-1, limit=1)
    assert answer.text == "样品冷冻柜断电后可保持低温三十六小时。"
    check(answer, [chinese])


@pytest.mark.anyio
async def test_the_pieces_are_the_text() -> None:
    pieces, answer = await write(context("sample freezer", FREEZER, DOGS), floor=-1, limit=9)
    assert len(pieces) == len(answer.sentences) > 1
    assert "".join(pieces) == answer.text


@pytest.mark.anyio
@pytest.mark.parametrize("question", ["?", "!!! …", "the", "freezer " * 3_000, "a\x00b", "💥"])
async def test_odd_questions_are_answered_or_declined(question: str) -> None:
    for floor in (-1.0, 0.5, 1.0):
        _, answer = await write(context(question, FREEZER, DOGS), floor=floor)
        assert bool(answer.text) != bool(answer.reason)
        check(answer, [FREEZER, DOGS])


@pytest.mark.anyio
async def test_the_same_context_gives_the_same_answer() -> None:
    asked = context("What does the sample freezer holds?", FREEZER, DOGS)
    one, other = await write(asked), await write(asked)
    assert one[0] == other[0]
    assert replace(one[1], trace=()) == replace(other[1], trace=())


PIECES = [
    "# The head line\n",
    "- an item of words\n",
    "Some plain words here. ",
    "Über α words, 3.5 kg!\n",
    "\n\n",
    "```\n",
    "> a quoted line here\r\n",
    "猫坐在垫子上。",
    "| a | b c |\n",
    "two words. ",
]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)


@pytest.mark.anyio
async def test_spans_and_quotes_hold_for_every_document() -> None:
    cases: list[list[str]] = []

    @given(st.lists(TEXTS, max_size=3))
    @settings(max_examples=60, deadline=None)
    def collect(texts: list[str]) -> None:
        cases.append(texts)

    collect()
    for texts in cases:
        documents = [Document(f"d{i}", text) for i, text in enumerate(texts)]
        _, answer = await write(context("words of a line", *documents), floor=-1, limit=5)
        check(answer, documents)
        quotes = [tuple(re.findall(r"\w+", s.text.lower())) for s in answer.sentences]
        assert len(set(quotes)) == len(quotes)
