"""Proposals: the known front is found by both samplers, the same again, and nothing twice."""

import asyncio
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("optuna", reason="tuning is not installed: pip install 'firstcite[tune]'")

from eval.tuning.journal import Head, journal
from eval.tuning.objectives import Aim
from eval.tuning.proposing import Seen, chosen_sampler, propose, startup
from eval.tuning.searching import search
from eval.tuning.space import Choices, Point, Range, Space
from eval.tuning.values import Found
from tests.eval.tuning.synthetic import BEST, SPACE, Surface, area, study

BOTORCH = pytest.mark.skipif(find_spec("botorch") is None, reason="BoTorch is not installed")
SAMPLERS = [pytest.param("botorch", marks=BOTORCH), "tpe"]
NAMES = [axis.name for axis in SPACE]
WHOLE = area([{NAMES[0]: float(x), NAMES[1]: 0.5} for x in np.linspace(0, BEST, 1_001)])


def searched(folder: Path, trials: int, sampler: str) -> Found:
    with journal(folder, Head("synthetic", "1")) as kept:
        return asyncio.run(search(study(trials, sampler), Surface().evaluate, kept))


def points(found: Found) -> list[Point]:
    return [trial.point for trial in found.trials[1:]]


@BOTORCH
def test_the_known_front_is_found_and_better_than_by_drawing(tmp_path: Path) -> None:
    found = searched(tmp_path, 14, "botorch")
    assert {trial.by for trial in found.trials} == {"baseline", "start", "botorch"}
    random = np.random.default_rng(7).random((14, 2)).tolist()
    drawn = area([dict(zip(NAMES, one, strict=True)) for one in random])
    assert area(points(found)) > max(drawn, 0.95 * WHOLE)


def test_tpe_finds_the_known_front_in_more_trials(tmp_path: Path) -> None:
    found = searched(tmp_path, 80, "tpe")
    assert {trial.by for trial in found.trials} == {"baseline", "start", "tpe"}
    assert area(points(found)) > 0.93 * WHOLE


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_the_same_seed_proposes_the_same_points_also_after_an_interruption(
    tmp_path: Path, sampler: str
) -> None:
    whole = searched(tmp_path / "whole", 9, sampler)
    searched(tmp_path / "parts", 7, sampler)
    assert points(searched(tmp_path / "parts", 9, sampler)) == points(whole)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_point_of_a_small_space_is_proposed_once_and_then_none(sampler: str) -> None:
    space: Space = (
        Choices("search.fusion", ("rrf", "dbsf")),
        Choices("rerank.depth", (5, 10)),
        Choices("expand", ((), ("rm3", "rocchio"))),
    )
    seen: list[Seen] = []
    while (proposal := propose(space, seen, sampler, 7)) is not None:
        seen.append(Seen(proposal.point, Aim((float(len(seen)), 1.0), (0.1, 0.0))))
        assert len(seen) <= 8
    assert len({tuple(one.point.items()) for one in seen}) == 8


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_objectives_that_are_all_the_same_are_no_end(sampler: str) -> None:
    space: Space = (Range("search.rrf_k", 1, 1_000, whole=True, log=True),)
    seen: list[Seen] = []
    for _ in range(startup(space) + 2):
        proposal = propose(space, seen, sampler, 7)
        assert proposal is not None
        assert isinstance(proposal.point["search.rrf_k"], int)
        seen.append(Seen(proposal.point, Aim((0.5, 0.0), (0.0, 0.0))))


def test_where_botorch_is_missing_tpe_proposes_and_it_is_said_why() -> None:
    sampler, why = chosen_sampler("botorch", ["optuna", "no-such-package"])
    assert sampler == "tpe"
    assert why.startswith("no-such-package is not installed")
    assert "firstcite[tune]" in why
