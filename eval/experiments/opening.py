"""What systems are made of, opened once for all that share it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

import msgspec

from eval.experiments.definition import PATIENCE_S, SystemTable
from eval.experiments.reading import Corpus, Tested
from eval.experiments.record import Lineage, Role
from eval.experiments.sources import digest, sources
from eval.experiments.step import Facts
from indexers.reading import read_paths
from indexers.splitting.splitters import named
from rag.errors import BadCollection, BadSettings
from rag.expand.expand import ExpansionCache
from rag.expand.methods import EXPANSIONS
from rag.llms.family import family
from rag.parts import Parts
from rag.plan import MAX_K
from rag.prompts import all_prompts
from rag.seams import LLM
from rag.settings import Settings
from rag.showing import Show
from rag.values import Frozen, Handling, Query
from rag.wiring import Engine, Rerankers, fusions
from rag.wiring.querying import defaults, routers_of, widening
from rag.wiring.reranking import SCORERS, parse_method
from rerankers.late_interaction import TokenEncoder

Build: TypeAlias = Callable[[Settings], Engine]
OpenLLM: TypeAlias = Callable[[Settings], Awaitable[LLM]]

CHUNKS_PER_DOCUMENT = 4  # chosen: chunks fetched for each document wanted, when they are split
_ELSEWHERE = {"path", "url", "api_key", "timeout_s", "long_timeout_s", "retries", "concurrency"}


class Indexed(msgspec.Struct, frozen=True):
    """A collection in the store: its name there, and what it was built of."""

    name: str
    documents: int
    chunks: int
    encoder: str
    bm25: str
    splitter: str
    mean_length: float
    seconds: float
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Ready(Frozen):
    """A system over a collection, ready to be asked; `query` lacks only its text."""

    query: Query
    parts: Parts
    facts: Facts
    lineage: tuple[Lineage, ...]
    indexed: Indexed


class Opened:
    """Engines, language models and rerankers, each opened when it is first needed.

    Args:
        work: the folder of stores.
        build: makes an engine.
        open_llm: opens a language model.
        show: is told how far indexing is.
    """

    def __init__(self, work: Path, build: Build, open_llm: OpenLLM, show: Show) -> None:
        self._work, self._show = work, show
        self._build, self._open_llm = build, open_llm
        self._engines: dict[str, Engine] = {}
        self._llms: dict[str, LLM] = {}
        self._rerankers: dict[str, Rerankers] = {}

    async def ready(
        self, system: SystemTable, settings: Settings, tested: Tested, corpus: Corpus, depth: int
    ) -> Ready:
        """Return a system that can be asked; the collection is indexed where it is not yet.

        Raises:
            BadCollection: no document of the corpus can be read.
            BadSettings, ModelUnavailable, LLMUnavailable, StoreUnavailable: it cannot be opened.
        """
        engine = self._engine(settings)
        index = _index_key(settings, engine, corpus)
        indexed = await self._indexed(engine, index, tested)
        path = await engine.collection(indexed.name)
        llm = await self.llm(settings) if _asks(system, settings) else None
        parts = self._parts(path.parts, system, settings, engine, indexed)
        model = (llm.spec.fingerprint or llm.spec.name) if llm else ""
        lineage = _lineage(system, settings, engine, llm)
        facts = Facts(index, model, _told(settings), sources(), _names(lineage))
        return Ready(query_of(system, settings, depth), parts, facts, lineage, indexed)

    async def llm(self, settings: Settings) -> LLM:
        """Return the language model of the settings."""
        key = digest(_section(settings.llm))
        if key not in self._llms:
            self._llms[key] = await self._open_llm(settings)
        return self._llms[key]

    async def forget_rerankers(self) -> None:
        """Release the rerankers: whoever tries many settings of them needs one at a time."""
        for rerankers in self._rerankers.values():
            await rerankers.close()
        self._rerankers.clear()

    async def close(self) -> None:
        """Release everything."""
        await self.forget_rerankers()
        for engine in self._engines.values():
            await engine.close()
        for llm in self._llms.values():
            await llm.close()

    def _engine(self, settings: Settings) -> Engine:
        sections = [settings.encoder, settings.sparse, settings.index, settings.store]
        if settings.index.contextual or settings.index.updates:
            sections.append(settings.llm)
        key = digest([_section(one) for one in sections])
        if key not in self._engines:
            store = msgspec.structs.replace(settings.store, path=str(self._work / "store"))
            self._engines[key] = self._build(msgspec.structs.replace(settings, store=store))
        return self._engines[key]

    async def _indexed(self, engine: Engine, index: str, tested: Tested) -> Indexed:
        """Return what a collection is in the store; what is there already is not read again."""
        file = self._work / "indexes" / f"{index}.json"
        if file.is_file():
            known = msgspec.json.decode(file.read_bytes(), type=Indexed)
            if await self._holds(engine, known):
                return known
        name = f"eval-{index[:12]}"
        report = await engine.index(
            read_paths(list(tested.paths), limits=engine.settings.index),
            name,
            lambda p: self._show(f"{tested.name}: {p.stage}", p.done, p.total),
        )
        if not report.documents:
            raise BadCollection(f"collection '{tested.name}': no document can be read")
        spec = await (await engine.collection(name)).parts.store.info()
        found = Indexed(
            name,
            report.documents,
            report.chunks,
            engine.encoder.spec.fingerprint,
            spec.sparse_fingerprint,
            spec.splitter,
            round(spec.mean_length, 3),
            round(report.seconds, 1),
            tuple(_nameless(str(fault), tested.paths) for fault in report.faults),
        )
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(msgspec.json.encode(found))
        return found

    async def _holds(self, engine: Engine, indexed: Indexed) -> bool:
        store = await engine.collections.get(indexed.name)
        return store is not None and await store.count() == indexed.chunks

    def _parts(
        self, parts: Parts, system: SystemTable, settings: Settings, engine: Engine, at: Indexed
    ) -> Parts:
        """Return the parts of a collection's query path with those of a system in their places."""
        search, of = settings.search, settings.rerank

        async def llm() -> LLM:
            return await self.llm(settings)

        rerankers = self._reranker(settings, engine)
        expander = parts.expander and replace(parts.expander, llm=llm, cache=ExpansionCache())
        return replace(
            parts,
            defaults=defaults(settings, routers_of(settings, engine.encoder)),
            fusions=fusions(search.rrf_k),
            weights={"dense": search.dense_weight, "bm25": 1 - search.dense_weight},
            reranker=rerankers.get() if of.method else None,
            rerank_depth=of.depth if of.method else 0,
            move=rerankers.move() if of.method else None,
            routers=None,
            expander=expander if system.expand else None,
            deepener=parts.deepener and replace(parts.deepener, llm=llm),
            widening=widening(search, named(at.splitter)),
        )

    def _reranker(self, settings: Settings, engine: Engine) -> Rerankers:
        sections = [_section(settings.rerank), _section(settings.llm), _section(settings.encoder)]
        key = digest(sections)
        if key not in self._rerankers:

            async def llm() -> LLM:
                return await self.llm(settings)

            def tokens() -> TokenEncoder:
                if isinstance(engine.encoder, TokenEncoder):
                    return engine.encoder
                raise BadSettings(
                    f"{engine.encoder.spec.name} gives no vectors of tokens: take another "
                    "rerank.method"
                )

            self._rerankers[key] = Rerankers(settings, llm, tokens)
        return self._rerankers[key]


def query_of(system: SystemTable, settings: Settings, depth: int) -> Query:
    """Return how a system handles every query; its text is yet to come."""
    whole = settings.index.splitter == "none"
    handling = Handling(
        expand=system.expand,
        iterate=system.iterate,
        rerank_depth=settings.rerank.depth if settings.rerank.method else 0,
        calls=system.calls,
        seconds=PATIENCE_S,
    )
    k = min(MAX_K, depth if whole else depth * CHUNKS_PER_DOCUMENT)
    return Query("", k, branches=system.branches, fusion=system.fusion, handling=handling)


def _asks(system: SystemTable, settings: Settings) -> bool:
    """Whether a language model is asked about queries."""
    methods = [name for name, _ in parse_method(settings.rerank)]
    return (
        bool(system.iterate)
        or any(EXPANSIONS[name].asks for name in system.expand)
        or any(name not in SCORERS for name in methods)
    )


def _lineage(
    system: SystemTable, settings: Settings, engine: Engine, llm: LLM | None
) -> tuple[Lineage, ...]:
    """Return who a system's models are."""
    found = []
    expands = system.iterate or any(EXPANSIONS[name].asks for name in system.expand)
    if llm and expands:
        found.append(Lineage("expander", llm.spec.family, _model(llm.spec.name), all_prompts()))
    for method, _ in parse_method(settings.rerank):
        if method == "cross-encoder":
            name = _model(settings.rerank.model)
            found.append(Lineage("reranker", family(name), name))
        elif method == "late-interaction":
            name = _model(engine.encoder.spec.name)
            found.append(Lineage("reranker", family(name), name))
        elif llm:
            code = sources()["rerank"]
            found.append(Lineage("reranker", llm.spec.family, _model(llm.spec.name), code))
    return tuple(dict.fromkeys(found))


def _names(lineage: Sequence[Lineage]) -> Mapping[Role, str]:
    """Return the models by their roles, without a role that several share."""
    models: dict[Role, set[str]] = {}
    for one in lineage:
        models.setdefault(one.role, set()).add(one.model)
    return {role: min(names) for role, names in models.items() if len(names) == 1}


def _model(name: str) -> str:
    """Return a model's name, of a folder the last part: no path of this machine."""
    return Path(name).name if Path(name).is_absolute() else name


def _index_key(settings: Settings, engine: Engine, corpus: Corpus) -> str:
    store = {k: v for k, v in _section(settings.store).items() if k not in _ELSEWHERE}
    parts = [
        corpus.fingerprint,
        engine.encoder.spec.fingerprint,
        engine.sparse.spec.fingerprint,
        _section(settings.index),
        store,
    ]
    return digest(parts)


def _section(section: msgspec.Struct) -> dict[str, object]:
    return msgspec.structs.asdict(section)


def _told(settings: Settings) -> Mapping[str, Mapping[str, object]]:
    return {"search": _section(settings.search), "rerank": _section(settings.rerank)}


def _nameless(text: str, paths: tuple[Path, ...]) -> str:
    """Return a text without the folders that it begins with."""
    for path in paths:
        for root in (path.absolute(), path.resolve(), path):
            text = text.removeprefix(f"{root}/").removeprefix(f"{root.parent}/")
    return text
