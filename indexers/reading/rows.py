"""Rows become documents: JSON Lines, JSON, and the rows of tables."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing

import msgspec

from indexers.reading.encodings import decode
from indexers.reading.inputs import Input, Read, Unreadable, read_all
from indexers.reading.lines import lines_of
from rag.values import Document, Fault, Json, Notice

_KNOWN_KEYS = {"_id", "id", "title", "text", "metadata"}


def read_json_lines(input_: Input) -> Iterator[Read]:
    """Yield a document per line, or the fault of the line."""
    empty = True
    for number, line in lines_of(input_):
        empty = False
        if isinstance(line, Fault | Notice):
            yield line
        else:
            yield from_json(input_, number, line)
    if empty:
        raise Unreadable("the file is empty")


def from_json(input_: Input, number: int, text: bytes | msgspec.Raw) -> Document | Fault:
    """Return the document of a JSON object that stands in a line, or as an element of a list."""

    def fault(reason: str) -> Fault:
        return input_.fault(reason, number)

    try:
        row = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return fault(f"not JSON: {error}")
    if not isinstance(row, dict):
        return fault("not a JSON object")
    return _from_row(row, input_.row(number), input_.tenant, fault)


def _from_row(
    row: Mapping[str, Json], source: str, tenant: str, fault: Callable[[str], Fault]
) -> Document | Fault:
    """Turn {_id, title, text, metadata, …} into a document; other keys join the metadata."""
    id_ = row.get("_id", row.get("id"))
    title, text = row.get("title", ""), row.get("text", "")
    metadata = row.get("metadata") or {}
    if isinstance(id_, bool) or not isinstance(id_, str | int) or not str(id_).strip():
        return fault("no _id: every line needs one, a string or an integer")
    if not isinstance(title, str | None) or not isinstance(text, str | None):
        return fault("title and text must be strings")
    if not isinstance(metadata, dict):
        return fault("metadata must be an object")
    text, title = text or "", title or ""
    if not (text.strip() or title.strip()):
        return fault("the document is empty: neither text nor title")
    extra = {key: value for key, value in row.items() if key not in _KNOWN_KEYS}
    return Document(str(id_), text, title, source, {**extra, **metadata}, tenant)


def read_json(input_: Input) -> Iterator[Read]:
    """Yield the documents of a list of rows, or else the file as one document.

    An object with a text is a document as a line of JSON Lines is one, and needs no id; what is no
    row at all is kept as it is written, as code.
    """
    with closing(input_.opener()) as stream:
        decoded = decode(read_all(stream, input_.limits))
    if decoded.remark:
        raise Unreadable("not UTF-8, which JSON must be: convert it with iconv")
    if not decoded.text.strip():
        raise Unreadable("the file is empty")
    try:
        elements = _elements(decoded.text)
        whole = None if elements else msgspec.json.decode(decoded.text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Unreadable(f"not JSON: {error}") from None
    for number, element in enumerate(elements, start=1):
        yield from_json(input_, number, element)
    if not elements:
        yield _one(input_, decoded.text, whole)


def _elements(text: str) -> list[msgspec.Raw]:
    """Return the elements of a list whose first is a row, undecoded: a long one fits in memory."""
    if not text.lstrip().startswith("["):
        return []
    elements = msgspec.json.decode(text, type=list[msgspec.Raw])
    first = msgspec.json.decode(elements[0]) if elements else None
    return elements if isinstance(first, dict) and _is_row(first) else []


def _is_row(row: Mapping[str, Json]) -> bool:
    return bool({"_id", "id"} & set(row)) and bool({"text", "title"} & set(row))


def _one(input_: Input, text: str, value: Json) -> Document | Fault:
    if isinstance(value, dict) and isinstance(value.get("text"), str):
        row = {"_id": input_.id, **value}
        if row.get("id") is not None and "_id" not in value:
            row["_id"] = value["id"]
        return _from_row(row, input_.source, input_.tenant, input_.fault)
    return Document(
        input_.id,
        text,
        input_.stem,
        input_.source,
        tenant=input_.tenant,
        markup="code",
        language="json",
    )


def from_cells(input_: Input, number: int, row: Mapping[str, Json]) -> Document | Fault:
    """Return the document of a table's row, by the names of its columns.

    Without an id it is numbered; without a text it is read column by column. What is empty is left
    out.
    """
    given = {key: value for key, value in row.items() if value not in (None, "")}
    id_ = given.get("_id", given.get("id", f"{input_.id}:{number}"))
    if not {"text", "title"} & set(row):
        said = (f"{key}: {value}" for key, value in given.items() if key not in _KNOWN_KEYS)
        given = {"text": "\n".join(said)}
    whole = {**given, "_id": id_}

    def fault(reason: str) -> Fault:
        return input_.fault(reason, number)

    return _from_row(whole, input_.row(number), input_.tenant, fault)


def has_rows(columns: list[str]) -> bool:
    """Whether a table of these columns is a list of documents."""
    return bool({"_id", "id", "text"} & set(columns))
