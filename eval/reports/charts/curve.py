"""What was seen from update to update: a line, and dots where somebody looked."""

from collections.abc import Sequence

from eval.reports.charts.svg import WIDTH, Scale, across, around, drawing, element, upward
from eval.reports.figures import count

_LEFT, _TOP, _HEIGHT = 64, 14, 190

Points = Sequence[tuple[float, float]]


def curve(title: str, points: Points, *, dots: bool = False) -> str:
    """Return (update, figure) points as a line; with `dots`, each point is marked, too."""
    updates = [update for update, _ in points]
    x = Scale(0, max(updates, default=1) or 1, _LEFT, WIDTH - 10)
    y = around([figure for _, figure in points], _HEIGHT, _TOP)
    path = "L".join(f"{x(update):.1f} {y(figure):.1f}" for update, figure in points)
    marks = "".join(
        element("circle", cx=x(update), cy=y(figure), r=3.0, class_="strong")
        for update, figure in (points if dots else ())
    )
    return drawing(
        title,
        _HEIGHT + 30,
        upward(y, _LEFT, WIDTH - 10, lambda figure: f"{figure:.2f}"),
        across(x, _TOP, _HEIGHT, lambda update: count(round(update))),
        element("path", d=f"M{path}", class_="frontier"),
        marks,
    )
