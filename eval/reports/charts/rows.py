"""One row a system: dots with intervals, and the ablation ladder."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from eval.reports.charts.svg import ROW, WIDTH, across, around, drawing, element, label, room
from rag.values import Frozen

_RIGHT = 64


@dataclass(frozen=True, slots=True)
class Interval(Frozen):
    """A named figure with its interval; `strong` where it is to be seen first."""

    name: str
    value: float
    low: float
    high: float
    strong: bool = False


def intervals(
    title: str,
    rows: Sequence[Interval],
    shown: Callable[[float], str],
    axis: str,
    line: float | None = None,
) -> str:
    """Return a dot and its interval a row, the figure at its right; `line` is what to look at.

    >>> "≥" in intervals("t", [Interval("a", .5, .4, .6)], str, "nDCG ≥ 0")
    True
    """
    left = room([row.name for row in rows])
    every = [v for row in rows for v in (row.low, row.high)] + ([] if line is None else [line])
    x = around(every, left + 8, WIDTH - _RIGHT)
    bottom = ROW * len(rows) + 10
    parts = [across(x, 6, bottom, shown)]
    if line is not None:
        parts.append(element("line", x1=x(line), x2=x(line), y1=2, y2=bottom, class_="mark"))
    for i, row in enumerate(rows):
        y = ROW * i + 20
        kind = "strong" if row.strong else "dot"
        parts += [
            label(row.name, left, y + 4, text_anchor="end"),
            element("line", x1=x(row.low), x2=x(row.high), y1=y, y2=y, class_=f"range {kind}"),
            element("circle", cx=x(row.value), cy=y, r=4, class_=kind),
            label(shown(row.value), WIDTH - _RIGHT + 12, y + 4, class_="figure"),
        ]
    middle = (left + 8 + WIDTH - _RIGHT) / 2
    parts.append(label(axis, middle, bottom + 34, text_anchor="middle", class_="tick"))
    return drawing(title, bottom + 42, *parts)
