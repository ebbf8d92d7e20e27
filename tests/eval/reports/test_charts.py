"""Names in a scatter plot can be read, wherever its dots lie."""

from hypothesis import given, settings
from hypothesis import strategies as st

from eval.reports.charts.pareto import HEIGHT, placed, written
from eval.reports.charts.svg import WIDTH

SPOTS = st.lists(
    st.tuples(st.floats(60, WIDTH - 40), st.floats(20, HEIGHT - 10)), min_size=1, max_size=6
)


@given(SPOTS, st.data())
@settings(max_examples=200, deadline=None)
def test_no_name_stands_over_another_or_beyond_the_drawing(
    spots: list[tuple[float, float]], data: st.DataObject
) -> None:
    names = [data.draw(st.text("abc+", min_size=1, max_size=18)) for _ in spots]
    boxes = [written(n, *place) for n, place in zip(names, placed(names, spots), strict=True)]
    assert all(box.within(WIDTH, HEIGHT) for box in boxes)
    for i, box in enumerate(boxes):
        assert not any(box.shared(other) for other in boxes[:i])


def test_a_name_alone_stands_beside_its_dot() -> None:
    assert list(placed(["bm25"], [(100, 100)])) == [(109, 104, False)]
