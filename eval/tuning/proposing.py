"""The next point to evaluate, from those that were: what is proposed depends on nothing else.

A sampler is made anew for every proposal, seeded by the study's seed and the proposal's number. So
a study that was interrupted goes on as if it had not been.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import distributions
from typing import TypeAlias

import numpy as np
import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.samplers import BaseSampler, RandomSampler, TPESampler

from eval.tuning.objectives import Aim
from eval.tuning.space import Axis, Choices, Point, Space, Value
from rag.errors import Unavailable
from rag.values import Frozen

REDRAWS = 100  # chosen: of a point that was evaluated already
BOTORCH = ("botorch", "gpytorch", "optuna-integration")

Parameter: TypeAlias = int | float


@dataclass(frozen=True, slots=True)
class Seen(Frozen):
    """A point that was evaluated; without an aim it could not be."""

    point: Point
    aim: Aim | None


@dataclass(frozen=True, slots=True)
class Proposal(Frozen):
    """A point, and who proposed it: start, botorch, tpe, or random for one that was seen."""

    point: Point
    by: str


def chosen_sampler(wanted: str, packages: Sequence[str] = BOTORCH) -> tuple[str, str]:
    """Return the sampler that there is, and why it is not the one that is wanted; "" where it is.

    Args:
        wanted: botorch or tpe.
        packages: that botorch needs.

    >>> chosen_sampler("tpe", ["no-such-package"])
    ('tpe', '')
    """
    missing = [name for name in packages if not list(distributions(name=name))]
    if wanted == "botorch" and missing:
        return "tpe", f"{missing[0]} is not installed: TPE proposes (pip install 'firstcite[tune]')"
    return wanted, ""


def startup(space: Space) -> int:
    """Return how many points are drawn before a model of them is worth something: 2 (d + 1).

    As BoTorch's tutorials of multi-objective optimisation take it, for d axes.
    """
    return 2 * (len(space) + 1)


def propose(space: Space, seen: Sequence[Seen], sampler: str, seed: int) -> Proposal | None:
    """Return a point that was not evaluated yet; None where none is found any more.

    Args:
        space: where points are.
        seen: those that were evaluated, in their order.
        sampler: botorch or tpe.
        seed: of the study.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    drawn = np.random.SeedSequence([seed, len(seen)]).generate_state(REDRAWS + 1)
    seeds = [int(one) % 2**31 for one in drawn]
    told = [one for one in seen if one.aim is not None]
    before = {_key(one.point) for one in seen}
    by = "start"
    if len(told) >= startup(space):
        by = sampler
    first, by = _asked(space, told, by, seeds[0])
    if _key(first) not in before:
        return Proposal(first, by)
    for one in seeds[1:]:
        point, _ = _asked(space, (), "start", one)
        if _key(point) not in before:
            return Proposal(point, "random")
    return None


def _asked(space: Space, told: Sequence[Seen], by: str, seed: int) -> tuple[Point, str]:
    """Return what a sampler proposes; a model that cannot be fitted leaves it to TPE."""
    if by != "botorch":
        of: BaseSampler = RandomSampler(seed=seed)
        if by == "tpe":
            of = TPESampler(seed=seed, n_startup_trials=0)
        return _ask(space, told, of), by
    from eval.tuning.gaussian import UNFIT
    from eval.tuning.gaussian import sampler as gaussian

    try:
        variances = np.asarray([one.aim.variances for one in told if one.aim])  # (n, m)
        return _ask(space, told, gaussian(variances, seed)), by
    except UNFIT:
        return _asked(space, told, "tpe", seed)


def _ask(space: Space, told: Sequence[Seen], sampler: BaseSampler) -> Point:
    """Return what a sampler proposes after what it is told."""
    drawn_from = {axis.name: _distribution(axis) for axis in space}
    objectives = max((len(one.aim.values) for one in told if one.aim), default=1)
    with warnings.catch_warnings():  # experimental features, and how well its models fit
        warnings.simplefilter("ignore")
        study = optuna.create_study(directions=["maximize"] * objectives, sampler=sampler)
        for one in told:
            if one.aim is not None:
                study.add_trial(
                    optuna.trial.create_trial(
                        params={axis.name: _parameter(axis, one.point) for axis in space},
                        distributions=drawn_from,
                        values=list(one.aim.values),
                    )
                )
        asked: Mapping[str, Parameter] = study.ask(drawn_from).params
    return {axis.name: _value(axis, asked[axis.name]) for axis in space}


def _distribution(axis: Axis) -> BaseDistribution:
    """Return what Optuna draws from: of choices their numbers, near each other where they rise."""
    if isinstance(axis, Choices):
        numbers = range(len(axis.values))
        return IntDistribution(0, numbers[-1]) if axis.ordered else CategoricalDistribution(numbers)
    if axis.whole:
        return IntDistribution(int(axis.low), int(axis.high), log=axis.log)
    return FloatDistribution(axis.low, axis.high, log=axis.log)


def _parameter(axis: Axis, point: Point) -> Parameter:
    value = point[axis.name]
    if isinstance(axis, Choices):
        return axis.values.index(value)
    if isinstance(value, int | float):
        return value
    raise Unavailable(f"{axis.name} is {value!r}, which is no number")


def _value(axis: Axis, drawn: Parameter) -> Value:
    return axis.values[int(drawn)] if isinstance(axis, Choices) else axis.rounded(drawn)


def _key(point: Point) -> tuple[tuple[str, Value], ...]:
    return tuple(sorted(point.items()))
