"""When what a text says holds, in one form of ISO 8601 whose letters sort as its instants do."""

from dataclasses import dataclass
from datetime import UTC, datetime

from rag.values.frozen import Frozen

_WHOLE = "-01-01"  # what a year, or a month, lacks of the day that it begins with
_LENGTHS = {len("2024"): _WHOLE, len("2024-05"): _WHOLE[3:]}


@dataclass(frozen=True, slots=True)
class Validity(Frozen):
    """From when a chunk's text holds, until when, and the id of the chunk that superseded it.

    Both instants are told as `instant` tells them; "" is unknown, or open.
    """

    valid_from: str = ""
    valid_to: str = ""
    superseded_by: str = ""

    def holds(self, at: str) -> bool:
        """Whether the text holds at an instant, the first one included, the last one not.

        >>> [Validity("2024-05-01", "2025-01-01").holds(f"{year}-01-01") for year in (2024, 2025)]
        [False, False]
        >>> Validity("2024-05-01", "2025-01-01").holds("2024-05-01")
        True
        """
        return self.valid_from <= at and (not self.valid_to or at < self.valid_to)


def instant(text: str) -> str:
    """Return a date or date-time of ISO 8601 in UTC, to the second; midnight is the bare date.

    A year or a month is its first day, a time without a zone one of UTC. What is no date, or lies
    outside the years 1 to 9999, is "".

    >>> instant("2024"), instant("2024-05-01 02:30+02:30"), instant("2024-05-01T00:00:09.5Z")
    ('2024-01-01', '2024-05-01', '2024-05-01T00:00:09Z')
    >>> instant("last May")
    ''
    """
    text = text.strip()
    try:
        read = datetime.fromisoformat(text + _LENGTHS.get(len(text), ""))
        utc = read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, OverflowError):
        return ""
    told = utc.replace(tzinfo=None, microsecond=0).isoformat()
    return told.removesuffix("T00:00:00") if told.endswith("T00:00:00") else f"{told}Z"


def now() -> str:
    """Return the present instant."""
    return instant(datetime.now(UTC).isoformat())
