"""Trained from nothing, small models learn planted tasks: from chance to nearly all right."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from rag.flows import drive
from rag.llms.local import LocalLLM
from rag.llms.rendering import Renderer
from rag.llms.torch_model import TorchModel
from rag.seams import LLMSpec
from rag.showing import silent
from rag.training.drawing import Drawing
from rag.training.loop import train
from rag.training.objectives import ndcg
from rag.training.pupils import Plan
from rag.training.values import Group
from rerankers.choices import Choices
from rerankers.methods import METHODS
from rerankers.training.courses import PointwiseCourse, WindowCourse, parse_stages
from rerankers.training.exercises import pointwise, window
from rerankers.training.looking import looking
from tests.rag.llms import tiny
from tests.rerankers.training import planted


def test_first_is_learnt_from_nothing(tmp_path: Path) -> None:
    pupil = planted.pupil()
    fresh = Drawing(planted.groups(40, 10, seed=2))
    windows = [
        window(group.query, fresh.passages(group, 8, 1.0, place), planted.LIMITS)
        for place, group in enumerate(fresh.groups)
    ]
    look = looking(pupil, windows)
    before = look()
    course = WindowCourse(
        Drawing(planted.groups(400, 10, seed=1)),
        planted.LIMITS,
        parse_stages("120x2x8,120x4x8,300x8x8"),
        "listwise",
        "ranking",
        batch=8,
    )
    train(pupil, course, Plan(rate=2e-3), tmp_path / "first", "planted", silent)
    assert before < 0.7
    assert look() >= 0.95
    assert asyncio.run(_used(pupil.model, "first sliding")) >= 0.95


async def _used(model: object, method: str) -> float:
    """Return what the trained model is worth where it is used: behind the seam, by a schedule."""
    name, _, schedule = method.partition(" ")
    renderer = Renderer(tiny.tokenizer(also=planted.ALSO))
    spec = LLMSpec("planted", "llama", 1_024, renderer.hash, "fp32", "")
    llm = LocalLLM(spec, renderer, TorchModel(model), frozenset())  # type: ignore[arg-type]
    figures = []
    for group in planted.groups(12, 10, seed=3):
        shown = group.passages[::-1]
        begin = METHODS[name].begin(
            Choices(window=8, stride=4), schedule, group.query, [p.text for p in shown]
        )
        order = (await drive(begin, llm)).result.order
        scores = [-float(order.index(i)) for i in range(len(shown))]
        figures.append(ndcg(scores, [float(p.grade) for p in shown]))
    await llm.close()
    return sum(figures) / len(figures)


def test_a_student_of_one_passage_at_a_time_ranks_as_its_teacher_of_pairs(tmp_path: Path) -> None:
    """The teacher asks about every ordered pair of ten; the student asks ten times."""
    taught = planted.groups(300, 10, seed=1, scored=True)
    fresh = planted.groups(40, 10, seed=2)
    pupil = planted.pupil()
    exercises = [
        pointwise("yes-no", group.query, group.passages, planted.LIMITS) for group in fresh
    ]
    look = looking(pupil, exercises)
    before = look()
    course = PointwiseCourse(
        Drawing(taught), planted.LIMITS, "yes-no", "ranknet-plain", updates=150, batch=8, size=8
    )
    train(pupil, course, Plan(rate=3e-3), tmp_path / "student", "planted", silent)
    teacher = _figure(fresh, [[float(p.grade) for p in group.passages] for group in fresh])
    assert before < 0.7
    assert look() >= 0.95 * teacher
    calls = len(exercises[0].questions)
    assert calls * 9 == 10 * 9  # ten calls; the teacher's ninety ordered pairs, twice
    assert asyncio.run(_used(pupil.model, "yes-no")) >= 0.95 * teacher


def _figure(groups: Sequence[Group], scores: Sequence[Sequence[float]]) -> float:
    each = [
        ndcg(list(found), [float(p.grade) for p in group.passages])
        for group, found in zip(groups, scores, strict=True)
    ]
    return sum(each) / len(each)
