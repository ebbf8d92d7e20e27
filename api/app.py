"""The Litestar application: routes over an engine that loads while the process already answers."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from litestar import Litestar, Request, Response, get, post
from litestar.di import NamedDependency, Provide
from litestar.openapi import OpenAPIConfig, ResponseSpec
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.params import JSONBody
from msgspec import UnsetType

from api.body import require_json
from api.callers import Caller
from api.documents import document
from api.guarding import OPEN, guarding, needs
from api.keys import Keyring
from api.problems import documented, problems
from api.replies import (
    AnswerResponse,
    Health,
    Ready,
    SearchResponse,
    answer_response,
    search_response,
)
from api.requests import AnswerRequest, SearchRequest
from api.stamping import request_id, stamp
from api.streaming import EVENTS, streamed
from rag.errors import (
    BadCollection,
    CollectionNotFound,
    Conflict,
    RagError,
    StillLoading,
    Unavailable,
)
from rag.pipeline import QueryPath
from rag.settings import Settings
from rag.wiring import Engine


class Loading:
    """An engine on its way: loaded once, on a thread, while the application already answers."""

    def __init__(self, load: Callable[[], Engine], on_failure: Callable[[Exception], None]) -> None:
        self._load = load
        self._on_failure = on_failure
        self._task: asyncio.Task[Engine] | None = None

    @asynccontextmanager
    async def lifespan(self, _: Litestar) -> AsyncIterator[None]:
        """Start loading; at the end close what was loaded."""
        self._task = asyncio.create_task(asyncio.to_thread(self._load))
        self._task.add_done_callback(self._loaded)
        yield
        await asyncio.wait([self._task])
        if self._task.exception() is None:  # otherwise it was reported when it happened
            await self._task.result().close()

    def engine(self) -> Engine:
        """Return the engine.

        Raises:
            StillLoading: ask again in a few seconds.
            RagError: what loading raised; Unavailable where that was a defect.
        """
        if self._task is None or not self._task.done():
            raise StillLoading("the models are still loading: try again in a few seconds")
        error = self._task.exception()
        if error is None or isinstance(error, RagError):
            return self._task.result()
        raise Unavailable("the models could not be loaded: see the server's log") from error

    def _loaded(self, task: asyncio.Task[Engine]) -> None:
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception):
            self._on_failure(error)


def create_app(
    settings: Settings,
    load: Callable[[], Engine],
    on_failure: Callable[[Exception], None] = lambda _: None,
) -> Litestar:
    """Return the application.

    Args:
        settings: those of the server are read.
        load: builds the engine; called once, on a thread of its own.
        on_failure: told when that fails; the process should then end.

    Raises:
        BadSettings: the file of keys cannot be read.
    """
    loading = Loading(load, on_failure)
    return Litestar(
        route_handlers=[search, answer, document, health, ready],
        lifespan=[loading.lifespan],
        guards=[guarding(Keyring(Path(settings.server.keys)), settings.server.host)],
        dependencies={
            "engine": Provide(loading.engine, sync_to_thread=False),
            "default": Provide(lambda: settings.server.collection, sync_to_thread=False),
        },
        plugins=[problems()],
        before_send=[stamp],
        openapi_config=OpenAPIConfig(
            title="FirstCite",
            version="1",
            description="Search documents and answer questions with verified citations.",
            use_handler_docstrings=True,
            render_plugins=[JsonRenderPlugin()],
            components=Components(
                security_schemes={"key": SecurityScheme(type="http", scheme="bearer")}
            ),
            security=[{"key": []}],
        ),
        request_max_body_size=settings.server.max_body_bytes,
        logging_config=None,
    )


ANSWERED = ResponseSpec(
    AnswerResponse, generate_examples=False, description="The answer; streamed, its events."
)
_REFUSALS = documented(400, 401, 403, 404, 409, 413, 415, 500, 503)


@post(
    "/v1/search",
    operation_id="search",
    status_code=200,
    tags=["query"],
    before_request=require_json,
    responses=_REFUSALS,
    opt=needs("read"),
)
async def search(
    data: JSONBody[SearchRequest],
    request: Request[Caller, Any, Any],
    engine: NamedDependency[Engine],
    default: NamedDependency[str],
) -> SearchResponse:
    """Find the k best chunks for a query."""
    query = data.parse(request.user)
    path = await _path(engine, data.collection, default)
    return search_response(await path.search(query))


@post(
    "/v1/answer",
    operation_id="answer",
    status_code=200,
    tags=["query"],
    before_request=require_json,
    responses={**_REFUSALS, 200: ANSWERED},
    opt=needs("read"),
)
async def answer(
    data: JSONBody[AnswerRequest],
    request: Request[Caller, Any, Any],
    engine: NamedDependency[Engine],
    default: NamedDependency[str],
) -> Response[Any]:
    """Answer a question with sentences that are quoted and cited, or say why not.

    With `stream`, or for who accepts `text/event-stream`, the answer comes while it is made, as the
    events meta, search_results, (delta | citation)…, verification…, final, done.
    """
    query = data.parse(request.user)
    path = await _path(engine, data.collection, default)
    if data.stream or EVENTS in request.headers.get("accept", ""):
        return await streamed(path.stream(query, request_id(request.scope)))
    return Response(answer_response(await path.answer(query)))


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
async def ready(engine: NamedDependency[Engine], default: NamedDependency[str]) -> Ready:
    """Say that the models are loaded and the store answers; 503 until then."""
    try:
        chunks = await (await engine.collection(default)).parts.store.count()
    except CollectionNotFound:
        chunks = 0  # nothing was indexed yet: the server can do its work all the same
    except (BadCollection, Conflict) as error:  # whoever asks for readiness is not at fault
        raise Unavailable(str(error)) from error
    spec = engine.encoder.spec
    return Ready("ready", default, chunks, spec.name, spec.precision)


async def _path(engine: Engine, name: str | UnsetType, default: str) -> QueryPath:
    return await engine.collection(default if isinstance(name, UnsetType) else name)
