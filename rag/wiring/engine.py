"""The engine: collections opened and indexed, query paths handed out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from indexers.bulk import FileReport, IndexReport, OnDocument, Options, Progress, index
from indexers.encoders.bm25 import Bm25Encoder
from indexers.encoders.known import Cutting
from indexers.splitting.pieces import Split
from indexers.splitting.splitters import described, named
from indexers.splitting.tokens import Tokens
from indexers.stores.exact import ExactStore
from rag.deepen import Deepener
from rag.errors import BadSettings
from rag.expand.expand import Expander, ExpansionCache
from rag.expand.methods import EXPANSIONS
from rag.fuse import FUSIONS, Fusion, rrf
from rag.iterate.methods import ITERATIONS
from rag.route.route import Routers
from rag.seams import LLM, CollectionSpec, Encoder, EncoderSpec, SparseSpec, Store
from rag.sections import IndexSettings
from rag.settings import Settings, locks_folder
from rag.spans import note
from rag.values import Document, Fault, Notice
from rag.wiring.answering import answering, packing, window
from rag.wiring.collections import Collections
from rag.wiring.encoding import open_stage
from rag.wiring.fitting import check_splitter
from rag.wiring.indexing import Indexing
from rag.wiring.llm import open_llm
from rag.wiring.naming import missing
from rag.wiring.querying import defaults, routers_of, widening
from rag.wiring.reindexing import Kind, Reindexed, reindex
from rag.wiring.reordering import Reordering
from rag.wiring.reranking import Rerankers
from rag.wiring.turns import Turns
from rerankers.late_interaction import TokenEncoder

if TYPE_CHECKING:
    from rag.pipeline import QueryPath


class Engine:
    """Everything a face (command line, HTTP, evaluation) needs, over one encoder.

    Args:
        settings: what is in effect.
        encoder: the dense encoder.
        split: how documents become chunks.

    Raises:
        BadSettings: an unknown reranker, a router that is not there, or one whose file is missing,
            damaged, or made with another encoder or fusion; or such a calibration.
    """

    def __init__(self, settings: Settings, encoder: Encoder, split: Split) -> None:
        self.settings = settings
        self.encoder = encoder
        self.split = split
        sparse = settings.sparse
        self.sparse = Bm25Encoder(sparse.k1, sparse.b, sparse.language)
        spec = _spec(encoder.spec, self.sparse.spec, settings.index)
        locks = locks_folder(settings)
        self._turns = Turns(settings.store.url, settings.server.redis, locks)
        self.collections = Collections(settings.store, spec, self._turns.take)
        self._paths: dict[str, QueryPath] = {}
        self._llm: LLM | None = None
        self._connecting = asyncio.Lock()
        self._rerankers = Rerankers(settings, self.llm, self._tokens)
        self._routers = Routers(routers_of(settings, encoder), self.llm, encoder)
        self._defaults = defaults(settings, self._routers.methods)
        self._generator = answering(
            settings.answer, encoder, self.llm, self._rerankers.cross_encoder
        )
        self._indexing = Indexing(
            settings.index, split, encoder, self.sparse, self.llm, partial(open_stage, settings)
        )
        self._indexed = 0
        self._counter: Tokens | None = None
        self.reordering = Reordering(settings, encoder, self.llm, self._tokens)

    async def collection(self, name: str) -> QueryPath:
        """Return the query path of a collection; opened once, shared from then on.

        A name that was switched to another collection leads there within seconds, if that fits the
        settings. A path that was given before goes on searching what it was given for.

        Raises:
            BadCollection: no possible name.
            CollectionNotFound: nothing was indexed under that name.
            CollectionMismatch: it was built with another encoder or other BM25 settings.
            StoreLocked, StoreUnavailable: from the store.
        """
        store = await self.collections.get(name)
        if store is None:
            self._paths.pop(name, None)
            raise missing(name)
        path = self._paths.get(name)
        if path is None or path.parts.store is not store:
            splitter = named((await store.info()).splitter)
            path = self._paths[name] = self._query_path(store, name, splitter)
        note({"firstcite.collection": name})
        return path

    async def llm(self) -> LLM:
        """Return the language model; loaded when first asked for, shared from then on.

        Raises:
            ModelUnavailable, LLMUnavailable, BadSettings: as `open_llm`.
        """
        async with self._connecting:
            if self._llm is None:
                self._llm = await open_llm(self.settings)
            return self._llm

    async def index(
        self,
        items: Iterable[Document | Fault | Notice],
        name: str,
        on_progress: Callable[[Progress], None] = lambda _: None,
        options: Options = Options(),  # noqa: B008 - a value that never changes
        on_file: Callable[[FileReport], None] = lambda _: None,
        on_document: OnDocument = lambda *_: None,
    ) -> IndexReport:
        """Index documents into a collection, which is created where there is none.

        Raises:
            CollectionMismatch: it was built with another encoder, splitter or BM25 settings.
            BadCollection, StoreLocked, StoreUnavailable: as `collection`.
            ModelUnavailable: index.engine is ray, and Ray or its cluster is not there or fails.
        """
        async with self.collections.writing(name):
            store = await self._to_index(name, dry=options.dry)
            check_splitter(name, await store.info(), self.collections.spec)
            try:
                return await self._indexing.run(
                    items, store, on_progress, options, on_file, on_document
                )
            finally:
                self._indexed += 1

    async def delete(self, name: str, tenant: str, document_ids: Sequence[str]) -> int:
        """Delete documents of a tenant; return how many there were.

        Raises:
            CollectionNotFound: nothing was indexed under that name.
            BadCollection, CollectionMismatch, StoreLocked, StoreUnavailable: as `collection`.
        """
        async with self.collections.writing(name):
            store = await self.collections.get(name)
            if store is None:
                raise missing(name)
            options = Options(tenant=tenant, drop=tuple(document_ids), optimize=False)
            try:
                gone = await index(
                    (), self.split, self.encoder, self.sparse, store, options=options
                )
            finally:
                self._indexed += 1
            return gone.deleted

    async def reindex(
        self,
        name: str,
        target: Engine | None = None,
        on_progress: Callable[[Progress], None] = lambda _: None,
    ) -> Reindexed:
        """Build a collection anew from its own documents, beside the old one, and switch to it.

        Searches go on in the old one meanwhile, and those that have begun there end there. The old
        one stays. Running again after a failure goes on with what was built.

        Args:
            name: the collection.
            target: says by its encoder, splitter and settings how to build it; by default this one.
            on_progress: is told how far it is.

        Raises:
            CollectionNotFound: nothing was indexed under that name.
            CollectionMismatch: it was written by another version of the schema.
            BadCollection, StoreLocked, StoreUnavailable: as `collection`; also for a document that
                cannot be rebuilt. The name stands for the old collection then.
        """
        made = target or self
        kind = Kind(made.encoder, made.sparse, made.split, made.collections.spec)
        try:
            return await reindex(name, self.collections, kind, on_progress)
        finally:
            made.collections.look_again(name)
            self._indexed += 1

    async def close(self) -> None:
        """Flush and release every open collection, and the language model.

        One that fails does not keep the others open.

        Raises:
            StoreUnavailable: a collection could not be flushed.
        """
        async with self._connecting:
            self._paths = {}
            llm, self._llm = self._llm, None
            ended = await asyncio.gather(
                self.collections.close(),
                self._turns.close(),
                self._rerankers.close(),
                self.reordering.close(),
                *([llm.close()] if llm else []),
                return_exceptions=True,
            )
        for error in ended:
            if error is not None:
                raise error

    async def _to_index(self, name: str, *, dry: bool) -> Store:
        """Return the store of a name; a dry run makes none where there is none."""
        if not dry:
            return await self.collections.to_write(name)
        return await self.collections.get(name) or ExactStore(self.collections.spec)

    def count_tokens(self, texts: Sequence[str]) -> int:
        """Return how many tokens the encoder sees in texts, or words where it has none."""
        if isinstance(self.encoder, Cutting):
            self._counter = self._counter or Tokens(self.encoder.tokenizer)
            return sum(self._counter.count(texts))
        return sum(len(text.split()) for text in texts)

    def _tokens(self) -> TokenEncoder:
        if isinstance(self.encoder, TokenEncoder):
            return self.encoder
        raise BadSettings(
            f"{self.encoder.spec.name} gives no vectors of tokens: take another rerank.method"
        )

    def _query_path(self, store: Store, name: str, splitter: str) -> QueryPath:
        from rag.parts import Parts
        from rag.pipeline import QueryPath  # imports Haystack, which indexing does not need

        search, answer, rerank = self.settings.search, self.settings.answer, self.settings.rerank
        return QueryPath(
            Parts(
                encoder=self.encoder,
                sparse=self.sparse,
                store=store,
                generator=self._generator,
                defaults=self._defaults,
                fusions=fusions(search.rrf_k),
                weights={"dense": search.dense_weight, "bm25": 1 - search.dense_weight},
                packing=packing(answer),
                reranker=self._rerankers.get(name) if rerank.method else None,
                rerank_depth=rerank.depth,
                move=self._rerankers.move() if rerank.method else None,
                routers=self._routers,
                expander=Expander(
                    EXPANSIONS,
                    self.llm,
                    self.sparse,
                    partial(self._corpus, store),
                    ExpansionCache(),
                ),
                deepener=Deepener(ITERATIONS, self.llm),
                widening=widening(search, splitter),
                window=window(answer, self.llm),
            )
        )

    async def _corpus(self, store: Store) -> tuple[str, float]:
        """Return a name of what a collection holds now, and its mean length in terms."""
        spec = await store.info()
        return f"{self._indexed} {await store.count()} {spec.mean_length}", spec.mean_length


def fusions(rrf_k: int) -> Mapping[str, Fusion]:
    """Return the fusions by name, with the constant of RRF bound."""
    return {**FUSIONS, "rrf": partial(rrf, k=rrf_k)}


def _spec(encoder: EncoderSpec, sparse: SparseSpec, of: IndexSettings) -> CollectionSpec:
    return CollectionSpec(
        encoder=encoder.name,
        encoder_fingerprint=encoder.fingerprint,
        dimension=encoder.dimension,
        sparse_fingerprint=sparse.fingerprint,
        splitter=described(of),
    )
