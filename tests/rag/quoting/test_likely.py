"""A line's probability is its document's times its own, in the order of the lines."""

import pytest

from indexers.encoders.hashed import HashedEncoder
from rag.logistic import Logistic, Term
from rag.quoting.likely import FAR, Likely
from rag.quoting.lines import read
from rag.values import Candidate, Chunk, Context, Passage, Query

OPENS = Likely(Logistic(0.0, {"rank": Term(-2.0)}), Logistic(-1.0, {"opens": Term(3.0)}))


def passage(document: str, text: str, score: float, start: int) -> Passage:
    """Return a passage from somewhere in a document."""
    chunk = Chunk(f"{document}#{start}", document, text, start, start + len(text))
    return Passage(1, Candidate(chunk, score, {}))


@pytest.mark.anyio
async def test_a_lines_probability_is_its_documents_times_its_own() -> None:
    passages = (
        passage("a", "It stands at the end.", 0.9, 400),
        passage("b", "Dogs may come along.", 0.5, 0),
        passage("a", "The freezer is here.", 0.4, 0),
    )
    asked = Query("Where is the freezer, and may dogs come along?")
    found = await read(Context(asked, passages), HashedEncoder())
    first, second = (OPENS.document.probability({"rank": n}) for n in (0.0, 0.6931471805599453))
    other, opens = (OPENS.line.probability({"opens": n}) for n in (0.0, 1.0))
    assert [line.text[:4] for line in found.lines] == ["It s", "Dogs", "The "]
    assert OPENS.probabilities(found) == pytest.approx(
        [first * other, second * opens, first * opens]
    )


@pytest.mark.anyio
async def test_a_document_that_is_far_behind_is_not_quoted_whatever_its_rank() -> None:
    passages = (
        passage("a", "Bananas grow on trees in Kenya.", 0.9, 0),
        passage("b", "The sample freezer is in the annex.", 0.5, 0),
    )
    asked = Query("Where is the sample freezer?")
    found = await read(Context(asked, passages), HashedEncoder())
    assert found.lines[1].cosine - found.lines[0].cosine > FAR
    first, second = OPENS.probabilities(found)
    assert first == 0.0
    assert second > 0.0
