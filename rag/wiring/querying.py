"""What the settings say about queries: the names that may be used, and what each means."""

from collections.abc import Collection

from rag.expand.methods import EXPANSIONS
from rag.fuse import FUSIONS
from rag.iterate.methods import ITERATIONS
from rag.plan import Defaults
from rag.settings import Settings


def defaults(settings: Settings, routers: Collection[str]) -> Defaults:
    """Return what a query gets when it does not say, and the names that it may use."""
    search = settings.search
    return Defaults(
        search.fusion,
        search.depth,
        tuple(FUSIONS),
        search.preset,
        expansions=tuple(EXPANSIONS),
        routers=tuple(routers),
        iterations=tuple(ITERATIONS),
    )
