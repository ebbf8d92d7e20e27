"""Documents that are no more: in the store, from below the roots of a run, and not seen in it."""

from collections.abc import AsyncIterator, Callable, Collection, Sequence

from indexers.bulk.reporting import file_of
from rag.seams import Store
from rag.values import DocumentRecord


async def vanished(
    store: Store,
    tenant: str,
    roots: Sequence[str],
    seen: Callable[[str, str], bool],
    faulty: Collection[str],
) -> AsyncIterator[list[DocumentRecord]]:
    """Yield the tenant's documents that are no more, in pages.

    A file that could not be read whole keeps its documents: which of them are gone is not known.
    """
    async for page in store.survey():
        yield [
            record
            for record in page
            if record.tenant == tenant
            and under(record.source, roots)
            and not seen(tenant, record.document_id)
            and file_of(record.source) not in faulty
        ]


def under(source: str, roots: Sequence[str]) -> bool:
    """Whether a source is one of the roots, a line or member of it, or below it.

    >>> [under(s, ["/a/b"]) for s in ("/a/b", "/a/b:3", "/a/b/c.md", "/a/b!/c", "/a/bc", "/a")]
    [True, True, True, True, False, False]
    """
    return any(
        source == root or source.startswith((f"{root}:", f"{root}/", f"{root}!/")) for root in roots
    )
