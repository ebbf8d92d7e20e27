"""Documents that are no more: in the store, from below the roots of a run, and not seen in it."""

from collections.abc import Callable, Collection, Sequence

from rag.seams import Store
from rag.values import DocumentRecord


async def vanished(
    store: Store, missing: Callable[[str, str, str], str | None], alive: Collection[str]
) -> tuple[list[DocumentRecord], set[str]]:
    """Return the documents that are no more, and the roots below which none is left.

    A root without a single document that was read is more likely a disk that is not there than a
    folder that was emptied: its documents are not among those that are no more.

    Args:
        store: what there is.
        missing: tells by tenant, id and source below which root a document is missing.
        alive: the roots of which documents were read.
    """
    gone: list[DocumentRecord] = []
    dead = set[str]()
    async for page in store.survey():
        for record in page:
            root = missing(record.tenant, record.document_id, record.source)
            if root in alive:
                gone.append(record)
            elif root is not None:
                dead.add(root)
    return gone, dead


def root_of(source: str, roots: Sequence[str]) -> str | None:
    """Return the first root that a source is, is a line or a member of, or lies below.

    >>> [root_of(s, ["/a/b"]) for s in ("/a/b", "/a/b:3", "/a/b/c.md", "/a/b!/c", "/a/bc", "/a")]
    ['/a/b', '/a/b', '/a/b', '/a/b', None, None]
    """
    return next((root for root in roots if _under(source, root)), None)


def _under(source: str, root: str) -> bool:
    return source == root or source.startswith((f"{root}:", f"{root}/", f"{root}!/"))
