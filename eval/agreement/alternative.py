"""The alternative annotator test: may a judge stand in for one of the people who label?

Calderon, Reichart and Dror, ACL 2025 (arXiv 2501.10970), written from the paper. No label is taken
for the truth: the judge is compared with each person by how well either agrees with the others.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, TypeVar

import numpy as np
from scipy import stats

from eval.agreement.contingency import Array
from rag.errors import BadInput
from rag.values import Frozen

T = TypeVar("T")
Scoring: TypeAlias = Callable[[T, Sequence[T]], float]
"""How well a label agrees with those of the others; more is better."""

EPSILON: Mapping[str, float] = {"experts": 0.2, "skilled": 0.15, "crowd": 0.1}
"""How much worse than these people a judge may be for what it saves; the paper's."""

ENOUGH = 30
"""Instances of one annotator that a t-test needs; the paper's."""

PASSED = 0.5
"""The winning rate from which on a judge may stand in; the paper's."""


@dataclass(frozen=True, slots=True)
class Person(Frozen):
    """The judge against one annotator.

    `advantage` (ρ) is the share of instances on which the judge agrees with the others as well as
    the annotator does, or better; `difference` is the mean of won by the annotator − by the judge.
    `rejected`: after correction the judge is not worse by ε.
    """

    name: str
    instances: int
    advantage: float
    difference: float
    p: float
    rejected: bool
    test: Literal["t", "wilcoxon", "constant"]


@dataclass(frozen=True, slots=True)
class AltTest(Frozen):
    """What the test says: `winning_rate` is ω, `advantage` ρ, the mean over the people tested.

    `instances` are those with labels of two people and the judge, of `given`. `left_out` are the
    instances of each annotator who has too few to be tested.
    """

    epsilon: float
    winning_rate: float
    advantage: float
    passed: bool
    people: tuple[Person, ...]
    left_out: Mapping[str, int]
    instances: int
    given: int


def accuracy(label: object, others: Sequence[object]) -> float:
    """Return the share of the others who gave this label.

    >>> accuracy(2, [2, 2, 1, 0])
    0.5
    """
    return sum(label == other for other in others) / len(others)


def negative_rmse(label: float, others: Sequence[float]) -> float:
    """Return minus the root of the mean squared distance to the others' labels.

    >>> negative_rmse(2, [0, 2])
    -1.4142135623730951
    """
    return -float(np.sqrt(np.mean([(label - other) ** 2 for other in others])))


def alt_test(
    judge: Mapping[str, T],
    people: Mapping[str, Mapping[str, T]],
    scoring: Scoring[T],
    *,
    epsilon: float,
    q: float = 0.05,
    least: int = ENOUGH,
) -> AltTest:
    """Return whether the judge may stand in for a person, from labels by instance.

    Whoever has fewer than `least` usable instances is left out. With `least` below 30, those
    between are tested by Wilcoxon's signed ranks. p-values are corrected by Benjamini and Yekutieli
    at `q`: the tests share labels.

    Raises:
        BadInput: fewer than two people, or nobody has enough instances.
    """
    if len(people) < 2:  # the least that leaves somebody to agree with
        raise BadInput(f"the alt-test needs labels of two people or more, here are {len(people)}")
    labels = {instance: _given(people, instance) for instance in sorted(judge)}
    usable = {instance: by for instance, by in labels.items() if len(by) >= 2}
    tested: dict[str, tuple[Array, Array]] = {}
    left_out = {}
    for name in people:
        own = [instance for instance, by in usable.items() if name in by]
        if len(own) < least:
            left_out[name] = len(own)
        else:
            tested[name] = _wins(name, [(judge[i], usable[i]) for i in own], scoring)
    if not tested:
        most = max(left_out.values())
        raise BadInput(
            f"the alt-test needs {least} instances that one annotator, another one and the judge "
            f"labelled; the most that anybody has are {most}: label more, the same by several"
        )
    found = {name: _test(person - model, epsilon) for name, (person, model) in tested.items()}
    corrected = stats.false_discovery_control([p for p, _ in found.values()], method="by")
    rows = tuple(
        Person(
            name,
            len(model),
            float(model.mean()),
            float((person - model).mean()),
            found[name][0],
            bool(adjusted <= q),
            found[name][1],
        )
        for (name, (person, model)), adjusted in zip(tested.items(), corrected, strict=True)
    )
    rate = float(np.mean([row.rejected for row in rows]))
    advantage = float(np.mean([row.advantage for row in rows]))
    every = set(judge).union(*people.values())
    return AltTest(
        epsilon, rate, advantage, rate >= PASSED, rows, left_out, len(usable), len(every)
    )


def _given(people: Mapping[str, Mapping[str, T]], instance: str) -> dict[str, T]:
    return {name: labels[instance] for name, labels in people.items() if instance in labels}


def _wins(
    name: str, instances: Sequence[tuple[T, Mapping[str, T]]], scoring: Scoring[T]
) -> tuple[Array, Array]:
    """Return where the person and where the judge agrees with the others at least as well."""
    person, model = [], []
    for judged, by in instances:
        others = [label for other, label in by.items() if other != name]
        own, its = scoring(by[name], others), scoring(judged, others)
        person.append(own >= its)
        model.append(its >= own)
    return np.array(person, np.float64), np.array(model, np.float64)


def _test(differences: Array, epsilon: float) -> tuple[float, Literal["t", "wilcoxon", "constant"]]:
    """Return p of "the judge is worse by ε or more", and how it was tested."""
    if np.ptp(differences) == 0:  # without spread no test is defined, and none is needed
        return (0.0 if differences[0] < epsilon else 1.0), "constant"
    if len(differences) < ENOUGH:
        return float(stats.wilcoxon(differences - epsilon, alternative="less").pvalue), "wilcoxon"
    return float(stats.ttest_1samp(differences, epsilon, alternative="less").pvalue), "t"
