"""Line charts as SVG, both axes logarithmic: how figures grow."""

import math
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 640, 360, 70, 45, 30, 150
COLOURS = ("#1b6ca8", "#c8553d", "#3a7d44", "#7d4e9e", "#b8860b")
Points = Sequence[tuple[float, float]]


def growth(title: str, x: str, y: str, lines: Mapping[str, Points]) -> str:
    """Return a chart of positive figures by size, one line each, a tick for every power of ten."""
    every = [point for points in lines.values() for point in points]
    xs, ys = _range([p[0] for p in every]), _range([p[1] for p in every])

    def place(point: tuple[float, float]) -> str:
        return f"{_at(point[0], xs, LEFT, WIDTH - RIGHT):.1f},{_y(point[1], ys):.1f}"

    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
            f'font-family="sans-serif" font-size="12" role="img" aria-label="{escape(title)}">'
        ),
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{LEFT}" y="18" font-size="14">{escape(title)}</text>',
        (
            f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle">'
            f"{escape(x)}</text>"
        ),
        (
            f'<text transform="translate(14 {HEIGHT / 2}) rotate(-90)" text-anchor="middle">'
            f"{escape(y)}</text>"
        ),
    ]
    for power in range(xs[0], xs[1] + 1):
        at = _at(10.0**power, xs, LEFT, WIDTH - RIGHT)
        parts.append(_grid(at, TOP, at, HEIGHT - BOTTOM))
        parts.append(
            f'<text x="{at:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">'
            f"{_tick(power)}</text>"
        )
    for power in range(ys[0], ys[1] + 1):
        at = _y(10.0**power, ys)
        parts.append(_grid(LEFT, at, WIDTH - RIGHT, at))
        parts.append(
            f'<text x="{LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{_tick(power)}</text>'
        )
    for (name, points), colour in zip(lines.items(), COLOURS, strict=False):
        path = " ".join(map(place, points))
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [
            f'<circle cx="{cx}" cy="{cy}" r="3" fill="{colour}"/>'
            for cx, cy in (place(point).split(",") for point in points)
        ]
        end = _y(points[-1][1], ys)
        parts.append(
            f'<text x="{WIDTH - RIGHT + 8}" y="{end + 4:.1f}" fill="{colour}">{escape(name)}</text>'
        )
    return "\n".join([*parts, "</svg>"]) + "\n"


def _range(values: Sequence[float]) -> tuple[int, int]:
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return low, max(high, low + 1)


def _at(value: float, powers: tuple[int, int], start: float, end: float) -> float:
    share = (math.log10(value) - powers[0]) / (powers[1] - powers[0])
    return start + share * (end - start)


def _y(value: float, powers: tuple[int, int]) -> float:
    return _at(value, powers, HEIGHT - BOTTOM, TOP)


def _grid(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#ddd"/>'


def _tick(power: int) -> str:
    return f"{10**power:,}" if power >= 0 else f"{10.0**power:g}"
