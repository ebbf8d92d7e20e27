"""How the server is: alive, ready, busy, and set."""

from typing import Any

import msgspec
from litestar import Request, Response, get
from litestar.di import NamedDependency
from prometheus_client import CONTENT_TYPE_LATEST

from api.callers import Caller
from api.given import Given
from api.guarding import OPEN, needs
from api.problems import documented
from api.replies import Health, Ready
from rag.errors import BadCollection, CollectionNotFound, Conflict, Unavailable
from rag.sections import MASK, Secret


@get("/health", operation_id="health", tags=["operations"], opt={OPEN: True}, security=[{}])
async def health() -> Health:
    """Say that the process is alive, whether or not it is ready."""
    return Health()


@get(
    "/ready",
    operation_id="ready",
    tags=["operations"],
    responses=documented(503),
    opt={OPEN: True},
    security=[{}],
)
async def ready(
    given: NamedDependency[Given],
) -> Ready:
    """Say that the models are loaded and the store answers; 503 until then."""
    engine = given.engine
    try:
        await (await engine.collection(given.default)).parts.store.count()
    except CollectionNotFound:
        pass  # nothing was indexed yet: the server can do its work all the same
    except (BadCollection, Conflict) as error:  # whoever asks for readiness is not at fault
        raise Unavailable(str(error)) from error
    spec = engine.encoder.spec
    return Ready("ready", given.default, spec.name, spec.precision)


@get(
    "/metrics",
    operation_id="metrics",
    tags=["operations"],
    media_type=CONTENT_TYPE_LATEST,
    responses=documented(401, 403, 500),
    opt=needs("admin"),
)
async def metrics(
    request: Request[Caller, Any, Any], given: NamedDependency[Given]
) -> Response[bytes]:
    """Return the figures of this process, as Prometheus reads them: of all tenants together."""
    request.user.over_all_tenants()
    return Response(given.meter.exposed(), media_type=CONTENT_TYPE_LATEST)


@get(
    "/v1/config",
    operation_id="config",
    tags=["operations"],
    responses=documented(401, 403, 500),
    opt=needs("admin"),
)
async def config(
    request: Request[Caller, Any, Any], given: NamedDependency[Given]
) -> dict[str, dict[str, Any]]:
    """Return the settings that are in effect, secrets masked."""
    request.user.over_all_tenants()
    told: dict[str, dict[str, Any]] = msgspec.to_builtins(given.settings, enc_hook=_masked)
    return told


def _masked(secret: Secret) -> str:
    return MASK if secret else ""
