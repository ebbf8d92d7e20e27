"""How often something is so: a histogram over whole numbers."""

from collections.abc import Sequence

from eval.reports.charts.svg import WIDTH, Scale, drawing, element, label, upward
from eval.reports.figures import count

_LEFT, _TOP, _HEIGHT = 64, 14, 190


def histogram(title: str, bars: Sequence[tuple[int, int]], reach: int, axis: str) -> str:
    """Return a bar for each (number, how often); the outermost hold all beyond ±`reach`."""
    most = max((n for _, n in bars), default=1)
    y = Scale(0, most * 1.05 or 1, _HEIGHT, _TOP)
    x = Scale(-reach - 0.5, reach + 0.5, _LEFT, WIDTH - 10)
    wide = x(1) - x(0) - 3
    parts = [upward(y, _LEFT, WIDTH - 10, count)]
    for number, n in bars:
        kind = "better" if number > 0 else "worse" if number < 0 else "faint"
        parts.append(
            element(
                "rect",
                x=x(number) - wide / 2,
                y=y(n),
                width=wide,
                height=_HEIGHT - y(n),
                class_=kind,
            )
        )
    parts += [
        label(_named(number, reach), x(number), _HEIGHT + 16, text_anchor="middle", class_="tick")
        for number in range(-reach, reach + 1)
        if number % 5 == 0 or abs(number) == reach
    ]
    middle = (_LEFT + WIDTH) / 2
    parts.append(label(axis, middle, _HEIGHT + 34, text_anchor="middle", class_="tick"))
    return drawing(title, _HEIGHT + 42, *parts)


def _named(number: int, reach: int) -> str:
    sign = "−" if number < 0 else "+" if number > 0 else ""
    bound = {reach: "≥ ", -reach: "≤ "}.get(number, "")
    return f"{bound}{sign}{abs(number)}"
