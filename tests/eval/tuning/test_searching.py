"""The search: the baseline first, within its budget, going on where a killed run was."""

import asyncio
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import msgspec
import pytest

pytest.importorskip("optuna", reason="tuning is not installed: pip install 'firstcite[tune]'")

from eval.tuning.choosing import choose
from eval.tuning.definition import Limits
from eval.tuning.halves import Half
from eval.tuning.journal import NAME, Head, journal
from eval.tuning.searching import BASELINE, FAILURES, front, search
from eval.tuning.space import Point
from eval.tuning.values import Figures, Found
from rag.errors import BadInput, ModelUnavailable, Unavailable
from tests.eval.tuning.synthetic import Surface, study

ROOT = Path(__file__).parents[3]
HEAD = Head("synthetic", "1")


def found_with(folder: Path, limits: Limits, trials: int = 10) -> Found:
    with journal(folder, HEAD) as kept:
        return asyncio.run(search(study(trials, limits=limits), Surface().evaluate, kept))


def test_the_baseline_is_first_and_held_out_queries_are_asked_at_the_end(tmp_path: Path) -> None:
    surface, of = Surface(), study(6)
    with journal(tmp_path, HEAD) as kept:
        found = asyncio.run(search(of, surface.evaluate, kept))
    assert surface.asked[0] == ("baseline", "tuning")
    assert [half for _, half in surface.asked[:7]] == ["tuning"] * 7
    assert {half for _, half in surface.asked[7:]} == {"held out"}
    assert set(found.held_out) == {BASELINE} | {one.number for one in front(of, found.trials)}
    assert found.ended == "all 6 trials are done"


def test_more_trials_go_on_and_a_spent_budget_ends(tmp_path: Path) -> None:
    first = found_with(tmp_path, Limits(), 4)
    again = found_with(tmp_path, Limits(), 6)
    assert again.trials[:5] == first.trials
    with journal(tmp_path, HEAD) as kept:
        spent = study(20, budget=1e-9)
        for trial in kept.trials:
            kept.trials[trial.number] = msgspec.structs.replace(trial, seconds=1.0)
        ended = asyncio.run(search(spent, Surface().evaluate, kept)).ended
    assert ended == "the budget of 1e-09 s is spent"


def test_another_studys_journal_is_refused_by_name(tmp_path: Path) -> None:
    found_with(tmp_path, Limits(), 1)
    with (
        pytest.raises(BadInput, match="holds another study, 'synthetic'"),
        journal(tmp_path, Head("synthetic", "2")),
    ):
        pass


def test_a_point_that_fails_is_told_and_point_after_point_is_an_end(tmp_path: Path) -> None:
    surface = Surface()

    async def failing(name: str, point: Point, half: Half) -> Figures:
        if name in {"trial-2", "trial-3"}:
            raise ModelUnavailable("no model")
        return await surface.evaluate(name, point, half)

    async def broken(name: str, point: Point, half: Half) -> Figures:
        if point:
            return Figures(error="3 of 40 queries failed")
        return await surface.evaluate(name, point, half)

    with journal(tmp_path / "one", HEAD) as kept:
        of = study(8)
        found = asyncio.run(search(of, failing, kept))
        errors = [trial.figures.error for trial in found.trials if trial.figures.error]
        assert errors == ["ModelUnavailable: no model"] * 2
        assert not {2, 3} & {trial.number for trial in front(of, found.trials)}
    with journal(tmp_path / "two", HEAD) as kept:
        with pytest.raises(Unavailable, match=f"{FAILURES} points after one another failed"):
            asyncio.run(search(study(8), broken, kept))
        assert len(kept.trials) == FAILURES


def test_without_a_baseline_there_is_no_study(tmp_path: Path) -> None:
    async def failing(name: str, point: Point, half: Half) -> Figures:
        return Figures(error=f"{name} failed on the {half} half of {len(point)}")

    with (
        journal(tmp_path, HEAD) as kept,
        pytest.raises(Unavailable, match="baseline failed"),
    ):
        asyncio.run(search(study(8), failing, kept))
    assert len((tmp_path / NAME).read_bytes().splitlines()) == 1


def test_the_best_within_the_limits_is_chosen_if_it_is_better_beyond_noise(tmp_path: Path) -> None:
    of = study(10)
    found = found_with(tmp_path, Limits())
    verdict = choose(of, found)
    assert verdict.trial is not None
    best = max(trial.figures.mean_quality for trial in found.trials)
    assert verdict.trial.figures.mean_quality == best
    strict = choose(study(10, limits=Limits(p95_ms=1.0)), found)
    assert strict.trial is None
    assert "no point that keeps the limits" in strict.why


def test_nothing_is_chosen_where_held_out_queries_show_no_difference(tmp_path: Path) -> None:
    found = found_with(tmp_path, Limits())
    same = found.held_out[BASELINE]
    flat = Found(found.trials, dict.fromkeys(found.held_out, same), found.ended)
    verdict = choose(study(10), flat)
    assert verdict.trial is None
    assert "no better than the baseline beyond noise" in verdict.why
    assert "+0.0000 [+0.0000, +0.0000]" in verdict.why


def test_a_baseline_beyond_a_limit_gives_way_to_the_best_within(tmp_path: Path) -> None:
    found = found_with(tmp_path, Limits())
    first = found.trials[BASELINE]
    slow = msgspec.structs.replace(first.figures, ms=(1_000.0,) * len(first.figures.ms))
    trials = (msgspec.structs.replace(first, figures=slow), *found.trials[1:])
    of = study(10, limits=Limits(p95_ms=500.0))
    verdict = choose(of, Found(trials, found.held_out, found.ended))
    assert verdict.trial is not None
    assert verdict.why.startswith("of the baseline p95 is 1,000.0 ms, above the limit of 500")


def begin(folder: Path, pause: float) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.eval.tuning.slow_study", str(folder), str(pause)]
    return subprocess.Popen(command, cwd=ROOT)


def evaluated(folder: Path) -> list[str]:
    log = folder / "evaluated"
    return log.read_text(encoding="utf-8").splitlines() if log.is_file() else []


def test_what_was_evaluated_before_a_kill_is_not_evaluated_again(tmp_path: Path) -> None:
    process = begin(tmp_path, 0.3)
    deadline = time.monotonic() + 200
    while len(evaluated(tmp_path)) < 4:
        assert process.poll() is None, "it has ended by itself"
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait(60)
    before = evaluated(tmp_path)
    with (tmp_path / NAME).open("ab") as file:
        file.write(b'{"number": 9, "half a li')  # what a kill may leave
    assert begin(tmp_path, 0.0).wait(200) == 0
    counts = Counter(one for one in evaluated(tmp_path) if one.endswith("tuning"))
    assert len(counts) == 9
    again = {one for one, times in counts.items() if times > 1}
    assert again <= {before[-1]}, "only the one that was under way"
    with journal(tmp_path, HEAD) as kept:
        assert [trial.number for trial in kept.trials] == list(range(9))
