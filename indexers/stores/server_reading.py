"""What a collection on a Qdrant server holds, in pages of about as many bytes."""

from collections.abc import AsyncIterator, Sequence

from qdrant_client import models

from indexers.stores.payload import Payload
from indexers.stores.server_batches import MOST_BYTES, of_names, weight
from indexers.stores.server_calls import Call, Connection
from indexers.stores.server_config import to_consistency

_PAGE = 1_000
_FIRST_PAGE = 64  # nobody knows yet how long the texts are


async def scroll(
    server: Connection, name: str, chosen: models.Filter | None, *, vectors: bool
) -> AsyncIterator[Sequence[models.Record]]:
    """Yield the rows that are chosen, in the order of their ids.

    Raises:
        StoreUnavailable: the server refuses or does not answer.
    """
    consistency = to_consistency(server.settings)

    def page(
        offset: models.ExtendedPointId | None, limit: int
    ) -> Call[tuple[list[models.Record], models.ExtendedPointId | None]]:
        return lambda client: client.scroll(
            name,
            chosen,
            limit=limit,
            offset=offset,
            with_vectors=vectors,
            consistency=consistency,
        )

    offset, limit = None, _FIRST_PAGE
    while True:
        rows, following = await server.ask(page(offset, limit), long=True)
        if rows:
            yield rows
        if following is None:
            return
        offset = str(following)
        limit = next_page(limit, sum(weight(row.payload or {}) for row in rows))


async def payloads(server: Connection, name: str, ids: Sequence[str]) -> list[Payload]:
    """Return the payloads of the points that exist, in no order.

    Raises:
        StoreUnavailable: the server refuses or does not answer.
    """
    consistency = to_consistency(server.settings)

    def retrieval(some: list[str]) -> Call[list[models.Record]]:
        return lambda client: client.retrieve(name, [*some], consistency=consistency)

    replies = [await server.ask(retrieval(some)) for some in of_names(ids)]
    return [row.payload or {} for rows in replies for row in rows]


def next_page(limit: int, size: int) -> int:
    """Return how many rows to ask for after a page of so many rows and bytes.

    >>> next_page(64, 1_000), next_page(256, 16 * 1024 * 1024), next_page(1, 64 * 1024 * 1024)
    (256, 64, 1)
    """
    return max(1, min(_PAGE, limit * 4, limit * MOST_BYTES // max(1, size)))
