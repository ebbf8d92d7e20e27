"""What converters share: parts become one text with the offsets at which they begin."""

from collections.abc import Sequence

from indexers.reading.inputs import Input, Unreadable
from rag.values import Document, Json, Markup

_APART = "\n\n"


def clean(text: str) -> str:
    r"""Return a text without NUL and without halves of surrogate pairs, which nothing can store.

    >>> clean("a\0b \ud83d\ude00 \udc80") == "ab 😀 \ufffd"
    True
    """
    return text.replace("\0", "").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def in_parts(parts: Sequence[str]) -> tuple[str, tuple[int, ...]]:
    r"""Return the text of pages, slides or sheets, and the offset at which each begins.

    >>> in_parts(["one", "", "three"])
    ('one\n\n\n\nthree', (0, 5, 7))
    """
    offsets, at = [], 0
    for part in parts:
        offsets.append(at)
        at += len(part) + len(_APART)
    return _APART.join(parts), tuple(offsets)


def converted(
    input_: Input,
    format_: str,
    text: str,
    title: str | None,
    *,
    pages: tuple[int, ...] = (),
    markup: Markup = "markdown",
    metadata: dict[str, Json] | None = None,
) -> Document:
    """Return the document of a converted file; without a title it is called as the file is.

    Raises:
        Unreadable: there is no text.
    """
    if not text.strip():
        raise Unreadable("it holds no text")
    return Document(
        input_.id,
        text,
        " ".join(clean(title or "").split()) or input_.stem,
        input_.source,
        {"format": format_, **(metadata or {})},
        input_.tenant,
        markup,
        pages=pages,
    )
