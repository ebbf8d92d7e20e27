"""The loop: what it learns, what it keeps, and that a killed run is no other run."""

import math
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from rag.errors import BadInput
from rag.showing import silent
from rag.training.checkpoints import recall
from rag.training.history import History
from rag.training.loop import train, work_of
from rag.training.pupils import Plan
from tests.rag.training.toy import Line, Point, Points, loaded, run


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)


def test_it_learns_and_tells_how(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    beside: list[Path] = []
    pupil = Line()
    history = train(
        pupil,
        Points(400),
        Plan(rate=0.05, look=100),
        tmp_path / "model",
        "recipe",
        lambda *at: told.append(at),
        pupil.error,
        lambda folder, _history: beside.append(folder),
    )
    assert -0.5 < history.looks[-1][1] <= 0
    assert len(history.losses) == 400
    assert history.losses[-1] < history.losses[0] / 4
    assert [update for update, _ in history.looks] == [100, 200, 300, 400]
    assert told[-1] == ("train", 400, 400)
    assert (history.ended, history.sittings) == ("all updates", 1)
    assert len(beside) == 1
    assert same(loaded(tmp_path / "model"), dict(pupil.trained()))


def test_a_killed_run_goes_on_to_the_same_model(tmp_path: Path) -> None:
    run(tmp_path / "whole")
    script = [sys.executable, "-m", "tests.rag.training.toy", str(tmp_path / "killed"), "0.05"]
    with subprocess.Popen(script) as child:
        work = work_of(tmp_path / "killed")
        until = time.monotonic() + 60
        while (kept := recall(work, "recipe")) is None or kept.update < 5:
            assert time.monotonic() < until
            time.sleep(0.02)
        child.send_signal(signal.SIGKILL)
    assert not (tmp_path / "killed").exists()
    kept = recall(work, "recipe")
    assert kept is not None
    assert 5 <= kept.update < 40
    run(tmp_path / "killed")
    assert same(loaded(tmp_path / "killed"), loaded(tmp_path / "whole"))
    assert recall(work, "recipe") is None


def test_a_run_that_goes_on_asks_for_no_lesson_twice(tmp_path: Path) -> None:
    class Cut(Line):
        def learn(self, lessons: Sequence[Point]) -> float:
            if len(self.seen) == 7:
                raise KeyboardInterrupt
            return super().learn(lessons)

    first, second = Cut(), Line()
    plan = Plan(rate=0.05, keep_s=0.0)
    with pytest.raises(KeyboardInterrupt):
        train(first, Points(10), plan, tmp_path / "model", "recipe", silent)
    history = train(second, Points(10), plan, tmp_path / "model", "recipe", silent)
    assert len(second.seen) == 3
    assert (len(history.losses), history.sittings) == (10, 2)


def test_the_best_look_is_what_is_written_and_patience_ends_the_run(tmp_path: Path) -> None:
    figures = iter([0.1, 0.9, 0.3, 0.2, 0.1])
    at: dict[str, torch.Tensor] = {}
    pupil = Line()

    def look() -> float:
        figure = next(figures)
        if figure == 0.9:
            at.update({name: one.detach().clone() for name, one in pupil.trained()})
        return figure

    plan = Plan(rate=0.05, look=5, patience=2)
    history = train(pupil, Points(100), plan, tmp_path / "model", "recipe", silent, look)
    assert history.ended == "nothing better in 2 looks"
    assert len(history.losses) == 20
    assert history.best == (10, 0.9)
    assert same(loaded(tmp_path / "model"), at)


def test_a_failure_leaves_the_model_that_was_there_and_no_half_of_another(tmp_path: Path) -> None:
    run(tmp_path / "model")
    before = loaded(tmp_path / "model")

    class Broken(Line):
        def save(self, folder: Path) -> None:
            (folder / "line.pt").write_bytes(b"half")
            raise BadInput("the disk is full")

    with pytest.raises(BadInput, match="disk"):
        train(Broken(), Points(2), Plan(), tmp_path / "model", "other", silent)
    assert same(loaded(tmp_path / "model"), before)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "model.work"]
    again = Line()
    history = train(again, Points(2), Plan(), tmp_path / "model", "other", silent)
    assert (again.seen, len(history.losses)) == ([], 2)
    assert not same(loaded(tmp_path / "model"), before)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_run_with_other_options_is_not_gone_on_with(tmp_path: Path) -> None:
    class Cut(Line):
        def learn(self, lessons: Sequence[Point]) -> float:
            if self.seen:
                raise KeyboardInterrupt
            return super().learn(lessons)

    with pytest.raises(KeyboardInterrupt):
        train(Cut(), Points(), Plan(keep_s=0.0), tmp_path / "model", "one", silent)
    with pytest.raises(BadInput, match="holds a run with other data or options"):
        train(Line(), Points(), Plan(), tmp_path / "model", "another", silent)


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    work = work_of(tmp_path / "model")
    work.mkdir()
    (work / "checkpoint.pt").write_bytes(b"PK nothing")
    with pytest.raises(BadInput, match=r"checkpoint\.pt is damaged: delete"):
        train(Line(), Points(), Plan(), tmp_path / "model", "recipe", silent)


def test_a_loss_that_is_no_number_ends_the_run_before_a_weight_is_spoilt(tmp_path: Path) -> None:
    pupil = Line()
    before = {name: one.detach().clone() for name, one in pupil.trained()}

    class Nowhere(Points):
        def lessons(self, update: int) -> list[Point]:
            del update
            return [(math.nan, 0.0)]

    with pytest.raises(BadInput, match="the loss is nan"):
        train(pupil, Nowhere(), Plan(), tmp_path / "model", "recipe", silent)
    assert same(dict(pupil.trained()), before)


def test_rates_rise_along_a_line_and_fall_to_nothing() -> None:
    plan = Plan(rate=1.0, warmup=0.2)
    rates = [plan.rate_at(update, 10) for update in range(10)]
    assert rates[:3] == [0.5, 1.0, 1.0]
    assert rates == sorted(rates[:3]) + sorted(rates[3:], reverse=True)
    assert 0 < rates[-1] < 0.2


def test_what_happened_can_be_written_down_and_read_again() -> None:
    history = History([1.0, 0.5], [(1, 0.2), (2, 0.1)], 3.5, 2, "all updates")
    assert History.of(history.as_data()) == history
    assert history.best == (1, 0.2)
    assert history.since_best() == 1
    assert History().best is None
