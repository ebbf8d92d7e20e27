"""Splitting: documents become chunks whose spans into the document text are exact.

Borders come from semantic-text-splitter (sections, paragraphs, sentences, words, in that order),
sizes are counted in the encoder's own tokens. Title and heading path go into `Chunk.context`, which
is indexed and never quoted.
"""

import hashlib
import re
import uuid
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, pairwise

from markdown_it import MarkdownIt
from semantic_text_splitter import MarkdownSplitter, TextSplitter
from tokenizers import Tokenizer

from rag.values import Chunk, Document, Frozen

NAMESPACE = uuid.UUID("5b1f8a52-8d0e-5f43-9c59-3f8d1f1c1b52")  # chosen once, never changed

_LINE_END = re.compile(r"\r\n|\r|\n")  # what CommonMark calls a line ending; splitlines knows more

Split = Callable[[Sequence[Document]], list[tuple[Chunk, ...]]]
"""Documents to the chunks of each, many at a time."""


@dataclass(frozen=True, slots=True)
class Piece(Frozen):
    """Where a chunk stands in its document, and what is indexed with it."""

    start: int
    end: int
    context: str = ""
    family: tuple[tuple[int, int], ...] = ()


def chunks_of(document: Document, pieces: Iterable[Piece]) -> Iterator[Chunk]:
    """Yield the chunks of a document: its pieces, which ascend and leave out nothing but space."""
    pages = 0  # how many pages have begun where a piece starts
    for ordinal, (piece, following) in enumerate(pairwise(chain(pieces, [None]))):
        assert piece is not None  # noqa: S101 - only the last one is
        end = following.start if following else len(document.text)
        pages = bisect_right(document.pages, piece.start, pages)
        inside = document.pages[pages : bisect_left(document.pages, piece.end, pages)]
        yield _identified(
            Chunk(
                id="",
                document_id=document.id,
                text=document.text[piece.start : piece.end],
                start=piece.start,
                end=piece.end,
                title=document.title,
                context=piece.context,
                source=document.source,
                metadata=document.metadata,
                tenant=document.tenant,
                ordinal=ordinal,
                gap=document.text[piece.end : end],
                page=pages,
                breaks=inside,
                family=piece.family,
            )
        )


def _identified(chunk: Chunk) -> Chunk:
    """Return the chunk with its id: the UUIDv5 of whose it is, where it stands and what it says.

    Source and metadata are left out: they may change while the chunk stays the same.
    """
    says = (chunk.text, chunk.title, chunk.context, chunk.gap)
    digest = hashlib.sha256(repr(says).encode()).hexdigest()
    place = (chunk.start, chunk.end, chunk.ordinal, chunk.page, chunk.breaks, chunk.family)
    # JSON-like quoting by repr: no two different tuples give the same name.
    name = repr((chunk.tenant, chunk.document_id, place, digest))
    return replace(chunk, id=str(uuid.uuid5(NAMESPACE, name)))


def whole(documents: Sequence[Document]) -> list[tuple[Chunk, ...]]:
    """Return each document as one chunk, its white space at both ends trimmed."""
    return [_whole(document) for document in documents]


class Recursive:
    """Splits by structure into chunks of at most `chunk_tokens` tokens of the given tokenizer.

    A text without borders (base64, a minified file) may be a single unknown token however long it
    is; such a chunk is cut every `16 * chunk_tokens` characters. Where the encoder reads at most
    `max_tokens`, the context is cut to what the chunk leaves of them: an encoder that truncates
    would otherwise drop the end of the chunk for the sake of a long heading.
    """

    def __init__(
        self, tokenizer: Tokenizer, chunk_tokens: int, max_tokens: int | None = None
    ) -> None:
        counter = Tokenizer.from_str(tokenizer.to_str())
        counter.no_truncation()
        counter.no_padding()
        self._plain = TextSplitter.from_huggingface_tokenizer(counter, chunk_tokens)
        self._markdown = MarkdownSplitter.from_huggingface_tokenizer(counter, chunk_tokens)
        self._max_chars = 16 * chunk_tokens
        self._counter = counter
        special = counter.num_special_tokens_to_add(is_pair=False)
        self._context_tokens = None if max_tokens is None else max_tokens - chunk_tokens - special

    def __call__(self, documents: Sequence[Document]) -> list[tuple[Chunk, ...]]:
        """Return the chunks of each document, in the order of its text."""
        spans: dict[int, list[tuple[int, str]]] = {}
        for markup, splitter in (("plain", self._plain), ("markdown", self._markdown)):
            chosen = [i for i, document in enumerate(documents) if document.markup == markup]
            texts = [documents[i].text for i in chosen]
            # One call for all: the splitter spreads them over the cores.
            spans.update(zip(chosen, splitter.chunk_all_indices(texts), strict=True))
        return [self._chunks(document, spans[i]) for i, document in enumerate(documents)]

    def _chunks(self, document: Document, spans: Sequence[tuple[int, str]]) -> tuple[Chunk, ...]:
        bounds = [bound for first, text in spans for bound in self._bounded(first, text)]
        if not bounds:
            return _whole(document)
        headings = _headings(document.text) if document.markup == "markdown" else ()
        starts = [heading.start for heading in headings]
        paths = [_above(headings, starts, start) for start, _ in bounds]
        contexts = {path: self._context(document.title, path) for path in set(paths)}
        pieces = (
            Piece(start, end, contexts[path])
            for (start, end), path in zip(bounds, paths, strict=True)
        )
        return tuple(chunks_of(document, pieces))

    def _context(self, title: str, path: Sequence[str]) -> str:
        context = _context(title, path)
        if self._context_tokens is None:
            return context
        ends = [end for _, end in self._counter.encode(context, add_special_tokens=False).offsets]
        if len(ends) <= self._context_tokens:
            return context
        return context[: ends[self._context_tokens - 1]] if self._context_tokens > 0 else ""

    def _bounded(self, first: int, text: str) -> Iterator[tuple[int, int]]:
        for offset in range(0, len(text), self._max_chars):
            piece = text[offset : offset + self._max_chars]
            if piece.strip():  # a long run of white space says nothing
                yield first + offset, first + offset + len(piece)


@dataclass(frozen=True, slots=True)
class _Heading(Frozen):
    start: int
    path: tuple[str, ...]


def _headings(text: str) -> tuple[_Heading, ...]:
    """Return the Markdown headings in order, each with the path of those above and itself."""
    offsets = [0, *(match.end() for match in _LINE_END.finditer(text))]
    found: list[_Heading] = []
    path: dict[int, str] = {}
    tokens = MarkdownIt("commonmark").disable("inline").parse(text)  # blocks are all we need
    for token, inline in pairwise(tokens):
        if token.type == "heading_open" and token.map:
            level = int(token.tag[1:])
            path = {lv: title for lv, title in path.items() if lv < level}
            path[level] = inline.content
            start = offsets[token.map[0]]
            while text[start].isspace():  # chunks start after the indent
                start += 1
            found.append(_Heading(start, tuple(path.values())))
    return tuple(found)


def _above(headings: Sequence[_Heading], starts: Sequence[int], position: int) -> tuple[str, ...]:
    """Return the headings over a position; one that starts right there is part of the text."""
    index = bisect_right(starts, position) - 1
    if index < 0:
        return ()
    heading = headings[index]
    return heading.path[:-1] if heading.start == position else heading.path


def markdown_title(text: str) -> str:
    r"""Return the first heading of a Markdown text, or an empty string.

    >>> markdown_title("intro\n\n# The *title*\n")
    'The *title*'
    """
    headings = _headings(text)
    return headings[0].path[-1] if headings else ""


def _whole(document: Document) -> tuple[Chunk, ...]:
    start = len(document.text) - len(document.text.lstrip())
    end = len(document.text.rstrip())
    return tuple(chunks_of(document, [Piece(min(start, end), end, _context(document.title, ()))]))


def _context(title: str, path: Sequence[str]) -> str:
    """Return title and headings as one line; a heading that repeats the title stands once."""
    return " › ".join(dict.fromkeys(part for part in (title, *path) if part))
