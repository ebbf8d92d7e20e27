"""What becomes of queries, sections, passages and groups: the shipped fakes find and write."""

import asyncio
from collections.abc import Awaitable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.flows import drive
from rag.llms.scripted import ScriptedLLM
from rag.training.data.finding import hardest
from rag.training.data.judged import Judged, judged
from rag.training.data.preferring import KINDS, by_answer, by_rank, by_reranker, drawn, preferred
from rag.training.data.structure import Section, asked, asking, cloze
from rag.training.data.synthetic import (
    Writing,
    described,
    descriptions,
    imagined,
    questions,
    round_trip,
    with_imagined,
)
from rag.training.data.teaching import Told, of_order, taught
from rag.training.values import Group, Passage
from rag.values import Choose, Chosen, Complete, Completed

CORPUS = [
    Passage("cold", "The sample freezer stays cold for nine hours without power."),
    Passage("light", "A lighthouse keeper lights the lamp of the lighthouse at dusk."),
    Passage("twin", "The sample freezer stays cold for nine hours without power."),
    Passage("dog", "Spaniels are welcome aboard the ferry if the freezer is empty."),
]


async def find(text: str, count: int) -> list[Passage]:
    """Return passages by how many words they share with a text."""
    words = set(text.lower().split())
    order = sorted(CORPUS, key=lambda p: -len(words & set(p.text.lower().split())))
    return order[:count]


def test_hard_negatives_are_what_is_found_and_not_known() -> None:
    found = asyncio.run(hardest(find, "sample freezer cold", 2, [CORPUS[0]]))
    assert [p.id for p in found] == ["dog", "light"]  # the twin's text is relevant
    assert all(p.grade == 0 for p in found)
    skipped = asyncio.run(hardest(find, "sample freezer cold", 2, [CORPUS[0]], skip=1))
    assert [p.id for p in skipped] == ["light"]


def test_a_judged_query_has_its_relevant_documents_first_then_refused_ones_then_found() -> None:
    texts = {p.id: p.text for p in CORPUS} | {"best": "Nine hours."}
    query = Judged("q", "how cold is the freezer", {"cold": 1, "best": 2, "light": 0, "gone": 3})
    made = asyncio.run(judged(query, texts, find, 3))
    (group,) = made.values
    assert [(p.id, p.grade) for p in group.passages] == [
        ("best", 2),
        ("cold", 1),
        ("light", 0),
        ("dog", 0),
    ]
    nothing = asyncio.run(judged(Judged("q", "x", {"gone": 1}), texts, find, 3))
    assert (nothing.values, nothing.why) == ((), "no relevant document with a text")


def test_headings_ask_for_the_text_below_them_short_ones_with_those_above() -> None:
    text = "The freezer is cold. " * 8
    parts = [
        Section("a", 0, ("The sample  freezer",), text),
        Section("a", 1, ("The sample freezer", "Alarm"), text),
        Section("b", 0, ("Notes",), text),
        Section("c", 0, ("One two three",), "short"),
        Section("d", 0, (), text),
    ]
    found = list(asking(parts))
    assert [(query, p.id) for query, p in found] == [
        ("The sample freezer", "a#0"),
        ("The sample freezer: Alarm", "a#1"),
    ]
    assert found[0][1].text == text.strip()


SENTENCES = [
    "The sample freezer stays cold for nine hours.",
    "Then an alarm rings at the keeper's desk.",
    "Too short.",
    "Nobody may open its door before the power is back.",
]


@settings(deadline=None)
@given(order=st.permutations(SENTENCES), document=st.sampled_from("abcdefgh"), n=st.integers(0, 9))
def test_a_sentence_asks_for_the_text_that_it_was_taken_out_of(
    order: list[str], document: str, n: int
) -> None:
    text = " ".join(order)
    (found,) = cloze([Section(document, n, (), text)])
    query, passage = found
    assert query in SENTENCES
    assert query != "Too short."
    assert query not in passage.text
    assert sorted(passage.text.split()) == sorted(
        word for sentence in SENTENCES if sentence != query for word in sentence.split()
    )
    assert list(cloze([Section(document, n, (), text)])) == [found]


def test_a_text_of_one_sentence_asks_for_nothing() -> None:
    assert list(cloze([Section("a", 0, (), SENTENCES[0])])) == []


def test_a_sections_negatives_are_of_other_documents() -> None:
    async def of_sections(text: str, count: int) -> list[Passage]:
        del text
        return [Passage(f"{d}#{i}", f"{d} {i}") for d in "ab" for i in range(4)][:count]

    positive = Passage("a#1", "a 1", 1)
    made = asyncio.run(asked(("a#1~", "The sample freezer", positive), of_sections, 3))
    (group,) = made.values
    assert (group.id, group.passages[0]) == ("a#1~", positive)
    assert {p.id.split("#")[0] for p in group.negatives} == {"b"}


def test_questions_are_lines_that_ask_something_and_do_not_copy() -> None:
    flow = questions(CORPUS[0].text, Writing(4))
    (first, *others) = next(flow)
    assert isinstance(first, Complete)
    assert [one.seed for one in (first, *others)] == [0, 1, 2, 3]  # type: ignore[union-attr]
    replies = [
        Completed(text, 1)
        for text in (
            "Question: How long is it cold?",
            "Why?",
            "for nine hours without",
            "How long is it cold?",
        )
    ]
    with pytest.raises(StopIteration) as ended:
        flow.send(replies)
    assert ended.value.value == ("How long is it cold?",)


def test_a_question_stays_if_search_finds_its_passage_again() -> None:
    asks = ("which lamp does the keeper of the lighthouse light", "spaniels aboard the ferry")
    made = asyncio.run(round_trip(CORPUS[1], asks, find, 1, 2))
    (group,) = made.values
    assert group.query == asks[0]
    assert group.positives[0].id == "light"
    assert len(group.negatives) == 2
    lost = asyncio.run(round_trip(CORPUS[1], asks[1:], find, 1, 2))
    assert (lost.values, lost.why) == ((), "not found again")
    every = asyncio.run(round_trip(CORPUS[1], asks, find, 0, 2))
    assert len(every.values) == 2
    assert asyncio.run(round_trip(CORPUS[1], (), find, 1, 2)).why == "no question that can be asked"


def test_an_imagined_passage_that_the_model_refuses_is_a_negative() -> None:
    flow = imagined("How long is it cold?", Writing(2))
    requests = next(flow)
    assert len(requests) == 6
    texts = ("Nine hours.", "It is a lamp.", "Freezers are white.", "Nine hours.", "Long query", "")
    asked_again = flow.send([Completed(text, 1) for text in texts])
    assert all(isinstance(one, Choose) for one in asked_again)
    with pytest.raises(StopIteration) as ended:
        flow.send([Chosen((-0.1, -2.0)), Chosen((-2.0, None))])
    made = ended.value.value
    assert made.positives == ("Nine hours.", "It is a lamp.")
    assert made.negatives == ("Freezers are white.",)
    assert made.expanded == ("Long query",)
    group = Group("g", "How long is it cold?", (CORPUS[0], CORPUS[1]))
    whole, longer = with_imagined(group, made)
    assert whole.passages[0].text == "Nine hours."
    assert longer.query == "Long query"
    assert len({p.id for p in whole.passages}) == len(whole.passages)


def test_descriptions_that_fit_stand_against_those_that_mislead() -> None:
    flow = descriptions(CORPUS[0].text, Writing(1))
    assert len(next(flow)) == 2
    with pytest.raises(StopIteration) as ended:
        flow.send(
            [Completed("A device keeps a state.", 1), Completed("A device loses a state.", 1)]
        )
    fitting, misleading = ended.value.value
    made = described(CORPUS[0], fitting, misleading, [CORPUS[1]])
    (group,) = made.values
    assert group.query == "A device keeps a state."
    assert group.misleading == ("A device loses a state.",)
    assert [p.grade for p in group.passages] == [1, 0]
    assert described(CORPUS[0], (), misleading, []).values == ()


def test_a_teacher_scores_the_first_passages_of_a_group() -> None:
    group = Group("g", "q", tuple(CORPUS))

    async def teacher(_query: str, texts: Sequence[str]) -> Told:
        return Told(tuple(float(len(text)) for text in texts), len(texts))

    (scored,) = asyncio.run(taught(group, teacher, 3)).values
    assert [p.score for p in scored.passages] == [float(len(p.text)) for p in CORPUS[:3]]
    one = Group("g", "q", tuple(CORPUS[:1]))
    assert asyncio.run(taught(one, teacher, 3)).why == "fewer than two passages"


@settings(deadline=None)
@given(st.integers(1, 12).flatmap(lambda n: st.permutations(range(n))))
def test_scores_of_an_order_give_that_order(order: list[int]) -> None:
    scores = of_order(order)
    assert sorted(range(len(order)), key=lambda i: -scores[i]) == list(order)


def test_the_text_that_helps_search_comes_before_the_one_that_does_not() -> None:
    rank = by_rank(find, {"who works at dusk?": ["light"]})
    texts = ("the sample freezer stays cold", "a lighthouse keeper lights the lamp")
    made = asyncio.run(preferred("1", "who works at dusk?", texts, KINDS["passage"], [rank]))
    (one,) = made.values
    assert (one.chosen, one.rejected) == (texts[1], texts[0])
    assert one.rewards[0] == 1.0
    assert one.rewards[1] < 1
    assert "who works at dusk?" in one.prompt[-1].content
    even = asyncio.run(preferred("1", "q", ("a b", "a b c"), KINDS["passage"], [by_answer({})]))
    assert even.why == "texts that are equally good"
    few = asyncio.run(preferred("1", "q", ("a",), KINDS["passage"], [rank]))
    assert few.why == "fewer than two texts that can be used"


def told(reward: Awaitable[float]) -> float:
    async def wait() -> float:
        return await reward

    return asyncio.run(wait())


def test_rewards_by_an_answer_and_by_a_reranker() -> None:
    answer = by_answer({"q": "nine hours without power"})
    assert told(answer("q", "nine hours")) > told(answer("q", "a lamp"))

    async def rate(_query: str, texts: Sequence[str]) -> float:
        return sum("freezer" in text for text in texts) / len(texts)

    liked = by_reranker(lambda text, _count: find(text, 1), rate)
    assert told(liked("x", "sample freezer")) == 1
    assert told(liked("x", "lighthouse keeper lamp")) == 0


def test_texts_are_drawn_cleaned_and_none_twice() -> None:
    replies = [
        "It stays cold nine hours in the freezer.",
        "It stays cold nine hours in the freezer.",
        "I cannot.",
    ]
    texts = iter(replies)
    llm = ScriptedLLM(complete=lambda _request: next(texts))
    flow = drawn("How long does the freezer stay cold?", KINDS["passage"], 3)
    driven = asyncio.run(drive(flow, llm))
    assert driven.result == ("It stays cold nine hours in the freezer.",)
