"""What may be quoted and its features: the best passage's first, in whatever order they stand."""

import math
from collections.abc import Mapping

import numpy as np
import pytest

from indexers.encoders.hashed import HashedEncoder
from rag.quoting.features import DOCUMENT, LINE, documents, of_documents, of_lines
from rag.quoting.lines import Read, read
from rag.values import Candidate, Chunk, Context, Passage, Query

TEXT = "The freezer holds its cold. It hums in the corner. Nobody minds that at all."


def passage(document: str, text: str, score: float, start: int = 0, title: str = "") -> Passage:
    """Return a passage from somewhere in a document."""
    chunk = Chunk(f"{document}#{start}", document, text, start, start + len(text), title)
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


def told(found: Read) -> list[Mapping[str, float]]:
    """Return the features of all lines, document by document."""
    return [line for places in documents(found) for line in of_lines(found, places)]


@pytest.mark.anyio
async def test_the_features_of_a_line_are_counted_as_described() -> None:
    later = passage("b", "The freezer stands there.", 0.5, start=500)
    found = await read(asked(passage("a", TEXT, 0.9), later), HashedEncoder())
    first, second, third, other = told(found)
    assert first.keys() == LINE.keys()
    assert [one["opens"] for one in (first, second, third, other)] == [1, 0, 0, 0]
    assert (first["lines"], other["lines"]) == (math.log(3), 0)
    assert first["near"] > second["near"]
    assert first["near"] + second["near"] + third["near"] == pytest.approx(0, abs=1e-9)
    assert other["near"] == 0
    assert other["central"] == pytest.approx(1)


@pytest.mark.anyio
async def test_the_features_of_a_document_are_counted_as_described() -> None:
    found = await read(
        asked(passage("a", TEXT, 0.9), passage("b", "Dogs may sleep.", 0.5)), HashedEncoder()
    )
    cosines = [line.cosine for line in found.lines]
    first, second = of_documents(found)
    assert first.keys() == DOCUMENT.keys()
    assert (first["rank"], second["rank"]) == (0, math.log(2))
    assert first["behind"] == max(cosines) - max(cosines[:3])
    assert second["behind"] == max(cosines) - cosines[3]


@pytest.mark.anyio
async def test_lines_of_a_document_stand_in_its_order_whichever_chunk_is_better() -> None:
    late, early = passage("a", "The freezer is old.", 0.9, 300), passage("a", TEXT, 0.2)
    found = await read(asked(late, early), HashedEncoder())
    assert documents(found) == [[1, 2, 3, 0]]
    assert [one["opens"] for one in told(found)] == [1, 0, 0, 0]


@pytest.mark.anyio
async def test_a_line_that_only_repeats_its_title_says_nothing_beyond_it() -> None:
    text = "The freezer. Cold is how the freezer should be."
    titled = asked(
        passage("a", text.replace("freezer.", "big freezer."), 1.0, title="The big freezer")
    )
    repeats, tells = (await read(titled, HashedEncoder())).lines
    assert repeats.cosine > 0.2
    assert abs(repeats.beyond) < 1e-3 < tells.beyond


@pytest.mark.anyio
async def test_without_a_title_all_that_a_line_says_is_beyond_it() -> None:
    found = await read(asked(passage("a", TEXT, 0.9)), HashedEncoder())
    cosines = [line.cosine / 1.05 for line in found.lines]
    assert np.allclose([line.beyond for line in found.lines], cosines)


@pytest.mark.anyio
async def test_a_line_that_names_what_is_asked_for_is_above_the_others_of_its_document() -> None:
    text = "The river is long. It rises in Austria. It is very wide there."
    where = Context(Query("Where is the river?"), (passage("a", text, 1.0),))
    counts = [one["asked"] for one in told(await read(where, HashedEncoder()))]
    third = math.log(2) / 3
    assert counts == pytest.approx([-third, 2 * third, -third])
    what = Context(Query("What is the river?"), (passage("a", text, 1.0),))
    assert [one["asked"] for one in told(await read(what, HashedEncoder()))] == [0, 0, 0]
