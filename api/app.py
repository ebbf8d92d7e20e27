"""The Litestar application: routes over an engine that loads while the process already answers."""

from collections.abc import Callable, Mapping
from pathlib import Path

from litestar import Litestar
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme

from api.admitting import Admitting, Gate
from api.aliases import drop_alias, put_alias
from api.asker import asker
from api.collections import (
    count,
    create_collection,
    describe,
    drop_collection,
    get_collection,
    list_collections,
    reindex,
)
from api.compatible.chat import chat
from api.compatible.embedding import embed
from api.compatible.listing import list_models
from api.compatible.reranking import rerank_either, rerank_v1, rerank_v2
from api.deletions import delete_document, delete_documents
from api.documenting import Documented
from api.documents import document
from api.given import Given, Uploads
from api.guarding import guarding, knowing
from api.job_routes import cancel_job, get_job, get_job_lines, list_jobs
from api.jobs.indexing import index_file, index_lines, rebuild
from api.jobs.job import Kind
from api.jobs.runner import Runner, Work
from api.keys import Keyring
from api.loading import Loading
from api.mcp.over_http import OverHTTP
from api.metering import Meter, Metering
from api.operations import config, health, metrics, ready
from api.page.routes import part, start
from api.problems import problems
from api.queries import answer, search
from api.shared import shared
from api.stamping import stamp
from api.tracing import Tracing
from api.uploads import put_documents, put_file
from rag.settings import Settings
from rag.wiring import Engine

WORK: Mapping[Kind, Work] = {"documents": index_lines, "file": index_file, "reindex": rebuild}
"""What does the jobs."""


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
        BadSettings: the file of keys cannot be read, or server.otlp is no address.
    """
    server = settings.server
    shelf, take = shared(server)
    meter = Meter()
    runner = Runner(shelf, WORK, server.max_jobs, meter.jobs)
    uploads = Uploads(
        shelf, runner, server.collection, server.max_upload_bytes, server.max_body_bytes
    )
    light = Gate("server.max_searches", server.max_searches)
    heavy = Gate("server.max_answers", server.max_answers)
    loading = Loading(load, on_failure, runner)
    given = Given(loading.engine, settings, meter, uploads)
    tracing = [Tracing(server.otlp)] if server.otlp else []
    keyring = Keyring(Path(server.keys))
    tools = OverHTTP(knowing(keyring, server.host), server.max_body_bytes)
    return Litestar(
        route_handlers=[
            search,
            answer,
            put_documents,
            put_file,
            document,
            delete_document,
            delete_documents,
            list_jobs,
            get_job,
            get_job_lines,
            cancel_job,
            list_collections,
            describe,
            count,
            get_collection,
            create_collection,
            drop_collection,
            reindex,
            put_alias,
            drop_alias,
            chat,
            rerank_v1,
            rerank_v2,
            rerank_either,
            embed,
            list_models,
            health,
            ready,
            metrics,
            config,
            tools.route(),
            asker,
            start,
            part,
        ],
        lifespan=[*(one.lifespan for one in tracing), loading.lifespan, tools.lifespan],
        guards=[guarding(keyring, server.host, take)],
        dependencies={"given": Provide(lambda: given, sync_to_thread=False)},
        middleware=[*tracing, Metering(meter), Admitting(light, heavy)],
        plugins=[problems()],
        before_send=[stamp, meter.unrouted],
        openapi_config=OpenAPIConfig(
            title="FirstCite",
            version="1",
            description="Search documents and answer questions with verified citations.",
            use_handler_docstrings=True,
            render_plugins=[Documented()],
            components=Components(
                security_schemes={"key": SecurityScheme(type="http", scheme="bearer")}
            ),
            security=[{"key": []}],
        ),
        request_max_body_size=server.max_body_bytes,
        logging_config=None,
    )
