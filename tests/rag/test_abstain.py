"""The gates: the floor, the calibrated probability, and what is answered only in part."""

from datetime import date

import pytest

from indexers.encoders.hashed import HashedEncoder
from rag.abstain import FEATURES, Calibrated, Calibration, Floor, Verdict, evidence
from rag.logistic import Logistic, Term
from rag.quoting.lines import read
from rag.values import Candidate, Chunk, Context, Passage, Query

ENCODER = HashedEncoder()
COLD = "The sample freezer holds its cold for 36 hours. It hums in the corner."
DOGS = "Dogs may come along. They sleep on the mat by the door."


def context(question: str, *texts: str) -> Context:
    """Return a context whose passages are the texts, the first the best."""
    return Context(
        Query(question),
        tuple(
            Passage(i, Candidate(Chunk(f"{i}", f"d{i}", text, 0, len(text), "Title"), 1 / i, {}))
            for i, text in enumerate(texts, start=1)
        ),
    )


def gate(threshold: float) -> Calibrated:
    """Return a gate whose probability is that of the nearest sentence's cosine, times ten."""
    model = Logistic(0.0, {"sentence": Term(10.0)})
    return Calibrated(Calibration(model, threshold, "", date(2026, 11, 22), {}, {}), ENCODER)


async def judged(gate: Floor | Calibrated, asked: Context) -> Verdict:
    """Return what a gate says about a context."""
    return await gate(asked, await read(asked, ENCODER))


@pytest.mark.anyio
async def test_the_floor_lets_through_what_is_near_and_says_how_far_the_rest_is() -> None:
    near = context("The sample freezer holds its cold", COLD, DOGS)
    assert await judged(Floor(0.5), near) == Verdict("yes")
    far = await judged(Floor(0.5), context("quantum chromodynamics", COLD, DOGS))
    assert far.answerable == "no"
    assert far.reason.startswith("no sentence of the 2 best passages is close enough")


@pytest.mark.anyio
async def test_a_calibrated_gate_answers_from_its_threshold_on() -> None:
    asked = context("The sample freezer holds its cold", COLD, DOGS)
    assert (await judged(gate(0.9), asked)).answerable == "yes"
    declined = await judged(gate(1.0), asked)
    assert declined.answerable == "no"
    assert declined.reason.endswith("less than 1.00")


@pytest.mark.anyio
async def test_a_number_that_no_passage_has_makes_an_answer_partial() -> None:
    asked = context("Does the freezer hold its cold for 36 hours since 1,998?", COLD, DOGS)
    verdict = await judged(Floor(-1), asked)
    assert verdict == Verdict("partial", "no passage has 1998")
    assert (await judged(Floor(-1), context("cold for 36 hours?", COLD))).answerable == "yes"


@pytest.mark.anyio
async def test_the_evidence_is_counted_as_described() -> None:
    asked = context("sample freezer cold? dogs", COLD, DOGS)
    found = await read(asked, ENCODER)
    counted = await evidence(asked, found, ENCODER)
    assert counted.keys() == FEATURES.keys()
    cosines = {line.text: line.cosine for line in found.lines}
    best = max(cosines, key=lambda text: cosines[text])
    assert counted["sentence"] == cosines[best]
    assert counted["gap"] == cosines[best] - max(cosines[t] for t in cosines if t in DOGS)
    assert counted["document"] == pytest.approx(sum(cosines[t] for t in cosines if t in COLD) / 2)
    assert counted["covered"] == 3 / 4
    assert counted["titled"] == 0
    assert counted["documents"] == 1
    (vector,) = await ENCODER.encode([asked.passages[0].candidate.chunk.indexed_text], "document")
    assert counted["passage"] == pytest.approx(float(vector @ found.query))


@pytest.mark.anyio
async def test_the_order_in_which_passages_are_shown_does_not_matter() -> None:
    asked = context("sample freezer cold?", COLD, DOGS)
    turned = Context(asked.query, asked.passages[::-1])
    one = await evidence(asked, await read(asked, ENCODER), ENCODER)
    assert await evidence(turned, await read(turned, ENCODER), ENCODER) == one
