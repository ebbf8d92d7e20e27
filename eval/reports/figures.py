"""Figures as a reader sees them: three digits, a true minus sign, and "–" for what is unknown."""

import math

UNKNOWN = "–"


def share(value: float | None) -> str:
    """Return a figure between −1 and 1 with three digits and no leading zero.

    >>> share(0.7344), share(1), share(-0.05), share(None), share(-0.0001)
    ('.734', '1.000', '−.050', '–', '.000')
    """
    if value is None or not math.isfinite(value):
        return UNKNOWN
    text = f"{abs(value):.3f}".removeprefix("0")
    return f"−{text}" if value < 0 and text != ".000" else text


def signed(value: float | None) -> str:
    """Return a difference with its sign.

    >>> signed(0.0841), signed(-0.2), signed(0)
    ('+.084', '−.200', '.000')
    """
    text = share(value)
    return text if value is None or text in {UNKNOWN, ".000"} or value < 0 else f"+{text}"


def interval(low: float, high: float) -> str:
    """Return an interval.

    >>> interval(-0.0612, 0.108)
    '[−.061, .108]'
    """
    return f"[{share(low)}, {share(high)}]"


def p_value(p: float) -> str:
    """Return a probability with four digits, or that it is smaller.

    >>> p_value(0.0003), p_value(0.00001), p_value(1)
    ('.0003', '< .0001', '1.0000')
    """
    return "< .0001" if p < 0.0001 else f"{p:.4f}".removeprefix("0")


def count(value: float) -> str:
    """Return a number of things.

    >>> count(10000), count(2.5), count(0)
    ('10,000', '2.5', '0')
    """
    return f"{value:,.0f}" if value == round(value) or abs(value) >= 100 else f"{value:,.1f}"


def ms(value: float | None) -> str:
    """Return milliseconds.

    >>> ms(0.123), ms(12.34), ms(1234.5), ms(None)
    ('0.12', '12.3', '1,234', '–')
    """
    if value is None:
        return UNKNOWN
    return (
        f"{value:.2f}"
        if abs(value) < 1
        else f"{value:.1f}"
        if abs(value) < 100
        else f"{value:,.0f}"
    )


def money(value: float | None) -> str:
    """Return a price with enough digits to tell small ones apart.

    >>> money(0.00123), money(12.5), money(None), money(0)
    ('0.0012', '12.50', '–', '0')
    """
    if value is None:
        return UNKNOWN
    return "0" if value == 0 else f"{value:,.2f}" if abs(value) >= 1 else f"{value:.2g}"


def percent(value: float) -> str:
    """Return a share in per cent.

    >>> percent(0.894), percent(1), percent(0.0004)
    ('89.4 %', '100 %', '0.04 %')
    """
    return (
        f"{100 * value:.2g} %"
        if 0 < value < 0.001
        else f"{100 * value:.1f}".removesuffix(".0") + " %"
    )
