"""Quality against cost: the frontier as a line, what it dominates in grey."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from eval.reports.charts.svg import (
    WIDTH,
    Scale,
    across,
    around,
    drawing,
    element,
    label,
    room,
    upward,
)
from eval.reports.figures import share
from rag.values import Frozen

HEIGHT = 320
_LEFT, _TOP, _RIGHT = 56, 14, 30
_RADIUS = 4.5
_LINE = 14  # of a label's height
_WIDE = 20  # times: a wider range of costs is drawn by its logarithm


# How far below its dot a name stands, and whether beside it: near ones first.
_AROUND = [(4.0, 1), (-9.0, 0), (17.0, 0)]
_AROUND += [(sign * _LINE * lines + 4.0, 1) for lines in range(1, 8) for sign in (-1, 1)]


@dataclass(frozen=True, slots=True)
class Box(Frozen):
    """A rectangle, y downwards."""

    left: float
    top: float
    right: float
    bottom: float

    def shared(self, other: "Box") -> float:
        """Return the area that both have."""
        wide = min(self.right, other.right) - max(self.left, other.left)
        high = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(0.0, wide) * max(0.0, high)

    def within(self, width: float, height: float) -> bool:
        """Whether it lies in a drawing of that size."""
        return self.left >= 0 and self.top >= 0 and self.right <= width and self.bottom <= height


@dataclass(frozen=True, slots=True)
class Dot(Frozen):
    """A system by cost and quality."""

    name: str
    cost: float
    quality: float
    dominated: bool


def pareto(
    title: str, dots: Sequence[Dot], shown: Callable[[float], str], axes: tuple[str, str]
) -> str:
    """Return the scatter plot; `axes` name cost and quality."""
    x = _costs([dot.cost for dot in dots])
    y = around([dot.quality for dot in dots], HEIGHT, _TOP + 14)
    parts = [across(x, _TOP, HEIGHT, shown), upward(y, _LEFT, WIDTH - _RIGHT, share)]
    corners = _frontier([d for d in dots if not d.dominated], x, y)
    parts.append(_line(corners))
    spots = [(x(dot.cost), y(dot.quality)) for dot in dots]
    names = placed([d.name for d in dots], spots, list(_thin(corners)))
    for dot, spot, at in zip(dots, spots, names, strict=True):
        kind, text = ("faint", "soft") if dot.dominated else ("strong", "")
        parts.append(element("circle", cx=spot[0], cy=spot[1], r=_RADIUS, class_=kind))
        left, height, end = at
        anchor = "end" if end else "start"
        parts.append(label(dot.name, left, height, text_anchor=anchor, class_=text))
    middle = (_LEFT + WIDTH - _RIGHT) / 2
    parts.append(label(axes[0], middle, HEIGHT + 36, text_anchor="middle", class_="tick"))
    parts.append(label(axes[1], 4, 8, class_="tick"))
    return drawing(title, HEIGHT + 44, *parts)


def placed(
    names: Sequence[str], spots: Sequence[tuple[float, float]], lines: Sequence[Box] = ()
) -> Iterator[tuple[float, float, bool]]:
    """Yield where each name stands, and whether it ends there: near its dot, over nothing else."""
    taken = [*lines, *(Box(x - 6, y - 6, x + 6, y + 6) for x, y in spots)]
    for name, (x, y) in zip(names, spots, strict=True):
        tries = [
            (x + side * 9 * beside, y + down, side < 0)
            for down, beside in _AROUND
            for side in (1, -1)
        ]
        boxes = [written(name, *place) for place in tries]
        worse = [
            sum(box.shared(other) for other in taken) + 1e6 * (not box.within(WIDTH, HEIGHT))
            for box in boxes
        ]
        best = worse.index(min(worse))
        taken.append(boxes[best])
        yield tries[best]


def written(name: str, at: float, height: float, ends: bool) -> Box:
    """Return what a name covers."""
    width = room([name]) - 14
    left, right = (at - width, at) if ends else (at, at + width)
    return Box(left, height - 10, right, height + 3)


def _costs(costs: Sequence[float]) -> Scale:
    low, high = min(costs), max(costs)
    if low > 0 and high / low > _WIDE:
        return Scale(low / 1.5, high * 1.5, _LEFT + 8, WIDTH - _RIGHT, log=True)
    return Scale(0, high * 1.1 or 1, _LEFT, WIDTH - _RIGHT)


def _frontier(dots: Sequence[Dot], x: Scale, y: Scale) -> list[tuple[float, float]]:
    """Return the corners of what can be had: level until the next better system."""
    corners: list[tuple[float, float]] = []
    for dot in sorted(dots, key=lambda d: (d.cost, d.quality)):
        spot = (x(dot.cost), y(dot.quality))
        corners += [(spot[0], corners[-1][1]), spot] if corners else [spot]
    return [*corners, (WIDTH - _RIGHT, corners[-1][1])] if corners else []


def _line(corners: Sequence[tuple[float, float]]) -> str:
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in corners)
    return element("path", d=f"M{path}", class_="frontier") if path else ""


def _thin(corners: Sequence[tuple[float, float]]) -> Iterator[Box]:
    """Yield the parts of a line of steps, as what nothing should be written over."""
    for (ax, ay), (bx, by) in pairwise(corners):
        yield Box(min(ax, bx) - 1, min(ay, by) - 1, max(ax, bx) + 1, max(ay, by) + 1)
