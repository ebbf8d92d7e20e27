"""A relevance model has a say in what is quoted, and only a say."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexers.encoders.hashed import HashedEncoder
from rag.abstain import Floor
from rag.answering.answering import Answering
from rag.answering.extractive import Extractive
from rag.errors import LLMUnavailable
from rag.quoting.choosing import Limits
from rag.quoting.scored import Scored, Scorer, informed
from rag.values import Answer, Cost, Document
from tests.rag.answering.island import context

SENTENCES = [f"The shed number {i} keeps boats and ropes." for i in range(26)]
SHEDS = Document("sheds", " ".join(SENTENCES))
LIKELY = st.lists(st.tuples(st.floats(0, 1), st.floats(-100, 100)), min_size=1, max_size=9)


@given(LIKELY)
def test_probabilities_stay_so_and_the_order_of_scores_decides_between_equals(
    told: list[tuple[float, float]],
) -> None:
    likely, scores = [p for p, _ in told], [s for _, s in told]
    found = informed(likely, scores)
    assert all(0 <= p <= 1 for p in found)
    even = informed([0.5] * len(scores), scores)
    assert all(
        even[i] <= even[j]
        for i in range(len(scores))
        for j in range(len(scores))
        if scores[i] <= scores[j]
    )
    assert informed(likely, ()) == likely


async def quoted(scorer: Scorer) -> Answer:
    writer = Extractive(Limits(1), scorer)
    asking = Answering(HashedEncoder(), [Floor(-1.0)], {"extractive": writer})
    asked = context(SHEDS, question="What is kept in the shed?")
    return [piece async for piece in asking.answer(asked) if isinstance(piece, Answer)][-1]


@pytest.mark.anyio
async def test_what_a_model_finds_relevant_is_quoted_rather() -> None:
    for wanted in (SENTENCES[3], SENTENCES[7]):

        async def scorer(question: str, sentences: Sequence[str], one: str = wanted) -> Scored:
            assert question == "What is kept in the shed?"
            return Scored(tuple(9.0 * (text == one) for text in sentences), Cost(calls=4))

        answer = await quoted(scorer)
        assert answer.text == wanted
        assert answer.trace[0].cost.calls == 4


@pytest.mark.anyio
async def test_a_model_that_fails_is_quoted_without() -> None:
    async def gone(_question: str, _sentences: Sequence[str]) -> Scored:
        raise LLMUnavailable("nobody there")

    answer = await quoted(gone)
    assert not answer.abstained
    assert answer.trace[0].status == "failed"
    assert "no relevance model: nobody there" in answer.trace[0].detail
