"""The splitter: documents to chunks, stretch by stretch, under what stands above them."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain

from indexers.splitting.cutting import Cuts
from indexers.splitting.paths import PATHS, Open
from indexers.splitting.pieces import Piece, chunks_of, one_chunk
from indexers.splitting.stretches import STRETCH, Stretch, stretches
from rag.values import Chunk, Document, Frozen, Markup


class Splitter:
    """Splits documents by cuts; it is a `Split`.

    Title, headings and, of code, the names of classes and functions around it are the context of a
    chunk.

    Args:
        cuts: where the texts of documents are cut.
        fit: cuts a context to what the encoder can read beside the chunk.
        stretch: characters that are split at a time; documents that are longer are split lazily.
    """

    def __init__(self, cuts: Cuts, fit: Callable[[str], str], stretch: int = STRETCH) -> None:
        self._cuts = cuts
        self._fit = fit
        self._stretch = stretch

    def __call__(self, documents: Sequence[Document]) -> list[Iterable[Chunk]]:
        """Return the chunks of each document, in the order of its text."""
        found: dict[int, Iterable[Chunk]] = {}
        alike: dict[tuple[Markup, str], list[int]] = defaultdict(list)
        for i, document in enumerate(documents):
            if len(document.text) > self._stretch:
                found[i] = _Lazy(partial(self._lazily, document))
            else:
                alike[document.markup, document.language].append(i)
        for (markup, language), chosen in alike.items():
            cut = self._cuts(markup, language)([documents[i].text for i in chosen])
            for i, pieces in zip(chosen, cut, strict=True):
                above, _ = self._headed(documents[i], documents[i].text, pieces, {}, markup)
                found[i] = tuple(self._chunks(documents[i], above))
        return [found[i] for i in range(len(documents))]

    def _chunks(self, document: Document, pieces: Iterable[Piece]) -> Iterator[Chunk]:
        """Yield the chunks of pieces; a document without any is one empty chunk."""
        every = iter(pieces)
        first = next(every, None)
        if first is None:
            yield from one_chunk(document)
        else:
            yield from chunks_of(document, chain([first], every))

    def _lazily(self, document: Document) -> Iterator[Chunk]:
        return self._chunks(document, self._stretched(document))

    def _stretched(self, document: Document) -> Iterator[Piece]:
        """Yield the pieces of a document, a stretch at a time."""
        done, path = 0, dict[int, str]()
        for stretch in stretches(document.text, document.markup, self._stretch):
            text = document.text[stretch.start : stretch.end]
            markup: Markup = "plain" if stretch.fenced else document.markup
            (pieces,) = self._cuts(markup, document.language)([text])
            above, path = self._headed(document, text, pieces, path, markup)
            yield from (_placed(piece, stretch, done) for piece in above)
            done += len(above)

    def _headed(
        self, document: Document, text: str, pieces: Sequence[Piece], before: Open, markup: Markup
    ) -> tuple[list[Piece], dict[int, str]]:
        """Return the pieces of a text with their contexts, and what is open after it."""
        above = PATHS[markup](text, [piece.start for piece in pieces], before)
        contexts = {path: self._context(document.title, path) for path in set(above.paths)}
        headed = [
            replace(piece, context=contexts[path])
            for piece, path in zip(pieces, above.paths, strict=True)
        ]
        return headed, dict(above.left)

    def _context(self, title: str, path: Sequence[str]) -> str:
        """Return title and path as one line; a heading that repeats the title stands once."""
        return self._fit(" › ".join(dict.fromkeys(part for part in (title, *path) if part)))


@dataclass(frozen=True, slots=True)
class _Lazy(Frozen):
    """Chunks that are made each time they are gone through."""

    make: Callable[[], Iterator[Chunk]]

    def __iter__(self) -> Iterator[Chunk]:
        return self.make()


def _placed(piece: Piece, stretch: Stretch, done: int) -> Piece:
    """Return a piece of a stretch as one of the document, of which so many were before."""
    return replace(
        piece,
        start=piece.start + stretch.start,
        end=piece.end + stretch.start,
        family=tuple((first + done, last + done) for first, last in piece.family),
    )
