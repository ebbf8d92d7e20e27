"""One input becomes documents: by its format, here or apart, and every failure a fault."""

import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace

from indexers.reading.formats import FORMATS, LANGUAGES, PACKED, format_of, reader_of
from indexers.reading.inputs import Input, Read, Unreadable, reason_of
from indexers.reading.lines import BROKEN
from indexers.reading.unpacking import OfGzip, read_zip

Apart = Callable[[Input], Iterator[Read]]
"""Reads an input elsewhere; calling it begins that, iterating waits for it."""


def entries(input_: Input, apart: Apart) -> Iterator[Iterator[Read]]:
    """Yield what an input holds, part by part, none of them read before it is iterated.

    An archive's members are parts of it; those of unknown formats are passed over.
    """
    end = format_of(input_.name)
    if input_.name.lower().endswith(PACKED):
        opener = OfGzip(input_.opener)
        input_ = replace(input_, name=input_.name[: -len(PACKED)], opener=opener)
    if not end:
        yield iter([input_.fault(f"unknown format: known are {known()}")])
    elif FORMATS[end] is read_zip:
        yield from _of_members(faulted(input_, reader_of(end)), apart)
    elif isinstance(FORMATS[end], str):
        yield apart(input_)
    else:
        yield _read(faulted(input_, reader_of(end)))


def _of_members(items: Iterator[Read | Input], apart: Apart) -> Iterator[Iterator[Read]]:
    for item in items:
        if not isinstance(item, Input):
            yield iter([item])
        elif format_of(item.name):
            yield from entries(item, apart)


def _read(items: Iterator[Read | Input]) -> Iterator[Read]:
    """Yield what a reader yields that knows no members."""
    return (item for item in items if not isinstance(item, Input))


def read_here(input_: Input) -> Iterator[Read]:
    """Yield what an input of any format holds, reading it in this process.

    Raises:
        MemoryError: it needs more than there is.
    """
    for part in entries(input_, _convert):
        yield from part


def _convert(input_: Input) -> Iterator[Read]:
    for item in faulted(input_, reader_of(format_of(input_.name))):
        if not isinstance(item, Input):
            yield item
        elif format_of(item.name):
            yield from read_here(item)


def faulted(
    input_: Input, reader: Callable[[Input], Iterator[Read | Input]]
) -> Iterator[Read | Input]:
    """Yield what a reader yields, and the fault where it ends before the input does."""
    try:
        yield from reader(input_)
    except Unreadable as error:
        yield input_.fault(error.reason, error.line)
    except BROKEN as error:
        yield input_.fault(f"damaged archive: {error}")
    except (NotImplementedError, zipfile.LargeZipFile) as error:
        yield input_.fault(f"packed in a way that is not known: {error}")
    except OSError as error:
        yield input_.fault(reason_of(error))


def known() -> str:
    """Return the formats as a user reads them."""
    code = {end for ends in LANGUAGES.values() for end in ends.split()}
    shown = [end for end in FORMATS if end not in code]
    return ", ".join([*sorted(shown), "source code", "and .gz of these"])
