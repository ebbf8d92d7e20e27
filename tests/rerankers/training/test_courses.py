"""Courses: the same lessons for the same update, drawn fairly, harder as the curriculum says."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.errors import BadInput
from rag.training.drawing import Drawing
from rag.training.values import Group, Passage
from rerankers.training.courses import (
    PointwiseCourse,
    Stage,
    WindowCourse,
    parse_stages,
)
from rerankers.training.exercises import Limits

LIMITS = Limits(lambda text: len(text.split()))


def group(i: int, negatives: int = 8) -> Group:
    own = tuple(Passage(f"{i}n{j}", f"hard {i} {j}") for j in range(negatives))
    return Group(str(i), f"query {i}", (Passage(f"{i}p", f"right {i}", 1), *own))


GROUPS = [group(i) for i in range(5)]


@settings(deadline=None)
@given(n=st.integers(1, 7), seed=st.integers(0, 5), epoch=st.integers(0, 3), size=st.integers(2, 8))
def test_every_epoch_shows_every_group_once(n: int, seed: int, epoch: int, size: int) -> None:
    groups = [group(i) for i in range(n)]
    drawing = Drawing(groups, seed)
    shown = [drawing.group(place).id for place in range(epoch * n, (epoch + 1) * n)]
    assert Counter(shown) == Counter(one.id for one in groups)
    passages = drawing.passages(groups[0], size, 1.0, epoch)
    assert len(passages) == size
    assert sum(p.grade for p in passages) == 1
    assert len({p.id for p in passages}) == size


def test_the_same_update_has_the_same_lessons_whoever_asks_first() -> None:
    course = WindowCourse(
        Drawing(GROUPS, 3), LIMITS, parse_stages("4x4x9,4x6x9x0.5"), "listwise", "ranking"
    )
    there = {update: course.lessons(update) for update in (6, 0, 3)}
    again = WindowCourse(
        Drawing(GROUPS, 3), LIMITS, parse_stages("4x4x9,4x6x9x0.5"), "listwise", "ranking"
    )
    for update, lessons in there.items():
        assert [one.questions for one in again.lessons(update)] == [
            one.questions for one in lessons
        ]
    other = WindowCourse(Drawing(GROUPS, 4), LIMITS, course.stages, "listwise", "ranking")
    assert [one.questions for one in other.lessons(0)] != [one.questions for one in there[0]]


@pytest.mark.parametrize(("hard", "own"), [(0.0, 0), (0.5, 2), (1.0, 4)])
def test_so_many_negatives_are_the_groups_own(hard: float, own: int) -> None:
    for place in range(20):
        passages = Drawing(GROUPS).passages(GROUPS[0], 5, hard, place)
        assert sum(p.id.startswith("0n") for p in passages) == own
        assert len(passages) == 5
        assert [p.grade for p in passages].count(1) == 1


@settings(deadline=None)
@given(place=st.integers(0, 99), count=st.integers(1, 9), hard=st.sampled_from([0.0, 0.5, 1.0]))
def test_other_queries_of_a_window_grade_it_their_own_way(
    place: int, count: int, hard: float
) -> None:
    drawing = Drawing(GROUPS, 1)
    mine = drawing.group(place)
    passages = drawing.passages(mine, 6, hard, place)
    asked = drawing.asking(mine, passages, count, place)
    assert asked[0] == (mine.query, passages)
    assert len(asked) <= count
    assert len({query for query, _ in asked}) == len(asked)
    for query, graded in asked:
        assert [p.text for p in graded] == [p.text for p in passages]
        (right,) = (p.text for p in graded if p.grade)
        assert right == f"right {query.removeprefix('query ')}"
    there = {p.text for p in passages if p.text.startswith("right ")}
    assert len(asked) == min(count, len(there))


def test_a_window_of_many_queries_is_the_same_up_to_each_query() -> None:
    (stage,) = parse_stages("1x5x9x0x4")
    course = WindowCourse(Drawing(GROUPS, 1), LIMITS, (stage,), "listwise", "ranking", batch=1)
    (lesson,) = course.lessons(0)
    texts = [asked.prompt[1].content for asked in lesson.questions]
    assert len(texts) > 1
    assert len({text.partition("The query: ")[0] for text in texts}) == 1
    assert all(text.count("query ") == 2 for text in texts)  # "the query that follows", and it
    (alone,) = WindowCourse(
        Drawing(GROUPS, 1), LIMITS, parse_stages("1x5x9x0"), "listwise", "ranking", batch=1
    ).lessons(0)
    assert len(alone.questions) == 1
    assert "to this query: query " in alone.questions[0].prompt[1].content


def test_the_right_one_stands_anywhere() -> None:
    places = Counter(
        next(i for i, p in enumerate(Drawing(GROUPS).passages(GROUPS[0], 4, 1.0, place)) if p.grade)
        for place in range(200)
    )
    assert set(places) == {0, 1, 2, 3}
    assert min(places.values()) > 25


def test_another_groups_right_one_is_a_negative_here_and_its_own_text_never() -> None:
    twin = Group("twin", "query", (Passage("t", "right 0", 1),))
    drawing = Drawing([GROUPS[0], twin], 0)
    for place in range(30):
        passages = drawing.passages(twin, 6, 0.0, place)
        assert sum(p.text == "right 0" for p in passages) == 1
        assert all(p.grade == 0 for p in passages if p.text != "right 0")


def test_where_a_teacher_scored_all_any_of_the_groups_own_are_shown() -> None:
    scored = Group("s", "q", tuple(Passage(str(i), f"t {i}", 0, float(i)) for i in range(6)))
    shown = Drawing([scored]).passages(scored, 4, 1.0, 1)
    assert len({p.id for p in shown}) == 4
    assert all(p.score is not None for p in shown)


def test_stages_follow_each_other_with_their_sizes_and_lengths() -> None:
    course = WindowCourse(
        Drawing(GROUPS),
        LIMITS,
        (Stage(2, 3, 1), Stage(1, 6, 3)),
        "listwise",
        "ranking",
        batch=2,
        vary=False,
    )
    assert course.updates == 3
    sizes = [[len(one.questions[0].labels) for one in course.lessons(u)] for u in range(3)]
    assert sizes == [[3, 3], [3, 3], [6, 6]]
    assert "hard 1" not in course.lessons(0)[0].questions[0].prompt[1].content
    varied = WindowCourse(Drawing(GROUPS), LIMITS, (Stage(9, 8),), "listwise", "ranking", batch=2)
    sizes = [[len(one.questions[0].labels) for one in varied.lessons(u)] for u in range(9)]
    assert all(first == 8 and 2 <= second <= 8 for first, second in sizes)
    assert len({second for _, second in sizes}) > 2


def test_a_pointwise_update_has_a_lesson_per_group() -> None:
    course = PointwiseCourse(Drawing(GROUPS), LIMITS, "yes-no", "listwise", 10, batch=3, size=4)
    lessons = course.lessons(2)
    assert [len(one.questions) for one in lessons] == [4, 4, 4]


@pytest.mark.parametrize(
    "text", ["", "3", "3x1", "3x99", "0x4", "3x4x0", "3x4x5x2", "axb", "3x4x5x1x0", "3x4x5x1x1x1"]
)
def test_what_is_no_stage_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="is no stage"):
        parse_stages(text)


def test_nothing_to_learn_from_is_refused() -> None:
    with pytest.raises(BadInput, match="nothing to train on"):
        Drawing([])
    with pytest.raises(BadInput, match="one positive and no negative"):
        Drawing([group(0, negatives=0)])
