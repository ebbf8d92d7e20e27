"""The loop: updates one after the other, kept on the way, the best one written at the end.

A run that was killed and is begun again gives the same model as one that was not: lessons depend on
their update alone, and a checkpoint holds the rest.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch

from rag.folders import written
from rag.showing import Show
from rag.training.checkpoints import Checkpoint, forget, keep, recall
from rag.training.history import History
from rag.training.pupils import Course, Plan, Pupil
from rag.training.random_state import RandomState

T = TypeVar("T")
Look = Callable[[], float]
"""Returns how good the model is now, the higher the better."""


def train(
    pupil: Pupil[T],
    course: Course[T],
    plan: Plan,
    out: Path,
    recipe: str,
    show: Show,
    look: Look | None = None,
    beside: Callable[[Path, History], None] = lambda _folder, _history: None,
) -> History:
    """Train, and write the model to `out`, which stays as it was until then.

    Args:
        pupil: what is trained; it is what it was before any training.
        course: what it learns from.
        plan: how.
        out: gets the model; beside it stands `out.work` while training is under way.
        recipe: a digest of all that decides the result; a checkpoint of another one is refused.
        show: is told how far it is.
        look: how the model is looked at; without it the last update's is written.
        beside: writes what stands beside the model in its folder.

    Raises:
        BadInput: the loss is no number; or there is a checkpoint of another recipe.
        OutOfMemory: even the smallest part of a lesson does not fit.
        ModelUnavailable: the folder cannot be written.
    """
    run = _Run(pupil, course, plan, work_of(out), recipe, look)
    run.go(show)
    try:
        with written(out, "give another --out") as made:
            pupil.save(made)
            beside(made, run.history)
    except BaseException:  # what was learnt is not lost for want of room on a disk
        run.keep()
        raise
    forget(work_of(out))
    return run.history


def work_of(out: Path) -> Path:
    """Return the folder that a run uses while it is under way."""
    return out.with_name(f"{out.name}.work")


class _Run:
    def __init__(
        self,
        pupil: Pupil[T],
        course: Course[T],
        plan: Plan,
        work: Path,
        recipe: str,
        look: Look | None,
    ) -> None:
        self._pupil, self._course, self._plan = pupil, course, plan
        self._work, self._recipe, self._look = work, recipe, look
        self._weights = dict(pupil.trained())
        self._optimizer = _optimizer(self._weights, plan)
        self._best: dict[str, torch.Tensor] | None = None
        self.history = History()
        self._update = 0
        torch.manual_seed(plan.seed)

    def go(self, show: Show) -> None:
        """Make all updates that are left; what is trained is the best at the end."""
        if (kept := recall(self._work, self._recipe)) is not None:
            self._restore(kept)
        self.history.sittings += 1
        began, before = time.monotonic(), self.history.seconds
        last_kept, last = began, self._course.updates
        while self._update < last and not self.history.ended:
            self._step()
            self.history.seconds = before + time.monotonic() - began
            self._judge(last)
            show("train", self._update, last)
            if time.monotonic() - last_kept >= self._plan.keep_s:
                self.keep()
                last_kept = time.monotonic()
        self.history.ended = self.history.ended or "all updates"
        if self._best is not None:
            _copy(self._best, self._weights)

    def _step(self) -> None:
        for group in self._optimizer.param_groups:
            group["lr"] = self._plan.rate_at(self._update, self._course.updates)
        self._optimizer.zero_grad(set_to_none=True)
        loss = self._pupil.learn(self._course.lessons(self._update))
        torch.nn.utils.clip_grad_norm_(self._weights.values(), self._plan.clip)
        self._optimizer.step()
        self._update += 1
        self.history.losses.append(loss)

    def _judge(self, last: int) -> None:
        """Look at the model when it is time, and note whether it goes on."""
        due = self._update % self._plan.look == 0 or self._update == last
        if self._look is None or not due:
            return
        figure, before = self._look(), self.history.best
        self.history.looks.append((self._update, figure))
        if before is None or figure > before[1]:
            self._best = {name: one.detach().clone() for name, one in self._weights.items()}
        elif self._plan.patience and self.history.since_best() >= self._plan.patience:
            self.history.ended = f"nothing better in {self._plan.patience} looks"

    def keep(self) -> None:
        """Write what was learnt so far, for the next run."""
        keep(
            self._work,
            Checkpoint(
                self._update,
                self._recipe,
                {name: one.detach() for name, one in self._weights.items()},
                self._optimizer.state_dict(),
                RandomState.now(),
                self.history.as_data(),
                self._best,
            ),
        )

    def _restore(self, kept: Checkpoint) -> None:
        _copy(kept.trained, self._weights)
        self._optimizer.load_state_dict(kept.optimizer)
        kept.random.restore()
        self.history = History.of(kept.history)
        self._best, self._update = kept.best, kept.update


def _optimizer(weights: dict[str, torch.Tensor], plan: Plan) -> torch.optim.AdamW:
    """Return AdamW; what is no matrix does not decay."""
    matrices = [one for one in weights.values() if one.ndim > 1]
    others = [one for one in weights.values() if one.ndim <= 1]
    groups = [
        {"params": matrices, "weight_decay": plan.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW([g for g in groups if g["params"]], lr=plan.rate)


@torch.no_grad()
def _copy(source: dict[str, torch.Tensor], into: dict[str, torch.Tensor]) -> None:
    for name, one in into.items():
        one.copy_(source[name])
