"""A judge beside people: how grades fall together, and how far they lie apart."""

from collections.abc import Sequence

from eval.reports.charts.svg import WIDTH, across, around, drawing, element, label, upward
from eval.reports.figures import count

_CELL, _LEFT, _TOP = 64, 118, 56
_HEIGHT = 260


def heat_map(
    title: str, matrix: Sequence[Sequence[int]], grades: Sequence[str], names: tuple[str, str]
) -> str:
    """Return counts as shades, row by row; `names` are of rows and of columns."""
    parts = [
        label(names[1], _LEFT + _CELL * len(grades) / 2, 16, text_anchor="middle", class_="tick"),
        label(names[0], _LEFT - 30, 16, text_anchor="end", class_="tick"),
    ]
    for i, (grade, row) in enumerate(zip(grades, matrix, strict=True)):
        middle = _LEFT + _CELL * (i + 0.5)
        parts.append(label(grade, middle, _TOP - 12, text_anchor="middle"))
        y = _TOP + _CELL * i
        parts.append(label(grade, _LEFT - 12, y + _CELL / 2 + 4, text_anchor="end"))
        whole = max(1, sum(row))
        for j, n in enumerate(row):
            x = _LEFT + _CELL * j
            shade = n / whole
            parts.append(
                element(
                    "rect",
                    x=x,
                    y=y,
                    width=_CELL - 2,
                    height=_CELL - 2,
                    class_="heat",
                    fill_opacity=0.04 + 0.86 * shade,
                )
            )
            parts.append(
                label(
                    count(n),
                    x + _CELL / 2 - 1,
                    y + _CELL / 2 + 4,
                    text_anchor="middle",
                    class_="on-heat" if shade > 0.5 else "",
                )
            )
    return drawing(
        title, _TOP + _CELL * len(grades) + 8, *parts, width=_LEFT + _CELL * len(grades) + 20
    )


def bland_altman(
    title: str,
    dots: Sequence[tuple[float, float, int]],
    lines: tuple[float, float, float],
    axes: tuple[str, str],
) -> str:
    """Return (mean, difference, how often) as dots; `lines` are lower limit, bias, upper limit."""
    x = around([mean for mean, _, _ in dots], 56, WIDTH - 90)
    y = around([*(d for _, d, _ in dots), *lines], _HEIGHT, 20)
    most = max((n for *_, n in dots), default=1)
    parts = [
        across(x, 20, _HEIGHT, _plain),
        upward(y, 56, WIDTH - 90, _plain),
        *(
            element("circle", cx=x(mean), cy=y(d), r=2 + 9 * (n / most) ** 0.5, class_="bubble")
            for mean, d, n in dots
        ),
    ]
    for value, name in zip(lines, ("lower limit", "bias", "upper limit"), strict=True):
        kind = "strong-line" if name == "bias" else "mark"
        parts.append(element("line", x1=56, x2=WIDTH - 90, y1=y(value), y2=y(value), class_=kind))
        parts.append(label(f"{name} {_plain(value)}", WIDTH - 86, y(value) + 4, class_="small"))
    parts.append(
        label(axes[0], (WIDTH - 34) / 2, _HEIGHT + 34, text_anchor="middle", class_="tick")
    )
    parts.append(label(axes[1], 4, 10, class_="tick"))
    return drawing(title, _HEIGHT + 42, *parts)


def _plain(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".").replace("-", "−") or "0"
