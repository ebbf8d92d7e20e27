"""What the settings say about queries: the names that may be used, and what each means."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal, get_args

from rag.errors import BadSettings
from rag.expand.methods import EXPANSIONS
from rag.fuse import FUSIONS
from rag.iterate.methods import ITERATIONS
from rag.plan import Defaults
from rag.presets import PRESETS
from rag.route.methods import Method, routers
from rag.seams import Encoder
from rag.sections import Generators, SearchSettings
from rag.settings import Settings
from rag.values import Handling
from rag.widen import Widening


def routers_of(settings: Settings, encoder: Encoder | None = None) -> Mapping[str, Method]:
    """Return the routers that the settings give, by name.

    Args:
        settings: say which file a router is in.
        encoder: of questions; without one it is not seen whether the file's was the same.

    Raises:
        BadSettings: as `routers`.
    """
    search = settings.search
    return routers(search.router, search.fusion, encoder.spec.fingerprint if encoder else None)


def defaults(settings: Settings, known: Mapping[str, Method]) -> Defaults:
    """Return what a query gets when it does not say, and the names that it may use.

    Args:
        settings: what is in effect.
        known: the routers by name.

    Raises:
        BadSettings: questions are to be routed by a router that is not there.
    """
    search = settings.search
    return Defaults(
        search.fusion,
        search.depth,
        tuple(FUSIONS),
        search.preset,
        _presets(_router(settings, known)),
        expansions=tuple(EXPANSIONS),
        routers=tuple(known),
        iterations=tuple(ITERATIONS),
        generators=get_args(Generators),
        superseded=search.superseded,
    )


def widening(search: SearchSettings, splitter: str) -> Widening | None:
    """Return how the results of a collection are widened.

    Args:
        search: what is set.
        splitter: the name of the one that the collection was split with.
    """
    method = _WIDENS.get(splitter, "none") if search.widen == "auto" else search.widen
    return None if method == "none" else Widening(method, search.window)


_WIDENS: Mapping[str, Literal["none", "window", "merge"]] = {
    "sentences": "window",
    "hierarchical": "merge",
}


def _router(settings: Settings, known: Mapping[str, Method]) -> str:
    """Return the name of who routes: as set, the file's, or the rules."""
    search = settings.search
    if search.route and search.route not in known:
        raise BadSettings(
            f"search.route is {search.route}, but search.router is no file of one: make it by "
            "firstcite route train, and set search.router to it"
        )
    return search.route or (list(known)[-1] if search.router else "rules")


def _presets(router: str) -> Mapping[str, Handling]:
    """Return the presets, those that route by this router."""
    return {
        name: replace(handling, route=router) if handling.route else handling
        for name, handling in PRESETS.items()
    }
