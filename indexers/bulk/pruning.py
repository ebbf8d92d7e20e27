"""Documents that are no more: in the store, from below the roots of a run, and not seen in it."""

from collections.abc import Callable, Collection, Sequence

from indexers.bulk.reporting import file_of
from rag.seams import Store
from rag.values import DocumentRecord


async def vanished(
    store: Store,
    tenant: str,
    roots: Sequence[str],
    seen: Callable[[str, str], bool],
    faulty: Collection[str],
) -> tuple[list[DocumentRecord], list[str]]:
    """Return the tenant's documents that are no more, and the roots below which none is left.

    A root without a single document that was seen is more likely a disk that is not there than a
    folder that was emptied: its documents are not among those that are no more. A file that could
    not be read whole keeps its documents, too: which of them are gone is not known.
    """
    gone: dict[str, list[DocumentRecord]] = {root: [] for root in roots}
    alive = set[str]()
    async for page in store.survey():
        for record in page:
            root = root_of(record.source, roots)
            if record.tenant != tenant or root is None:
                continue
            if seen(tenant, record.document_id):
                alive.add(root)
            elif file_of(record.source) not in faulty:
                gone[root].append(record)
    dead = [root for root in roots if gone[root] and root not in alive]
    return [record for root in roots if root in alive for record in gone[root]], dead


def root_of(source: str, roots: Sequence[str]) -> str | None:
    """Return the first root that a source is, is a line or a member of, or lies below.

    >>> [root_of(s, ["/a/b"]) for s in ("/a/b", "/a/b:3", "/a/b/c.md", "/a/b!/c", "/a/bc", "/a")]
    ['/a/b', '/a/b', '/a/b', '/a/b', None, None]
    """
    return next((root for root in roots if _under(source, root)), None)


def _under(source: str, root: str) -> bool:
    return source == root or source.startswith((f"{root}:", f"{root}/", f"{root}!/"))
