"""The Litestar application: routes over an engine that loads while the process already answers."""

from collections.abc import Callable, Mapping
from pathlib import Path

from litestar import Litestar
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme

from api.admitting import Admitting, Gate, Rates
from api.asker import asker
from api.collections import (
    create_collection,
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
from api.documents import document
from api.guarding import guarding
from api.job_routes import cancel_job, get_job, get_job_lines, list_jobs
from api.jobs.indexing import index_file, index_lines, rebuild
from api.jobs.job import Kind
from api.jobs.runner import Runner, Work
from api.jobs.shelf import Shelf
from api.keys import Keyring
from api.loading import Loading
from api.metering import Meter, Metering
from api.operations import config, health, metrics, ready
from api.page.routes import part, start
from api.problems import problems
from api.queries import answer, search
from api.stamping import stamp
from api.uploads import Uploads, put_documents, put_file
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
        BadSettings: the file of keys cannot be read.
    """
    server = settings.server
    shelf = Shelf(Path(server.jobs), server.jobs_kept_hours * 3_600)
    runner = Runner(shelf, WORK, server.max_jobs)
    uploads = Uploads(
        shelf, runner, server.collection, server.max_upload_bytes, server.max_body_bytes
    )
    rates = Rates(server.rate, server.burst)
    light = Gate("server.max_searches", server.max_searches)
    heavy = Gate("server.max_answers", server.max_answers)
    meter = Meter(lambda: runner.unfinished)
    loading = Loading(load, on_failure, runner)
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
            get_collection,
            create_collection,
            drop_collection,
            reindex,
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
            asker,
            start,
            part,
        ],
        lifespan=[loading.lifespan],
        guards=[guarding(Keyring(Path(server.keys)), server.host, rates.take)],
        dependencies={
            "engine": Provide(loading.engine, sync_to_thread=False),
            "default": Provide(lambda: server.collection, sync_to_thread=False),
            "current": Provide(lambda: settings, sync_to_thread=False),
            "meter": Provide(lambda: meter, sync_to_thread=False),
            "uploads": Provide(lambda: uploads, sync_to_thread=False),
        },
        middleware=[Metering(meter), Admitting(light, heavy)],
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
        request_max_body_size=server.max_body_bytes,
        logging_config=None,
    )
