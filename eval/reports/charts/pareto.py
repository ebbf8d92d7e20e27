"""Quality against cost: the frontier as a line, what it dominates in grey."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from eval.reports.charts.svg import (
    LETTER,
    WIDTH,
    Scale,
    across,
    apart,
    around,
    drawing,
    element,
    label,
    upward,
)
from eval.reports.figures import share
from rag.values import Frozen

HEIGHT = 320
_LEFT, _TOP, _RIGHT = 56, 14, 30
_WIDE = 20  # times: a wider range of costs is drawn by its logarithm


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
    parts.append(_frontier([d for d in dots if not d.dominated], x, y))
    heights = apart([y(d.quality) + (4 if d.dominated else -9) for d in dots], 14)
    for dot, height in zip(dots, heights, strict=True):
        kind = "faint" if dot.dominated else "strong"
        parts.append(element("circle", cx=x(dot.cost), cy=y(dot.quality), r=4.5, class_=kind))
        over = x(dot.cost) + 12 + LETTER * len(dot.name) > WIDTH
        parts.append(
            label(
                dot.name,
                x(dot.cost) + (-9 if over else 9 if dot.dominated else 0),
                height,
                text_anchor="end" if over else "start",
                class_="soft" if dot.dominated else "",
            )
        )
    middle = (_LEFT + WIDTH - _RIGHT) / 2
    parts.append(label(axes[0], middle, HEIGHT + 36, text_anchor="middle", class_="tick"))
    parts.append(label(axes[1], 4, 8, class_="tick"))
    return drawing(title, HEIGHT + 44, *parts)


def _costs(costs: Sequence[float]) -> Scale:
    low, high = min(costs), max(costs)
    if low > 0 and high / low > _WIDE:
        return Scale(low / 1.5, high * 1.5, _LEFT + 8, WIDTH - _RIGHT, log=True)
    return Scale(0, high * 1.1 or 1, _LEFT, WIDTH - _RIGHT)


def _frontier(dots: Sequence[Dot], x: Scale, y: Scale) -> str:
    """Return the line of what can be had: level until the next better system."""
    path, height = "", 0.0
    for i, dot in enumerate(sorted(dots, key=lambda d: (d.cost, d.quality))):
        across_to, up_to = x(dot.cost), y(dot.quality)
        path += f"L{across_to:.1f} {height:.1f}" if i else f"M{across_to:.1f} {up_to:.1f}"
        path += f"L{across_to:.1f} {up_to:.1f}"
        height = up_to
    return element("path", d=f"{path}H{WIDTH - _RIGHT}", class_="frontier") if path else ""
