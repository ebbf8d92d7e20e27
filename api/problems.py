"""Errors as problem+json: one table from the error tree to HTTP statuses."""

import logging
from collections.abc import Mapping
from http import HTTPStatus

from litestar.exceptions import HTTPException
from litestar.openapi import ResponseSpec
from litestar.plugins.problem_details import (
    ProblemDetailsConfig,
    ProblemDetailsException,
    ProblemDetailsPlugin,
)

from api.replies import Problem
from rag.errors import (
    BadInput,
    Conflict,
    NotFound,
    Overloaded,
    RagError,
    Refused,
    Unauthenticated,
    Unavailable,
)

STATUS: Mapping[type[RagError], int] = {
    BadInput: 400,
    Unauthenticated: 401,
    Refused: 403,
    NotFound: 404,
    Conflict: 409,
    Overloaded: 429,
    Unavailable: 503,
    RagError: 500,
}
"""HTTP status by the error's nearest ancestor in this table."""

HEADERS: Mapping[int, Mapping[str, str]] = {
    401: {"WWW-Authenticate": "Bearer"},
    503: {"Retry-After": "2"},
}
MEDIA_TYPE = "application/problem+json"

WHEN: Mapping[int, str] = {
    400: "The request cannot be used; `detail` names the remedy, `extra` the fields at fault.",
    401: "The API key is missing, or is none of this server's.",
    403: "The API key does not reach so far.",
    404: "There is no such collection, document or job.",
    409: "The collection does not fit the settings, another process has it open, or another "
    "request had this idempotency key.",
    413: "The body is larger than `server.max_body_bytes`, or `server.max_upload_bytes`.",
    415: "The body is not declared as JSON.",
    429: "There is more to do than the server takes on; see `Retry-After`.",
    500: "A defect; the server's log has the trace.",
    503: "Models are loading or missing, or the store does not answer; see `Retry-After`.",
}
"""What OpenAPI says about a status."""

_log = logging.getLogger("firstcite.api")


def status_of(error: Exception) -> int:
    """Return the status that an error is answered with."""
    if isinstance(error, HTTPException):
        return error.status_code
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


def problem(error: RagError) -> ProblemDetailsException:
    """Return the problem document of an error; its type names the class, its detail the remedy."""
    status = status_of(error)
    headers = dict(HEADERS.get(status, {}))
    if isinstance(error, Overloaded):
        headers["Retry-After"] = str(error.seconds)
    return ProblemDetailsException(
        status_code=status,
        type_=f"urn:firstcite:error:{type(error).__name__}",
        title=(type(error).__doc__ or type(error).__name__).splitlines()[0].rstrip("."),
        detail=str(error),
        headers=headers or None,
    )


def problem_body(told: ProblemDetailsException) -> Problem:
    """Return a problem as it stands in a reply whose status is another."""
    return Problem(told.status_code, told.type_ or "", told.title or "", told.detail or "")


def http_problem(error: HTTPException) -> ProblemDetailsException:
    """Return the problem document of what Litestar itself refuses (bad JSON, no such route)."""
    return ProblemDetailsException(
        status_code=error.status_code,
        type_="about:blank",
        title=HTTPStatus(error.status_code).phrase,
        detail=error.detail,
        extra=error.extra,
        headers=error.headers,
    )


def unexpected(error: Exception) -> ProblemDetailsException:
    """Log a defect with its trace and answer 500 without telling the client what it was."""
    _log.error("unexpected error", exc_info=error)
    return ProblemDetailsException(
        status_code=500,
        type_="about:blank",
        title=HTTPStatus(500).phrase,
        detail="see the server's log",
    )


def problems() -> ProblemDetailsPlugin:
    """Return the plug-in that turns every error into problem+json."""
    return ProblemDetailsPlugin(
        ProblemDetailsConfig(
            exception_to_problem_detail_map={
                RagError: problem,
                HTTPException: http_problem,
                Exception: unexpected,
            },
        )
    )


def documented(*statuses: int) -> dict[int, ResponseSpec]:
    """Return what OpenAPI says about the errors of a route."""
    return {
        status: ResponseSpec(
            Problem, generate_examples=False, description=WHEN[status], media_type=MEDIA_TYPE
        )
        for status in statuses
    }
