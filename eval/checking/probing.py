"""Probes of a judge: cases made to tell, asked over the `Judge` seam, so that any judge can be."""

from collections.abc import Callable, Sequence
from statistics import fmean

import numpy as np

from eval.checking.probe_cases import CASES, Once, Twice, fooled_cases, kept_cases
from eval.checking.record import CUT, TOP, Fooled, Kept, Probes
from eval.data.collection import Qrels
from eval.experiments.record import Lineage
from eval.provenance import provenance
from rag.seams import Judge
from rag.showing import Show, silent
from rag.values import Case

NOTES = (
    "nothing that the judge said is kept between rounds; what a model server keeps is its own",
    "languages are eight short facts of our own: enough to see a judge that reads English alone",
)


async def probe(
    anew: Callable[[], Judge],
    name: str,
    given: Sequence[Case],
    lineage: Lineage | None = None,
    *,
    count: int = CASES,
    seed: int = 0,
    top: int = TOP,
    cut: int = CUT,
    show: Show = silent,
) -> Probes:
    """Return what a judge does with every probe, made of real pairs.

    `anew` gives the judge without memory, for each round: what it said before must not be what it
    says now.

    Raises:
        BadInput: there is no pair; and what the judge raises.
    """
    chosen = given[:count]
    twice, once = kept_cases(chosen, seed), fooled_cases(given, count, seed)
    total = len({each.before for each in twice}) + len(twice) + len(once)
    rounds: list[Sequence[int | None]] = []

    async def grades(cases: Sequence[Case]) -> Sequence[int | None]:
        found = [judgment.grade for judgment in await anew().judge(cases)]
        rounds.append([grade if grade is None or 0 <= grade <= top else None for grade in found])
        show("probe", len(rounds), total)
        return rounds[-1]

    before = {each.before: await grades(each.before) for each in _distinct(twice)}
    kept = [_kept(each, before[each.before], await grades(each.after)) for each in twice]
    fooled = [_fooled(each, await grades(each.cases), cut) for each in once]
    every = [grade for each in rounds for grade in each]
    return Probes(
        judge=name,
        lineage=lineage,
        seed=seed,
        top=top,
        cut=cut,
        asked=len(every),
        failed=sum(grade is None for grade in every),
        kept=tuple(kept),
        fooled=tuple(fooled),
        notes=NOTES,
        provenance=provenance(),
    )


def choose(qrels: Qrels, count: int, seed: int = 0) -> tuple[tuple[str, str], ...]:
    """Return pairs for probes: of as many queries as can be, by turns their best and their worst.

    So grades of both ends are asked again, cut and shuffled.
    """
    queries = sorted(qrels)
    found: list[tuple[str, str]] = []
    order = np.random.default_rng(seed).permutation(len(queries))[:count]
    for number, place in enumerate(order):
        query = queries[place]
        ranked = sorted((-grade, document) for document, grade in qrels[query].items())
        found.append((query, ranked[0 if number % 2 == 0 else -1][1]))
    return tuple(found)


def _distinct(twice: Sequence[Twice]) -> Sequence[Twice]:
    """Return one of those that begin with the same cases, which are asked once."""
    return tuple({each.before: each for each in twice}.values())


def _kept(each: Twice, before: Sequence[int | None], after: Sequence[int | None]) -> Kept:
    changed = [after[place] for place in each.places]
    both = [(a, b) for a, b in zip(before, changed, strict=True) if a is not None and b is not None]
    return Kept(
        each.name,
        each.about,
        len(changed),
        len(changed) - len(both),
        fmean(a == b for a, b in both) if both else None,
        fmean(b - a for a, b in both) if both else None,
    )


def _fooled(each: Once, grades: Sequence[int | None], cut: int) -> Fooled:
    valid = [grade for grade in grades if grade is not None]
    return Fooled(
        each.name,
        each.about,
        each.attack,
        len(grades),
        len(grades) - len(valid),
        fmean(grade > 0 for grade in valid) if valid else None,
        fmean(grade >= cut for grade in valid) if valid else None,
    )
