"""The HTTP face."""

from typing import Annotated

import msgspec

from rag.sections.basics import Positive, Secret, Section, says


class ServerSettings(Section, frozen=True):
    """The HTTP face."""

    host: Annotated[str, says("address to listen on; loopback only by default")] = "127.0.0.1"
    port: Annotated[Annotated[int, msgspec.Meta(ge=0, le=65535)], says("0 takes a free one")] = 8000
    collection: Annotated[str, says("collection that requests use when they name none")] = "default"
    keys: Annotated[
        str, says("file of API keys (firstcite keys); where it exists every request needs one")
    ] = ".firstcite/keys.json"
    jobs: Annotated[str, says("folder of uploads and other jobs, with what became of them")] = (
        ".firstcite/jobs"
    )
    jobs_kept_hours: Annotated[
        Annotated[float, msgspec.Meta(gt=0)], says("for how long a job is kept after its end")
    ] = 168.0
    max_jobs: Annotated[Positive, says("jobs that may be unfinished; further ones are refused")] = (
        16
    )
    max_upload_bytes: Annotated[Positive, says("largest upload of documents, or of a file")] = (
        1024 * 1024 * 1024
    )
    max_searches: Annotated[
        Positive, says("requests that only search, under way at a time; further ones get 429")
    ] = 64
    max_answers: Annotated[
        Positive, says("requests that may ask a language model, under way at a time")
    ] = 16
    rate: Annotated[
        Annotated[float, msgspec.Meta(ge=0)], says("requests a minute of each key; 0 is no limit")
    ] = 0.0
    burst: Annotated[Positive, says("requests of a key that may come at once")] = 20
    max_body_bytes: Annotated[Positive, says("largest body of any other request")] = 1024 * 1024
    workers: Annotated[
        Positive, says("processes that answer, each with its own models; needs store.url")
    ] = 1
    redis: Annotated[
        Secret,
        says("address of a Redis that several servers share: rates, replies of models, jobs"),
    ] = Secret("")
    otlp: Annotated[
        str,
        says(
            "address of an OTLP collector (http/protobuf) for traces, e.g. http://127.0.0.1:4318; "
            "empty sends nothing"
        ),
    ] = ""
    max_connections: Annotated[
        Positive, says("connections; for a further one the one that was idle longest is closed")
    ] = 2_048
    patience_s: Annotated[
        Annotated[float, msgspec.Meta(gt=0)],
        says("seconds for which a client may be silent; one for every 500 bytes comes back"),
    ] = 30.0
    log_texts: Annotated[
        bool, says("traces in the log quote what failed, which may be a document, question or key")
    ] = False
