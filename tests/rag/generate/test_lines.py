"""What may be quoted and its features: the best passage's first, in whatever order they stand."""

import math

import pytest

from indexers.encoders.hashed import HashedEncoder
from rag.generate.features import FEATURES, features
from rag.generate.lines import read
from rag.values import Candidate, Chunk, Context, Passage, Query

TEXT = "The freezer holds its cold. It hums in the corner. Nobody minds that at all."


def passage(document: str, text: str, score: float, start: int = 0) -> Passage:
    """Return a passage from somewhere in a document."""
    chunk = Chunk(f"{document}#{start}", document, text, start, start + len(text))
    return Passage(1, Candidate(chunk, score, {}))


def asked(*passages: Passage) -> Context:
    """Return a context of these passages."""
    return Context(Query("How cold is the freezer?"), passages)


@pytest.mark.anyio
async def test_lines_stand_in_rank_order_however_the_passages_are_shown() -> None:
    worse, better = passage("a", "The dogs sleep here.", 0.1), passage("b", TEXT, 0.9)
    for context in (asked(worse, better), asked(better, worse)):
        lines = (await read(context, HashedEncoder())).lines
        assert [line.document for line in lines] == ["b", "b", "b", "a"]


@pytest.mark.anyio
async def test_nothing_to_quote_has_no_lines_and_no_vectors() -> None:
    found = await read(asked(passage("a", "# Only a heading", 1.0)), HashedEncoder())
    assert found.lines == ()
    assert len(found.vectors) == 0


@pytest.mark.anyio
async def test_the_features_of_a_line_are_counted_as_described() -> None:
    later = passage("b", "The freezer stands there.", 0.5, start=500)
    found = await read(asked(passage("a", TEXT, 0.9), later), HashedEncoder())
    first, second, third, other = features(found)
    assert first.keys() == FEATURES.keys()
    assert [one["opens"] for one in (first, second, third, other)] == [1, 0, 0, 0]
    assert [one["place"] for one in (first, second, third, other)] == [0, 0.5, 1, 0]
    assert (first["words"], first["lines"]) == (math.log(5), math.log(3))
    assert (first["document"], other["document"]) == (0, math.log(2))
    cosines = [line.cosine for line in found.lines]
    assert first["behind"] == max(cosines) - max(cosines[:3])
    assert other["behind"] == max(cosines) - cosines[3]
    assert first["near"] + second["near"] + third["near"] == pytest.approx(0, abs=1e-9)
    assert other["near"] == 0
    assert other["central"] == pytest.approx(1)


@pytest.mark.anyio
async def test_lines_of_a_document_stand_in_its_order_whichever_chunk_is_better() -> None:
    late, early = passage("a", "The freezer is old.", 0.9, 300), passage("a", TEXT, 0.2)
    found = features(await read(asked(late, early), HashedEncoder()))
    assert [one["place"] for one in found] == [1, 0, 1 / 3, 2 / 3]
    assert [one["opens"] for one in found] == [0, 1, 0, 0]
