"""PDF: the text of every page, in the order in which the file has it."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import groupby

from pypdf import PasswordType, PdfReader

from indexers.reading.converted import clean, converted, in_parts
from indexers.reading.inputs import Input, Read, Unreadable


def read_pdf(input_: Input) -> Iterator[Read]:
    """Yield the document; pages without text, and those that cannot be read, are notices."""
    with closing(input_.opener()) as stream:
        reader = PdfReader(stream)
        if reader.is_encrypted and reader.decrypt("") == PasswordType.NOT_DECRYPTED:
            raise Unreadable("password-protected: save it anew without a password")
        texts = []
        for number in range(len(reader.pages)):
            try:
                texts.append(clean(reader.pages[number].extract_text()).strip())
            except (MemoryError, RecursionError):
                raise
            except Exception as error:  # noqa: BLE001 - a parser may fail on a page in any way
                texts.append("")
                yield input_.notice(f"page {number + 1} cannot be read: {error}")
        empty = [number for number, text in enumerate(texts, start=1) if not text]
        if len(empty) == len(texts):
            raise Unreadable("no page has text, perhaps a scan: recognise its text (OCR) first")
        if empty:
            yield input_.notice(f"{_ranges(empty)} without text, perhaps scans")
        title = reader.metadata.title if reader.metadata else None
        text, pages = in_parts(texts)
    yield converted(input_, "pdf", text, title, pages=pages, markup="plain")


def _ranges(numbers: Sequence[int]) -> str:
    """Return page numbers as one reads them.

    >>> _ranges([1, 3, 4, 5])
    'pages 1, 3–5'
    """
    runs = [
        [number for _, number in run]
        for _, run in groupby(enumerate(numbers), lambda pair: pair[1] - pair[0])
    ]
    shown = (f"{run[0]}–{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
    return f"page{'s' if len(numbers) > 1 else ''} {', '.join(shown)}"
