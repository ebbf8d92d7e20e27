"""SVG as text: elements, scales and axes. Colours are classes, which the page's style gives."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from rag.values import Frozen

WIDTH = 720
LETTER = 6.7  # mean advance of the page's 12 px figures and letters, measured generously
ROW = 26
MOST_LABEL = 34

Attribute = str | float


def element(name: str, *inside: str, **attributes: Attribute) -> str:
    """Return an element; `inside` is markup already, attributes are escaped.

    >>> element("text", escape("a<b"), x=1, text_anchor="end", class_="soft")
    '<text x="1" text-anchor="end" class="soft">a&lt;b</text>'
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_value(value)}"'
        for key, value in attributes.items()
    )
    body = "".join(inside)
    return f"<{name}{written}>{body}</{name}>" if body else f"<{name}{written}/>"


def _value(value: Attribute) -> str:
    if isinstance(value, str):
        return escape(value)
    return f"{value:.2f}".rstrip("0").rstrip(".")


def label(text: str, x: float, y: float, **attributes: Attribute) -> str:
    """Return outside text as an element, cut where it is long; its whole is a tooltip."""
    cut = text if len(text) <= MOST_LABEL else text[: MOST_LABEL - 1] + "…"
    title = element("title", escape(text)) if cut != text else ""
    return element("text", escape(cut), title, x=x, y=y, **attributes)


def drawing(title: str, height: float, *inside: str, width: float = WIDTH) -> str:
    """Return a drawing with a name that is read out; its figures stand in the table beside it."""
    return element(
        "svg",
        *inside,
        viewBox=f"0 0 {_value(float(width))} {_value(float(height))}",
        width=float(width),
        height=float(height),
        role="img",
        aria_label=title,
    )


def room(texts: Sequence[str]) -> float:
    """Return the width that the longest of some labels needs."""
    return LETTER * max((min(len(text), MOST_LABEL) for text in texts), default=0) + 14


@dataclass(frozen=True, slots=True)
class Scale(Frozen):
    """From figures to places on a drawing, linear or logarithmic."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """Return the place of a figure."""
        low, high, at = (
            (math.log(self.low), math.log(self.high), math.log(max(value, self.low)))
            if self.log
            else (self.low, self.high, value)
        )
        return self.start + (at - low) / (high - low) * (self.end - self.start)

    def ticks(self, most: int = 6) -> list[float]:
        """Return round figures between both ends."""
        if self.log:
            steps = [m * 10.0**e for e in range(-6, 10) for m in (1, 2, 5)]
            inside = [s for s in steps if self.low <= s <= self.high]
            return inside if len(inside) <= most else [s for s in inside if f"{s:e}"[0] == "1"]
        step = round_step((self.high - self.low) / most)
        first = math.ceil(self.low / step - 1e-9)
        return [i * step for i in range(first, math.floor(self.high / step + 1e-9) + 1)]


def round_step(wanted: float) -> float:
    """Return the next of 1, 2, 5 times a power of ten.

    >>> round_step(0.03), round_step(7)
    (0.05, 10.0)
    """
    power = 10.0 ** math.floor(math.log10(wanted))
    return next(m * power for m in (1, 2, 5, 10) if m * power >= wanted * (1 - 1e-9))


def around(values: Sequence[float], start: float, end: float, least: float = 0.05) -> Scale:
    """Return a linear scale with some air on both sides of figures."""
    low, high = min(values), max(values)
    air = max(least, high - low) * 0.06
    middle = (low + high) / 2
    half = max(high - low, least) / 2 + air
    return Scale(middle - half, middle + half, start, end)


def across(scale: Scale, top: float, bottom: float, shown: Callable[[float], str]) -> str:
    """Return a horizontal axis: faint lines, and figures below them."""
    return "".join(
        element("line", x1=scale(t), x2=scale(t), y1=top, y2=bottom, class_="grid")
        + element(
            "text", escape(shown(t)), x=scale(t), y=bottom + 16, text_anchor="middle", class_="tick"
        )
        for t in scale.ticks()
    )


def upward(scale: Scale, left: float, right: float, shown: Callable[[float], str]) -> str:
    """Return a vertical axis: faint lines, and figures to the left of them."""
    return "".join(
        element("line", x1=left, x2=right, y1=scale(t), y2=scale(t), class_="grid")
        + element(
            "text", escape(shown(t)), x=left - 6, y=scale(t) + 4, text_anchor="end", class_="tick"
        )
        for t in scale.ticks()
    )
