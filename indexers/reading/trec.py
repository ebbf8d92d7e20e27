"""TREC's collections: documents between tags, many in a file."""

import html
import re
from collections.abc import Iterable, Iterator
from itertools import chain

from indexers.reading.inputs import Input, Read, Unreadable
from indexers.reading.lines import lines_of, too_long
from rag.values import Document, Fault, Notice

_NUMBER = re.compile(r"<DOCNO>\s*(.*?)\s*</DOCNO>", re.IGNORECASE | re.DOTALL)
_TITLE = re.compile(r"<(TITLE|HEADLINE|HEAD|HL|TI|TTL)>(.*?)</\1>", re.IGNORECASE | re.DOTALL)
_TEXT = re.compile(r"<(TEXT|BODY)>(.*?)</\1>", re.IGNORECASE | re.DOTALL)
_UNENDED = "a document without </DOC>"
_TAG = re.compile(r"</?[A-Za-z][^<>]*>|<!--.*?-->", re.DOTALL)


def read_trec(input_: Input) -> Iterator[Read]:
    """Yield a document per <DOC>, its text that of its <TEXT> elements, or of all of it."""
    lines = lines_of(input_, guessing=True)
    first = next(lines, None)
    if first is None:
        raise Unreadable("the file is empty")
    found = False
    for item in _cut(input_, chain([first], lines)):
        found = found or not isinstance(item, Notice)
        yield item if isinstance(item, Fault | Notice) else _document(input_, *item)
    if not found:
        raise Unreadable("no document of TREC's: lines with <DOC> and </DOC> are wanted")


def _cut(
    input_: Input, lines: Iterable[tuple[int, bytes | Fault | Notice]]
) -> Iterator[Fault | Notice | tuple[int, bytes]]:
    """Yield the documents, each with the line where it begins."""
    most = input_.limits.max_line_bytes
    begun, whole = 0, bytearray()
    for number, line in lines:
        if isinstance(line, Fault | Notice):
            yield line
            continue
        if line.lstrip()[:5].upper() == b"<DOC>":
            if begun:
                yield input_.fault(_UNENDED, begun)
            begun, whole = number, bytearray()
        if begun and len(whole) <= most:
            whole += line
        if begun and line.rstrip()[-6:].upper() == b"</DOC>":
            long = len(whole) > most
            yield input_.fault(too_long(most), begun) if long else (begun, bytes(whole))
            begun = 0
    if begun:
        yield input_.fault(_UNENDED, begun)


def _document(input_: Input, line: int, data: bytes) -> Document | Fault:
    try:
        whole = data.decode()
    except UnicodeDecodeError as error:
        return input_.fault(f"not UTF-8 (byte {error.start} of the document)", line)
    number = _NUMBER.search(whole)
    if number is None or not number[1]:
        return input_.fault("a document without <DOCNO>", line)
    title = _TITLE.search(whole)
    texts = [found[2] for found in _TEXT.finditer(whole)]
    rest = _NUMBER.sub("", whole.replace(title[0], "") if title else whole)
    text = "\n\n".join(map(_plain, texts or [rest])).strip()
    name = " ".join(_plain(title[2]).split()) if title else ""
    if not (text or name):
        return input_.fault("the document is empty: neither text nor title", line)
    return Document(number[1], text, name, input_.row(line), tenant=input_.tenant)


def _plain(text: str) -> str:
    return html.unescape(_TAG.sub("", text)).strip()
