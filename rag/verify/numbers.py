"""Numbers of a text with their units, however they are written."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

from rag.values import Frozen
from rag.verify.words import plainly

_UP_TO_19 = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
)
_BY_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_IN_ORDER = "first second third fourth fifth sixth seventh eighth ninth tenth"
_ONES, _TENS, _ORDINALS = _UP_TO_19.split(), _BY_TENS.split(), _IN_ORDER.split()
_WORDS: Mapping[str, int] = {
    **{word: n for n, word in enumerate(_ONES)},
    **{word: 10 * n for n, word in enumerate(_TENS, start=2)},
}
_SCALES: Mapping[str, float] = {
    "hundred": 1e2, "dozen": 12, "thousand": 1e3, "million": 1e6, "billion": 1e9, "bn": 1e9,
    "trillion": 1e12,
}  # fmt: skip
# What begins a sentence or stands for a thing ("one of them", "first, …") is no figure to check.
_LOOSE = frozenset({"one", "first", "second"})

UNITS: Mapping[str, str] = {
    spelling: unit
    for unit, spellings in {
        "%": "% pct",
        "km": "km kilometre kilometres kilometer kilometers",
        "m": "m metre metres meter meters",
        "cm": "cm centimetre centimetres centimeter centimeters",
        "mm": "mm millimetre millimetres millimeter millimeters",
        "μm": "μm um micron microns micrometre micrometres micrometer micrometers",
        "nm": "nm nanometre nanometres nanometer nanometers",
        "mi": "mile miles",
        "ft": "ft foot feet",
        "kg": "kg kilo kilos kilogram kilograms kilogramme kilogrammes",
        "g": "g gram grams gramme grammes",
        "mg": "mg milligram milligrams",
        "μg": "μg ug mcg microgram micrograms",
        "ng": "ng nanogram nanograms",
        "t": "tonne tonnes ton tons",
        "l": "l L litre litres liter liters",
        "dl": "dl dL decilitre decilitres deciliter deciliters",
        "ml": "ml mL millilitre millilitres milliliter milliliters",
        "μl": "μl μL ul uL microlitre microlitres microliter microliters",
        "M": "M molar",
        "mM": "mM mmol/l mmol/L millimolar",
        "μM": "μM uM μmol/l μmol/L micromolar",
        "nM": "nM nmol/l nmol/L nanomolar",
        "s": "s sec secs second seconds",
        "ms": "ms msec millisecond milliseconds",
        "min": "min mins minute minutes",
        "h": "h hr hrs hour hours",
        "d": "day days",
        "wk": "wk wks week weeks",
        "mo": "mo month months",
        "y": "y yr yrs year years",
        "°C": "°C C celsius centigrade",
        "°F": "°F fahrenheit",
        "°": "° degree degrees",
        "Hz": "Hz hertz",
        "kHz": "kHz kilohertz",
        "MHz": "MHz megahertz",
        "GHz": "GHz gigahertz",
        "kB": "kB KB KiB kilobyte kilobytes",
        "MB": "MB MiB megabyte megabytes",
        "GB": "GB GiB gigabyte gigabytes",
        "TB": "TB TiB terabyte terabytes",
        "W": "W watt watts",
        "kW": "kW kilowatt kilowatts",
        "MW": "MW megawatt megawatts",
        "kWh": "kWh",
        "V": "V volt volts",
        "Pa": "Pa pascal pascals",
        "kPa": "kPa kilopascal kilopascals",
        "mmHg": "mmHg",
        "bar": "bar",
        "fold": "fold times",
        "$": "$ USD US$ dollar dollars",
        "€": "€ EUR euro euros",
        "£": "£ GBP",
        "¥": "¥ JPY yen",
        "Fr": "CHF franc francs",
    }.items()
    for spelling in spellings.split()
}
_LONG = {spelling: unit for spelling, unit in UNITS.items() if len(spelling) > 3}


def _either(spellings: Sequence[str] | Mapping[str, object]) -> str:
    return "|".join(map(re.escape, sorted(spellings, key=len, reverse=True)))


_WORD_NUMBER = re.compile(
    rf"(?<![\w-])(?:(?P<tens>{_either(_TENS)})(?:[- ](?P<unit>{_either(_ONES[1:10])}))?"
    rf"|(?P<one>{_either(_ONES)})|(?P<half>half)(?!-life)"
    rf"|(?P<a>an?)(?= (?:{_either(_SCALES)})\b)|(?P<scale>dozen)s?|(?P<order>{_either(_ORDINALS)}))"
    r"(?=(?P<fold>fold)?\b)",
    re.IGNORECASE,
)
_COUNTED = re.compile(rf"(?:\d|\b(?:an?|{_either(_ONES)}|{_either(_TENS)}))\s$", re.IGNORECASE)
_HUNDREDS = re.compile(r"\b(\d{1,2}) hundred(?:(?: and|) (\d{1,2}))?(?![\d.,]*\d)\b", re.IGNORECASE)
_DEGREES = re.compile(
    r"(?:°|\bdegrees?)\s*(?:(?P<c>C\b|celsius|centigrade)|F\b|fahrenheit)", re.IGNORECASE
)
_FIGURE = r"\d{1,3}(?:[,.']\d{3})+(?:[.,]\d+)?(?!\d)|\d+(?:[.,]\d+)?|\.\d+"
_QUANTITY = re.compile(
    rf"(?P<money>(?:{_either(['$', 'US$', '€', '£', '¥', 'USD', 'EUR', 'GBP', 'JPY', 'CHF'])})\s?)?"
    r"(?<![^\W\d_])(?<![^\W\d_]-)(?<!\d)(?<!\d[.,])"
    rf"(?P<sign>(?<![\w)\].%°])-)?(?P<figure>{_FIGURE})"
    r"(?:(?P<order>st|nd|rd|th|s)\b)?"
    rf"(?:[\s-]?(?P<scale>{_either(_SCALES)})s?\b)?"
    rf"(?:[\s-]?(?P<unit>{_either(UNITS)})(?![A-Za-zμ]))?"
    rf"(?:[\s-]?(?P<long>(?i:{_either(_LONG)}))\b)?"
    r"(?P<glued>(?:-(?=[A-Z]))?[^\W\d_][\w-]*)?"
)
_JOINED = re.compile(r"\s*,?\s*(?:-|to|and|or|versus|vs\.?|/|±|\+/-)\s*", re.IGNORECASE)
_LISTED = re.compile(r"\s*,\s*")


@dataclass(frozen=True, slots=True)
class Quantity(Frozen):
    """A number with its unit, "" for none; `values` are its readings: "1,500" may be 1.5.

    `text` is the number alone, in figures.
    """

    values: frozenset[float]
    unit: str
    text: str


def quantities(text: str, *, loose: bool = False) -> tuple[Quantity, ...]:
    """Return the numbers of a text in order: figures, percentages, ordinals and number words.

    Digits inside names ("IL-6", "6MP") are none. In a list or range the last unit is that of all.

    Args:
        text: any.
        loose: take what may be meant as evidence for a figure for one, too: "one", "first",
            "second", digits that begin a name.

    >>> [(sorted(q.values), q.unit) for q in quantities("5 to 7 km, a thousand, 3.5 per cent")]
    [([5.0], 'km'), ([7.0], 'km'), ([1000.0], ''), ([3.5], '%')]
    """
    read = _with_figures(plainly(text), loose=loose)
    found = [
        (match, one) for match in _QUANTITY.finditer(read) if (one := _quantity(match, loose=loose))
    ]
    units = [one.unit for _, one in found]
    listed = False
    for i in range(len(found) - 2, -1, -1):  # "5, 7 and 9 mg": units are handed down leftwards
        between = read[found[i][0].end() : found[i + 1][0].start()]
        listed = bool(_JOINED.fullmatch(between) or (listed and _LISTED.fullmatch(between)))
        if listed and not units[i]:
            units[i] = units[i + 1]
    return tuple(replace(one, unit=unit) for (_, one), unit in zip(found, units, strict=True))


def _with_figures(text: str, *, loose: bool) -> str:
    """Return a text in which number words are figures."""
    text = _DEGREES.sub(lambda found: "°C" if found["c"] else "°F", text)
    text = _WORD_NUMBER.sub(lambda found: _figure(found, loose=loose), text)
    return _HUNDREDS.sub(lambda found: str(100 * int(found[1]) + int(found[2] or 0)), text)


def _figure(found: re.Match[str], *, loose: bool) -> str:
    word = found[0].lower()
    if (word in _LOOSE and not loose) or (word == "second" and _follows_figure(found)):
        scaled = re.match(rf"[ -]({_either(_SCALES)})", found.string[found.end() :], re.IGNORECASE)
        if not (word == "one" and (scaled or found["fold"])):
            return found[0]
    if found["order"]:
        n = 1 + _ORDINALS.index(word)
        return f"{n}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(n, 'th') }"
    if found["half"]:
        return ".5"
    if found["scale"]:
        return "dozen" if _COUNTED.search(found.string[: found.start()]) else "12"
    return str(sum(_WORDS[part] for part in re.split("[- ]", word)) if not found["a"] else 1)


def _follows_figure(found: re.Match[str]) -> bool:
    return bool(re.search(r"\d[\s-]?$", found.string[: found.start()]))


def _quantity(match: re.Match[str], *, loose: bool) -> Quantity | None:
    if match["glued"] and not match["order"] and not loose:
        return None  # a name: "6MP", "4-PBA"
    scale = _SCALES[match["scale"].lower()] if match["scale"] else 1.0
    sign = -1.0 if match["sign"] else 1.0
    spelled = (match["money"] or match["unit"] or match["long"] or "").strip()
    unit = UNITS.get(spelled) or _LONG.get(spelled.lower(), "")
    values = frozenset(round(sign * scale * value, 9) for value in readings(match["figure"]))
    return Quantity(values, unit, _figure_of(match))


def _figure_of(match: re.Match[str]) -> str:
    """Return a number as it is written, without its unit."""
    number = f"{match['sign'] or ''}{match['figure']}{match['order'] or ''}"
    return f"{number} {match['scale']}" if match["scale"] else number


def readings(figure: str) -> Iterator[float]:
    """Yield what a figure may mean: in English, where it differs on the continent, and there.

    >>> list(readings("1,000")), list(readings("1.234,5")), list(readings("0.006"))
    ([1000.0, 1.0], [1234.5], [0.006])
    """
    signs = re.findall(r"\D", figure)
    last = re.split(r"\D", figure)[-1]
    first = re.split(r"\D", figure)[0]
    if len(set(signs)) > 1 or not signs:  # the last of different ones is the decimal sign
        head, point, tail = figure.rpartition(signs[-1]) if signs else (figure, "", "")
        yield float(re.sub(r"\D", "", head) + ("." if point else "") + tail)
        return
    grouped = len(last) == 3 and first.strip("0") != ""
    if grouped:
        yield float(re.sub(r"\D", "", figure))
    if len(signs) == 1 and signs[0] != "'":
        yield float(figure.replace(",", "."))


def lacking(wanted: Quantity, held: Sequence[Quantity]) -> str:
    """Return "number" or "unit" where none of these is that quantity, "" where one is.

    Half and quarters may be written as shares of a hundred; from ten on, decimals may be rounded
    off. A number without unit is held by one with any.

    >>> (wanted,), held = quantities("36 km"), quantities("36 hours or 20 km")
    >>> lacking(wanted, held)
    'unit'
    """
    if any(_is_share(wanted, one) or _is_share(one, wanted) for one in held):
        return ""
    same = [one for one in held if _tells(wanted, one)]
    if not same:
        return "number"
    units = {one.unit for one in same}
    if not wanted.unit or wanted.unit in units:
        return ""
    elsewhere = any(one.unit == wanted.unit for one in held)
    return "" if "" in units and elsewhere else "unit"


def _tells(wanted: Quantity, held: Quantity) -> bool:
    """Whether the one is the other, or the other without its decimals."""
    whole = {value for value in wanted.values if abs(value) >= 10 and value.is_integer()}
    rounded = {float(round(value)) for value in held.values} if wanted.unit == held.unit else set()
    return bool(wanted.values & held.values or whole & rounded)


def surplus(ours: Sequence[Quantity], theirs: Sequence[Quantity]) -> tuple[Quantity, ...]:
    """Return those of ours that come more often than there, of as many numbers in all.

    A copy that says "5 of 5" for "3 of 5" holds no number that is not there.

    >>> [one.text for one in surplus(quantities("5 of 5"), quantities("3 of 5"))]
    ['5']
    >>> surplus(quantities("5 of 5"), quantities("5 of 7 in 9"))
    ()
    """
    if len(ours) != len(theirs) or any(_is_share(*pair) for pair in product(ours, theirs)):
        return ()
    left = list(theirs)
    more = []
    for one in ours:
        found = next((other for other in left if _tells(one, other)), None)
        if found is None:
            more.append(one)
        else:
            left.remove(found)
    return tuple(more)


def _is_share(one: Quantity, percent: Quantity) -> bool:
    shares = {100 * value for value in one.values if value in {0.25, 0.5, 0.75}}
    return not one.unit and percent.unit == "%" and bool(shares & percent.values)
