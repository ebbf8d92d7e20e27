"""A corpus that training data is made from: its texts, and a search over them."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec.structs import replace

from indexers.bulk import Progress
from indexers.reading import beir_corpus, read_paths
from indexers.splitting.pieces import whole
from indexers.training.sections import sections, without_headings
from rag.errors import BadCollection
from rag.plan import MAX_K, MAX_QUERY_CHARS
from rag.settings import Settings
from rag.showing import Show
from rag.training.data.structure import asking, cloze
from rag.training.values import Passage
from rag.values import Chunk, Document, Handling, Query
from rag.wiring.building import build
from rag.wiring.engine import Engine

_NAME = "corpus"


class Corpus:
    """Documents, and the collection in which they are searched.

    Args:
        engine: holds the collection.
        documents: all of them.
        name: the collection's.
        bare: whether passages stand without their titles and headings.
    """

    def __init__(
        self, engine: Engine, documents: Sequence[Document], name: str, *, bare: bool
    ) -> None:
        self._engine, self._documents, self._name = engine, documents, name
        self._bare = bare
        self._marked = {one.id for one in documents if one.markup == "markdown"}

    def texts(self) -> dict[str, str]:
        """Return each document as one text, by its id."""
        return {c.document_id: c.indexed_text for (c,) in whole(self._documents)}

    def passages(self) -> list[Passage]:
        """Return all chunks."""
        return [self._passage(chunk) for chunk in self._chunks()]

    def sections(self, *, headings: bool, sentences: bool) -> list[tuple[str, str, Passage]]:
        """Return what asks, with an id: a heading, or a sentence, and the text that is right."""
        parts = [part for document in self._documents for part in sections(document)]
        found = [(one.id, query, one) for query, one in (asking(parts) if headings else ())]
        made = cloze(parts) if sentences else ()
        return [*found, *((f"{one.id}~", query, one) for query, one in made)]

    async def find(self, text: str, count: int) -> list[Passage]:
        """Return the best passages for a text, at most so many."""
        query = Query(
            text[:MAX_QUERY_CHARS], min(MAX_K, count), superseded="show", handling=Handling()
        )
        results = await (await self._engine.collection(self._name)).search(query)
        return [self._passage(candidate.chunk) for candidate in results.candidates]

    def _chunks(self) -> Iterable[Chunk]:
        for chunks in self._engine.split(self._documents):
            yield from chunks

    def _passage(self, chunk: Chunk) -> Passage:
        """Return a chunk as it is read; a document that is whole goes by its own id."""
        if self._bare:
            marked = chunk.document_id in self._marked
            text = without_headings(chunk.text) if marked else chunk.text
            return Passage(f"{chunk.document_id}#{chunk.ordinal}", text)
        split = chunk.ordinal or chunk.gap
        id_ = f"{chunk.document_id}#{chunk.ordinal}" if split else chunk.document_id
        return Passage(id_, chunk.indexed_text)


@asynccontextmanager
async def open_corpus(
    settings: Settings,
    paths: Sequence[Path],
    work: Path,
    show: Show,
    *,
    collection: str = "",
    bare: bool = False,
) -> AsyncIterator[Corpus]:
    """Open documents and a collection of them: one that is there, or one made for this, in `work`.

    A BEIR corpus is indexed by whole documents, as its judgments mean; anything else as the
    settings say.

    Raises:
        BadCollection: no document can be read.
        CollectionNotFound, CollectionMismatch, StoreLocked, ModelUnavailable: it cannot be opened.
    """
    documents = [item for item in read_paths(paths) if isinstance(item, Document)]
    if not documents:
        raise BadCollection(f"no document can be read in {', '.join(map(str, paths))}")
    engine = build(_plain(settings, paths, work, collection))
    try:
        if not collection:
            await engine.index(iter(documents), _NAME, lambda at: _tell(show, at))
        yield Corpus(engine, documents, collection or _NAME, bare=bare)
    finally:
        await engine.close()


def _plain(settings: Settings, paths: Sequence[Path], work: Path, collection: str) -> Settings:
    """Return settings that search and nothing else, in a store of their own where one is made."""
    settings = replace(
        settings,
        rerank=replace(settings.rerank, method=""),
        search=replace(settings.search, widen="none"),
    )
    if collection:
        return settings
    beir = all(path.is_dir() and beir_corpus(path) is not None for path in paths)
    index = replace(settings.index, splitter="none") if beir else settings.index
    store = replace(settings.store, path=str(work / "index"), url="")
    return replace(settings, index=index, store=store)


def _tell(show: Show, at: Progress) -> None:
    show(at.stage, at.done, at.total)
