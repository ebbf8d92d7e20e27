"""The judge that compares two documents in both orders."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.judges.judge import Room
from eval.judges.ledger import Ledger
from eval.judges.preferences import judge_of
from eval.judges.preferring import Preference, circle, ordered
from rag.llms.scripted import ScriptedLLM
from rag.values import Choose, Chosen
from tests.eval.judges.asking import case

IDS = [f"d{n}" for n in range(6)]


def scripted(position: float = 0.0) -> ScriptedLLM:
    """A model to which the document with the larger number is better, and a liking for A."""

    def choose(request: Choose) -> Chosen:
        text = request.prompt[0].content
        a, b = (int(part.split()[0]) for part in text.split("text d")[1:])
        return Chosen((float(a - b) + position, 0.0))

    return ScriptedLLM(choose, complete=lambda _: "Both.")


def silent(_: str, __: int, ___: int) -> None:
    pass


@pytest.mark.anyio
@pytest.mark.parametrize("position", [0.0, 0.5, 40.0])
async def test_documents_are_ordered_and_a_liking_for_a_letter_cancels(position: float) -> None:
    of = judge_of(scripted(position), Ledger(), Room(together=4), silent)
    (found,) = await of.prefer([case(document_id) for document_id in IDS])
    assert [document_id for document_id, _ in found.order] == IDS[::-1]
    assert [one.margin for one in found.preferences] == [
        int(one.document_id[1]) - int(one.other_id[1]) for one in found.preferences
    ]
    assert {one.consistent for one in found.preferences} == {position < 1}
    assert len(found.preferences) == 12  # each of six meets two on either side


@pytest.mark.anyio
async def test_a_comparison_without_an_answer_is_missing_and_no_tie() -> None:
    llm = ScriptedLLM(lambda r: Chosen((None,) * len(r.labels)), complete=lambda _: "Both.")
    ledger = Ledger()
    (found,) = await judge_of(llm, ledger, Room(), silent).prefer([case("a"), case("b")])
    assert found.preferences == (Preference("q1", "a", "b", None),)
    assert found.order == (("a", 0.0), ("b", 0.0))
    assert ledger.asked == 4  # both orders, both asked a second way


@pytest.mark.anyio
async def test_comparing_again_asks_nothing() -> None:
    ledger, llm = Ledger(), scripted()
    first = await judge_of(llm, ledger, Room(), silent).prefer([case(d) for d in IDS])
    assert (
        await judge_of(scripted(), ledger, Room(), silent).prefer([case(d) for d in IDS[::-1]])
        == first
    )
    assert ledger.asked == len(llm.history) == 24


@given(st.integers(1, 30), st.integers(1, 4), st.text(max_size=3))
def test_everyone_meets_as_many_and_nobody_oneself(n: int, opponents: int, seed: str) -> None:
    ids = [f"{i:02}" for i in range(n)]
    pairs = circle(ids, opponents, seed)
    assert len(set(pairs)) == len(pairs)
    assert all(a < b for a, b in pairs)
    met = {one: sum(one in pair for pair in pairs) for one in ids}
    assert set(met.values()) == {min(2 * opponents, n - 1)}


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=12), st.integers(1, 3))
def test_the_order_finds_strengths_again(strengths: list[float], opponents: int) -> None:
    ids = [f"{i:02}" for i in range(len(strengths))]
    said = [
        Preference("q", a, b, strengths[int(a)] - strengths[int(b)])
        for a, b in circle(ids, opponents, "")
    ]
    mean = math.fsum(strengths) / len(strengths)
    for document_id, strength in ordered(ids, said):
        assert strength == pytest.approx(strengths[int(document_id)] - mean, abs=1e-4)
