"""What the sections of the settings are made of."""

from typing import Annotated, TypeAlias

import msgspec

MASK = "********"

Positive: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]  # what Qdrant takes
Budget: TypeAlias = Annotated[int, msgspec.Meta(ge=0)]  # the most of something; 0 is no limit
Count: TypeAlias = Annotated[int, msgspec.Meta(ge=1)]
Seconds: TypeAlias = Annotated[float, msgspec.Meta(gt=0)]
Share: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Secret(str):
    """A string that prints as a mask; use it as a string where it is needed."""

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(MASK if len(self) else "")


def says(text: str) -> msgspec.Meta:
    """Return the sentence about a key, for its annotation."""
    return msgspec.Meta(description=text)


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the settings file."""
