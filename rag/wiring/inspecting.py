"""What a catalogue holds, told, counted and deleted; no encoder is needed for it."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from dataclasses import asdict, dataclass, replace
from typing import TypeAlias

from indexers.bulk.seen import Seen
from indexers.stores.catalogue import NAME, Catalogue, checked_name, number_of
from indexers.stores.exact import holds
from indexers.verifying import Problem
from rag.errors import RagError
from rag.seams import CollectionSpec, Store
from rag.values import Frozen, Where
from rag.wiring.naming import missing

Opening: TypeAlias = Callable[[str], AbstractAsyncContextManager[Store]]
"""Gives the store of a physical collection for a while."""


@dataclass(frozen=True, slots=True)
class Listed(Frozen):
    """A physical collection, and the name that stands for it, empty where none does.

    `problem` says why nothing more is known of it.
    """

    name: str
    physical: str
    chunks: int = 0
    documents: int = 0
    encoder: str = ""
    splitter: str = ""
    settled: bool = True
    problem: str = ""

    def __str__(self) -> str:
        called = f"{self.name or '(no name)'} = {self.physical}"
        if self.problem:
            return f"{called}: {self.problem}"
        ended = "" if self.settled else "; a run was ended before it was done: run it again"
        return (
            f"{called}: {self.documents:,} documents, {self.chunks:,} chunks, {self.encoder}, "
            f"{self.splitter}{ended}"
        )


@dataclass(frozen=True, slots=True)
class Described(Frozen):
    """Everything about a collection; `bytes` are those on disk, None where that is not known."""

    name: str
    physical: str
    spec: CollectionSpec
    chunks: int
    documents: Mapping[str, int]
    bytes: int | None

    def __str__(self) -> str:
        size = "unknown" if self.bytes is None else f"{self.bytes:,} bytes"
        facts = {
            "collection": f"{self.name} = {self.physical}",
            **asdict(self.spec),
            "chunks": f"{self.chunks:,}",
            "on disk": size,
            **{f"documents of {tenant}": f"{n:,}" for tenant, n in self.documents.items()},
        }
        return "\n".join(f"{key:<20} {value}" for key, value in facts.items())


def opening(catalogue: Catalogue) -> Opening:
    """Return a way to open stores where nobody else of this process has."""

    @asynccontextmanager
    async def opened(physical: str) -> AsyncIterator[Store]:
        store = await catalogue.open(physical)
        try:
            yield store
        finally:
            await store.close()

    return opened


async def listed(catalogue: Catalogue, opened: Opening) -> AsyncIterator[Listed]:
    """Yield every physical collection, sorted.

    Raises:
        StoreUnavailable: the place does not answer.
    """
    names = await catalogue.names()
    for physical in await catalogue.physicals():
        called = [name for name, named in names.items() if named == physical]
        for name in called or [""]:
            yield await _row(opened, name, physical)


async def described(catalogue: Catalogue, opened: Opening, name: str) -> Described:
    """Return everything about a collection, by its name or as NAME@N.

    Raises:
        CollectionNotFound, CollectionMismatch, StoreLocked, StoreUnavailable: it cannot be opened.
    """
    physical = await resolved(catalogue, name)
    async with opened(physical) as store:
        tenants: Counter[str] = Counter()
        async for page in store.survey():
            tenants.update(record.tenant for record in page)
        by_tenant = dict(sorted(tenants.items()))
        spec, chunks = await store.info(), await store.count()
    size = await catalogue.size(physical)
    return Described(name, physical, spec, chunks, by_tenant, size)


async def counted(store: Store, tenant: str | None, where: Where) -> tuple[int, int]:
    """Return how many chunks hold all conditions, and of how many documents they are.

    Raises:
        StoreUnavailable: from the store.
    """
    chunks = of = 0
    with closing(Seen()) as documents:
        async for page in store.scan():
            for point in page:
                chunk = point.chunk
                if tenant in {None, chunk.tenant} and holds(chunk, where):
                    chunks += 1
                    of += documents.add(chunk.tenant, chunk.document_id)
    return chunks, of


async def resolved(catalogue: Catalogue, name: str) -> str:
    """Return the physical collection of a name, or the one that is named outright.

    Raises:
        BadCollection: no possible name.
        CollectionNotFound: nothing is called so.
    """
    if "@" in name and name in await catalogue.physicals():
        return name
    physical = await catalogue.resolve(checked_name(name))
    if physical is None:
        raise missing(name)
    return physical


async def of_name(catalogue: Catalogue, name: str) -> Sequence[str]:
    """Return every physical collection that goes when this is dropped; those of other names stay.

    Raises:
        BadCollection: no possible name.
        CollectionNotFound: nothing is called so.
    """
    physical = await resolved(catalogue, name)
    if not NAME.fullmatch(name):
        return [physical]
    named = {other for by, other in (await catalogue.names()).items() if by != name}
    family = {other for other in await catalogue.physicals() if number_of(name, other) >= 0}
    return sorted((family | {physical}) - named)


async def drop(catalogue: Catalogue, name: str, physicals: Sequence[str]) -> None:
    """Delete what `of_name` returned, and the name.

    Raises:
        BadCollection: a name stands for it that does not go.
        CollectionNotFound, StoreLocked, StoreUnavailable: from the catalogue; what is still there
            has its name then.
    """
    last = (await catalogue.names()).get(name, "")
    for other in physicals:
        if other != last:
            await catalogue.drop(other)
    named = last not in {"", name}
    if named:
        await catalogue.forget(name)
    try:
        if last in physicals:
            await catalogue.drop(last)
    except RagError:
        if named:
            await catalogue.point(name, last)
        raise


async def drop_damaged(store: Store, problems: Iterable[Problem]) -> int:
    """Delete documents that have problems, so that indexing writes them anew; return how many.

    Raises:
        StoreUnavailable: from the store.
    """
    by_tenant: dict[str, set[str]] = {}
    for problem in problems:
        if problem.document_id:
            by_tenant.setdefault(problem.tenant, set()).add(problem.document_id)
    await store.stamp(replace(await store.info(), settled=False))  # so that a run counts again
    for tenant, ids in by_tenant.items():
        await store.drop(tenant, sorted(ids))
    return sum(map(len, by_tenant.values()))


async def _row(opened: Opening, name: str, physical: str) -> Listed:
    try:
        async with opened(physical) as store:
            spec, chunks = await store.info(), await store.count()
            documents = 0
            async for page in store.survey():
                documents += len(page)
    except RagError as error:
        return Listed(name, physical, problem=str(error))
    return Listed(name, physical, chunks, documents, spec.encoder, spec.splitter, spec.settled)
