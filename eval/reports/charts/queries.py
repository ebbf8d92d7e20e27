"""Queries one by one: sorted differences, and one system against the other."""

from collections import Counter
from collections.abc import Sequence

from eval.reports.charts.svg import WIDTH, Scale, across, around, drawing, element, label, upward
from eval.reports.figures import count, share, signed

MOST_BARS = 200
MOST_POINTS = 400
_LEFT, _TOP, _HEIGHT = 56, 18, 240
_SIDE = 380


def waterfall(title: str, differences: Sequence[float], measure: str) -> str:
    """Return differences by size, best first: a bar each, or an outline where they are many."""
    ordered = sorted(differences, reverse=True)
    y = around([*ordered, 0.0], _HEIGHT, _TOP)
    x = Scale(0, len(ordered), _LEFT, WIDTH - 10)
    draw = _bars if len(ordered) <= MOST_BARS else _outline
    better = sum(d > 0 for d in ordered)
    worse = sum(d < 0 for d in ordered)
    parts = [
        upward(y, _LEFT, WIDTH - 10, signed),
        draw(ordered, x, y),
        element("line", x1=_LEFT, x2=WIDTH - 10, y1=y(0), y2=y(0), class_="zero"),
        label(f"Δ {measure}", 4, 10, class_="tick"),
        label(f"{count(better)} better", _LEFT + 8, _HEIGHT + 18),
        label(
            f"{count(len(ordered) - better - worse)} equal",
            (_LEFT + WIDTH) / 2,
            _HEIGHT + 18,
            text_anchor="middle",
            class_="soft",
        ),
        label(f"{count(worse)} worse", WIDTH - 12, _HEIGHT + 18, text_anchor="end"),
    ]
    return drawing(title, _HEIGHT + 28, *parts)


def _bars(ordered: Sequence[float], x: Scale, y: Scale) -> str:
    wide = max(1.0, x(1) - x(0) - 0.8)
    return "".join(
        element(
            "rect",
            x=x(i) + 0.4,
            y=min(y(d), y(0)),
            width=wide,
            height=abs(y(d) - y(0)),
            class_="better" if d > 0 else "worse",
        )
        for i, d in enumerate(ordered)
        if d
    )


def _outline(ordered: Sequence[float], x: Scale, y: Scale) -> str:
    step = max(1, len(ordered) // MOST_POINTS)
    kept = [*range(0, len(ordered), step), len(ordered) - 1]
    return "".join(
        _area([i for i in kept if (ordered[i] > 0) is better], ordered, x, y)
        for better in (True, False)
    )


def _area(kept: Sequence[int], ordered: Sequence[float], x: Scale, y: Scale) -> str:
    if not kept:
        return ""
    line = "".join(f"L{x(i):.1f} {y(ordered[i]):.1f}" for i in kept)
    path = f"M{x(kept[0]):.1f} {y(0):.1f}{line}L{x(kept[-1]):.1f} {y(0):.1f}Z"
    return element("path", d=path, class_="better" if ordered[kept[0]] > 0 else "worse")


def scatter(title: str, pairs: Sequence[tuple[float, float]], names: tuple[str, str]) -> str:
    """Return (against, system) of every query as dots on a grid, larger where they are many."""
    cell = 0.01 if len(pairs) <= MOST_POINTS else 0.02
    at = Counter((round(a / cell), round(b / cell)) for a, b in pairs)
    high = max(1.0, *(v for pair in pairs for v in pair))
    x, y = Scale(0, high, _LEFT, _SIDE), Scale(0, high, _SIDE - _LEFT + _TOP, _TOP)
    bottom = y(0)
    most = max(at.values())
    dots = "".join(
        element(
            "circle",
            cx=x(a * cell),
            cy=y(b * cell),
            r=2.2 + 5 * ((n - 1) / max(most - 1, 1)) ** 0.5,
            class_="better" if b > a else "worse" if b < a else "faint",
        )
        for (a, b), n in sorted(at.items())
    )
    parts = [
        across(x, _TOP, bottom, share),
        upward(y, _LEFT, _SIDE, share),
        element("line", x1=x(0), x2=x(high), y1=bottom, y2=y(high), class_="zero"),
        f'<g class="dots">{dots}</g>',
        label(names[0], (_LEFT + _SIDE) / 2, bottom + 34, text_anchor="middle"),
        label(names[1], 4, 10),
    ]
    return drawing(title, bottom + 42, *parts, width=_SIDE + 20)
