"""Documents that are no more: in the store, from below the roots of a run, and not seen in it."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from rag.seams import Store
from rag.values import DEFAULT_TENANT, DocumentRecord, Frozen


@dataclass(frozen=True, slots=True)
class Pruning(Frozen):
    """The files and folders (absolute paths) whose vanished documents of `tenant` are deleted."""

    roots: tuple[str, ...] = ()
    tenant: str = DEFAULT_TENANT

    def covers(self, tenant: str, source: str) -> bool:
        """Whether a document is deleted when it has vanished."""
        return tenant == self.tenant and under(source, self.roots)


async def vanished(
    store: Store, vanishes: Callable[[str, str, str], bool]
) -> AsyncIterator[list[DocumentRecord]]:
    """Yield the documents that vanish, told by tenant, id and source, in pages."""
    async for page in store.survey():
        yield [r for r in page if vanishes(r.tenant, r.document_id, r.source)]


def under(source: str, roots: Sequence[str]) -> bool:
    """Whether a source is one of the roots, a line or member of it, or below it.

    >>> [under(s, ["/a/b"]) for s in ("/a/b", "/a/b:3", "/a/b/c.md", "/a/b!/c", "/a/bc", "/a")]
    [True, True, True, True, False, False]
    """
    return any(
        source == root or source.startswith((f"{root}:", f"{root}/", f"{root}!/")) for root in roots
    )
