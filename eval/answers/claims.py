"""What is right and wrong in an answer, claim by claim, and where it came from: RAGChecker's way.

Ru et al., NeurIPS 2024 (arXiv 2408.08067). A chunk is relevant where it holds a claim of the
reference. Two things are otherwise than in their package: what there is nothing of is None, not 0;
and an entailment that nobody could say is in no figure, not a "no".
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from rag.values import Frozen

Held: TypeAlias = bool | None
"""Whether a text entails a claim; None where nobody could say."""


@dataclass(frozen=True, slots=True)
class Entailed(Frozen):
    """Who entails what, of the claims of one answer and of its reference.

    `right` has the answer's claims by the reference, `reached` the reference's by the answer;
    `found` and `given` have a row for each claim of the answer and of the reference, and in it a
    place for each chunk.
    """

    right: tuple[Held, ...]
    reached: tuple[Held, ...]
    found: tuple[tuple[Held, ...], ...]
    given: tuple[tuple[Held, ...], ...]


@dataclass(frozen=True, slots=True)
class Decomposition(Frozen):
    """Shares in [0, 1], None where there is nothing to share in.

    Of the whole: `precision`, `recall`, `f1`. Of the search: `claim_recall` (claims of the
    reference that a chunk entails), `context_precision` (chunks that entail one). Of the generator:
    `utilisation` (of the reference's claims in chunks, those that reach the answer),
    `noise_relevant` and `noise_irrelevant` (wrong claims out of relevant chunks, and out of others
    only), `hallucination` (wrong ones out of none), `self_knowledge` (right ones out of none),
    `faithfulness` (claims that a chunk entails). Where precision is known and all wrong claims
    can be placed, precision + both noises + hallucination = 1. `failed` counts the entailments
    that nobody could say.
    """

    precision: float | None = None
    recall: float | None = None
    f1: float | None = None
    claim_recall: float | None = None
    context_precision: float | None = None
    utilisation: float | None = None
    noise_relevant: float | None = None
    noise_irrelevant: float | None = None
    hallucination: float | None = None
    self_knowledge: float | None = None
    faithfulness: float | None = None
    failed: int = 0


def decomposed(entailed: Entailed) -> Decomposition:
    """Return the figures of one answer.

    Without chunks nothing is in any: the reference's claims are then not found, and the answer's
    are not out of one.

    >>> one = decomposed(Entailed((True, False), (True,), ((True,), (True,)), ((True,),)))
    >>> one.precision, one.noise_relevant, one.hallucination, one.faithfulness
    (0.5, 0.5, 0.0, 1.0)
    """
    chunks = max(map(len, (*entailed.found, *entailed.given)), default=0)
    relevant = [_any(row[i] for row in entailed.given) for i in range(chunks)]
    wrong = [
        _origin(row, relevant)
        for right, row in zip(entailed.right, entailed.found, strict=True)
        if right is False
    ]
    right = [_any(row) for right, row in zip(entailed.right, entailed.found, strict=True) if right]
    precision, recall = _share(entailed.right), _share(entailed.reached)
    in_chunks = [_any(row) for row in entailed.given]
    used = [reached for reached, there in zip(entailed.reached, in_chunks, strict=True) if there]
    return Decomposition(
        precision=precision,
        recall=recall,
        f1=_f1(precision, recall),
        claim_recall=_share(in_chunks),
        context_precision=_share(relevant),
        utilisation=_share(used),
        noise_relevant=_part(precision, wrong, "relevant"),
        noise_irrelevant=_part(precision, wrong, "irrelevant"),
        hallucination=_part(precision, wrong, "none"),
        self_knowledge=_known_alone(precision, right),
        faithfulness=_share(_any(row) for row in entailed.found),
        failed=sum(
            one is None
            for row in (entailed.right, entailed.reached, *entailed.found, *entailed.given)
            for one in row
        ),
    )


def ungraded(found: Sequence[Sequence[Held]]) -> Decomposition:
    """Return what can be said without a reference: the faithfulness of an answer's claims."""
    return Decomposition(
        faithfulness=_share(_any(row) for row in found),
        failed=sum(one is None for row in found for one in row),
    )


def _any(held: Iterable[Held]) -> Held:
    """Return Kleene's "or": None only where an unknown one could decide."""
    each = list(held)
    return True if True in each else None if None in each else False


def _all(held: Sequence[Held]) -> Held:
    return False if False in held else None if None in held else True


def _origin(row: Sequence[Held], relevant: Sequence[Held]) -> str:
    """Return the kind of chunk that a claim is out of; "" where that cannot be said.

    A claim in chunks of both kinds is out of a relevant one.
    """
    pairs = list(zip(row, relevant, strict=True))
    inside = _any(_all((here, kind)) for here, kind in pairs)
    if inside is not False:
        return "relevant" if inside else ""
    other = _any(_all((here, None if kind is None else not kind)) for here, kind in pairs)
    return "" if other is None else "irrelevant" if other else "none"


def _part(precision: float | None, origins: Sequence[str], kind: str) -> float | None:
    """Return the share of wrong claims of an origin in all claims.

    Wrong claims whose origin is unknown are taken to be like the others; left out of all claims,
    they would make an answer seem better.
    """
    placed = [origin for origin in origins if origin]
    if precision is None or (origins and not placed):
        return None
    return (1 - precision) * placed.count(kind) / len(placed) if placed else 0.0


def _known_alone(precision: float | None, right: Sequence[Held]) -> float | None:
    """Return the share of right claims in no chunk in all claims, unknown ones like the others."""
    outside = _share(None if one is None else not one for one in right)
    if precision is None or (right and outside is None):
        return None
    return precision * outside if outside is not None else 0.0


def _share(held: Iterable[Held]) -> float | None:
    known = [one for one in held if one is not None]
    return sum(known) / len(known) if known else None


def _f1(precision: float | None, recall: float | None) -> float | None:
    if precision is None or recall is None:
        return None
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0
