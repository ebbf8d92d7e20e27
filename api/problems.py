"""Errors as problem+json: one table from the error tree to HTTP statuses."""

import logging
from collections.abc import Mapping

from litestar.exceptions import HTTPException
from litestar.plugins.problem_details import (
    ProblemDetailsConfig,
    ProblemDetailsException,
    ProblemDetailsPlugin,
)

from rag.errors import BadInput, Conflict, NotFound, RagError, Unavailable

STATUS: Mapping[type[RagError], int] = {
    BadInput: 400,
    NotFound: 404,
    Conflict: 409,
    Unavailable: 503,
    RagError: 500,
}
"""HTTP status by the error's nearest ancestor in this table."""

RETRY_LATER = 503

_log = logging.getLogger("firstcite.api")


def problem(error: RagError) -> ProblemDetailsException:
    """Return the problem document of an error; its type names the class, its detail the remedy."""
    status = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    return ProblemDetailsException(
        status_code=status,
        type_=f"urn:firstcite:error:{type(error).__name__}",
        title=(type(error).__doc__ or type(error).__name__).splitlines()[0].rstrip("."),
        detail=str(error),
        headers={"Retry-After": "2"} if status == RETRY_LATER else None,
    )


def http_problem(error: HTTPException) -> ProblemDetailsException:
    """Return the problem document of what Litestar itself refuses (bad JSON, no such route)."""
    return ProblemDetailsException(
        status_code=error.status_code,
        type_="about:blank",
        title=error.__class__.__name__,
        detail=error.detail,
        extra=error.extra,
        headers=error.headers,
    )


def unexpected(error: Exception) -> ProblemDetailsException:
    """Log a defect with its trace and answer 500 without telling the client what it was."""
    _log.error("unexpected error", exc_info=error)
    return ProblemDetailsException(
        status_code=500, type_="about:blank", title="Internal error", detail="see the server's log"
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
