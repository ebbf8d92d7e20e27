"""What all values share: they never change, and what they are made of."""

import re
from collections.abc import Mapping
from typing import Self, TypeAlias

import numpy as np
import numpy.typing as npt

Vector: TypeAlias = npt.NDArray[np.float32]
"""One dense vector, shape (h,), or several, shape (n, h)."""

Scalar: TypeAlias = str | int | float | bool
Json: TypeAlias = "Scalar | list[Json] | dict[str, Json] | None"
Metadata: TypeAlias = Mapping[str, Json]

_SURROGATE = re.compile("[\ud800-\udfff]")


def is_unicode(text: str) -> bool:
    r"""Whether a text is valid Unicode: no half of a surrogate pair, as wrong decoding leaves.

    >>> is_unicode("é😀"), is_unicode("\udc80")
    (True, False)
    """
    return not _SURROGATE.search(text)


class Frozen:
    """A value that never changes, so that a copy of it is itself."""

    __slots__ = ()

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return self
