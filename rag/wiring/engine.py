"""The engine: collections opened and indexed, query paths handed out."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from indexers.bulk import FileReport, IndexReport, Options, Progress, index
from indexers.encoders.bm25 import Bm25Encoder
from indexers.splitting.pieces import Split
from indexers.splitting.splitters import described, make_split, named, sizes
from indexers.stores.edge import create_edge, edge_exists, open_edge
from indexers.stores.exact import ExactStore
from rag.deepen import Deepener
from rag.errors import BadCollection, BadSettings, CollectionMismatch, CollectionNotFound, RagError
from rag.expand.expand import Expander, ExpansionCache
from rag.expand.methods import EXPANSIONS
from rag.fuse import FUSIONS, Fusion, rrf
from rag.iterate.methods import ITERATIONS
from rag.route.route import Routers
from rag.seams import LLM, CollectionSpec, Encoder, Store
from rag.settings import Settings
from rag.values import Document, Fault, Notice
from rag.wiring.answering import answering, packing, window
from rag.wiring.encoding import open_encoder, open_stage
from rag.wiring.llm import open_llm
from rag.wiring.memory import for_good
from rag.wiring.querying import defaults, routers_of, widening
from rag.wiring.reranking import Rerankers
from rerankers.late_interaction import TokenEncoder

if TYPE_CHECKING:
    from rag.pipeline import QueryPath

SPECIAL_TOKENS = 2  # the start and end marks that encoders put around a text

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


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
        self._split = split
        sparse = settings.sparse
        self.sparse = Bm25Encoder(sparse.k1, sparse.b, sparse.language)
        self._stores: dict[str, Store] = {}
        self._paths: dict[str, QueryPath] = {}
        self._llm: LLM | None = None
        self._opening = asyncio.Lock()
        self._connecting = asyncio.Lock()
        self._rerankers = Rerankers(settings, self.llm, self._tokens)
        self._routers = Routers(routers_of(settings, encoder), self.llm, encoder)
        self._defaults = defaults(settings, self._routers.methods)
        self._generator = answering(
            settings.answer, encoder, self.llm, self._rerankers.cross_encoder
        )
        self._indexed = 0

    async def collection(self, name: str) -> QueryPath:
        """Return the query path of a collection; opened once, shared from then on.

        Raises:
            BadCollection: no possible name.
            CollectionNotFound: nothing was indexed under that name.
            CollectionMismatch: it was built with another encoder or other BM25 settings.
            StoreLocked, StoreUnavailable: from the store.
        """
        async with self._opening:
            if name not in self._paths:
                store = await self._open(name)
                if store is None:
                    raise CollectionNotFound(
                        f"no collection '{name}': firstcite index PATH --collection {name}"
                    )
                splitter = named((await store.info()).splitter)
                self._paths[name] = self._query_path(store, name, splitter)
            return self._paths[name]

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
    ) -> IndexReport:
        """Index documents into a collection, which is created where there is none.

        Raises:
            CollectionMismatch: it was built with another encoder, splitter or BM25 settings.
            BadCollection, StoreLocked, StoreUnavailable: as `collection`.
            ModelUnavailable: index.engine is ray, and Ray or its cluster is not there or fails.
        """
        encode = open_stage(self.settings)
        async with self._opening:
            store = await self._open(name) or await self._create(name, dry=options.dry)
        built, mine = await store.info(), self._spec()
        if built.splitter != mine.splitter:
            raise CollectionMismatch(
                f"'{name}' was split by {built.splitter}, the settings say {mine.splitter}: set "
                "index.splitter, index.chunk_tokens and index.leaf_tokens back, or index into "
                "another --collection"
            )
        try:
            return await index(
                items,
                self._split,
                self.encoder,
                self.sparse,
                store,
                on_progress,
                options,
                on_file,
                encode,
            )
        finally:
            self._indexed += 1

    async def close(self) -> None:
        """Flush and release every open collection, and the language model.

        One that fails does not keep the others open.

        Raises:
            StoreUnavailable: a collection could not be flushed.
        """
        async with self._opening:
            stores, self._stores, self._paths = self._stores, {}, {}
            llm, self._llm = self._llm, None
            closing = [store.close() for store in stores.values()]
            ended = await asyncio.gather(
                *closing,
                self._rerankers.close(),
                *([llm.close()] if llm else []),
                return_exceptions=True,
            )
        for error in ended:
            if error is not None:
                raise error

    async def _open(self, name: str) -> Store | None:
        """Return the store of an existing collection that fits the settings."""
        if name in self._stores:
            return self._stores[name]
        if not _NAME.fullmatch(name):
            raise BadCollection(
                f"'{name}' is no collection name: letters, digits, _ . - and at most 64 of them"
            )
        store = await self._existing(name)
        if store is None:
            return None
        try:
            _check(name, await store.info(), self._spec())
        except RagError:
            await store.close()
            raise
        self._stores[name] = store
        return store

    async def _existing(self, name: str) -> Store | None:
        settings = self.settings.store
        if settings.url:
            from indexers.stores import server  # imports pydantic and grpc: .7 s

            return await server.open_collection(server.connect(settings), name)
        folder = Path(settings.path) / name
        return open_edge(folder) if edge_exists(folder) else None

    async def _create(self, name: str, *, dry: bool) -> Store:
        settings = self.settings.store
        if dry:
            return ExactStore(self._spec())  # nothing is there, and nothing comes
        if settings.url:
            from indexers.stores import server

            self._stores[name] = await server.create_collection(
                server.connect(settings), name, self._spec(), settings.shards, settings.replicas
            )
        else:
            self._stores[name] = create_edge(Path(settings.path) / name, self._spec())
        return self._stores[name]

    def _spec(self) -> CollectionSpec:
        encoder = self.encoder.spec
        return CollectionSpec(
            encoder=encoder.name,
            encoder_fingerprint=encoder.fingerprint,
            dimension=encoder.dimension,
            sparse_fingerprint=self.sparse.spec.fingerprint,
            splitter=described(self.settings.index),
        )

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


def _check(name: str, built: CollectionSpec, mine: CollectionSpec) -> None:
    if built.encoder_fingerprint != mine.encoder_fingerprint:
        raise CollectionMismatch(
            f"'{name}' was built with the encoder {built.encoder_fingerprint}, the settings say "
            f"{mine.encoder_fingerprint}: set encoder.model back, or index into another "
            "--collection"
        )
    if built.sparse_fingerprint != mine.sparse_fingerprint:
        raise CollectionMismatch(
            f"'{name}' was built with {built.sparse_fingerprint}, the settings say "
            f"{mine.sparse_fingerprint}: set the sparse section back, or index into another "
            "--collection"
        )


@for_good()
def build(settings: Settings) -> Engine:
    """Return the engine that the settings describe, its encoder loaded.

    Raises:
        ModelUnavailable: the encoder cannot be loaded or exported.
        BadSettings: chunks would be longer than what the encoder reads, or its runtime does not
            compute its precision.
    """
    encoder = open_encoder(settings)
    most = encoder.spec.max_tokens
    for name, size in sizes(settings.index)[-1:]:
        if size > most - SPECIAL_TOKENS:
            raise BadSettings(
                f"index.{name} is {size}, but {encoder.spec.name} reads at most {most} tokens, "
                f"{SPECIAL_TOKENS} of them its own: set at most {most - SPECIAL_TOKENS}"
            )
        room = most - SPECIAL_TOKENS - size
        if settings.index.contextual and room < settings.index.context_tokens:
            raise BadSettings(
                f"index.context_tokens is {settings.index.context_tokens}, but beside a chunk "
                f"{encoder.spec.name} has room for {room}: set it or index.{name} lower"
            )
    return Engine(settings, encoder, make_split(settings.index, encoder.tokenizer, most))
