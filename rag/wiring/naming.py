"""The names of collections: where they are kept, and further ones for what has one already."""

from collections.abc import Mapping

from indexers.stores.catalogue import Catalogue, checked_name
from indexers.stores.catalogue_edge import EdgeCatalogue
from rag.errors import CollectionNotFound, Conflict
from rag.sections import StoreSettings


def catalogue(settings: StoreSettings) -> Catalogue:
    """Return the catalogue of the store that the settings name.

    Raises:
        BadSettings: the url is none.
    """
    if settings.url:
        from indexers.stores.catalogue_server import ServerCatalogue  # pydantic and grpc: .7 s

        return ServerCatalogue(settings)
    return EdgeCatalogue(settings)


def missing(name: str) -> CollectionNotFound:
    """Return the error for a name that stands for nothing."""
    return CollectionNotFound(f"no collection '{name}': firstcite index PATH --collection {name}")


async def alias(catalogue: Catalogue, name: str, target: str) -> str:
    """Let a name stand for the collection that another one stands for; return that.

    Building it anew moves both.

    Raises:
        BadCollection: no possible name.
        CollectionNotFound: nothing is called as the target.
        Conflict: the name is the only one of another collection.
        StoreLocked, StoreUnavailable: the name could not be switched.
    """
    names = await catalogue.names()
    if target not in names:
        raise missing(target)
    physical = names[target]
    if names.get(checked_name(name), physical) != physical:
        _refuse_last(name, names)
    await catalogue.point(name, physical)
    return physical


async def unalias(catalogue: Catalogue, name: str) -> None:
    """Let a name stand for nothing; the collection keeps its other names.

    Raises:
        CollectionNotFound: nothing is called so.
        Conflict: it is the only name of a collection.
        StoreLocked, StoreUnavailable: the name could not be changed.
    """
    names = await catalogue.names()
    if name not in names:
        raise missing(name)
    _refuse_last(name, names)
    await catalogue.forget(name)


def _refuse_last(name: str, names: Mapping[str, str]) -> None:
    physical = names[name]
    others = [other for other in names if names[other] == physical and other != name]
    if not others or physical == name:
        raise Conflict(
            f"'{name}' is the only name of its collection: delete that (firstcite collections "
            f"drop {name}), or let another name stand for it first"
        )
