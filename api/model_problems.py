"""Errors in the shape of the OpenAI protocol: {"error": {"message", "type", "param", "code"}}."""

import logging
from typing import Any

from litestar import MediaType, Request, Response
from litestar.exceptions import HTTPException

from api.model_schemas import Problem, Refusal
from api.problems import STATUS
from rag.errors import RagError
from rag.values import Json

SERVER_ERROR = 500

_log = logging.getLogger("firstcite.api")


class Refused(HTTPException):
    """What this server does not do, with the parameter at fault and the protocol's code for it."""

    def __init__(self, status: int, message: str, param: str = "", code: str = "") -> None:
        super().__init__(detail=message, status_code=status)
        self.param = param
        self.code = code


class ClientGone(HTTPException):
    """The client went away before it was answered; nobody reads this."""

    status_code = 499


def rag_problem(_: Request[Any, Any, Any], error: RagError) -> Response[Refusal]:
    """Return what was foreseen as an answer; the message names the remedy."""
    return _answer(next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), str(error))


def http_problem(_: Request[Any, Any, Any], error: HTTPException) -> Response[Refusal]:
    """Return what is refused before or by a handler, with the fields at fault in the message."""
    if isinstance(error, Refused):
        return _answer(error.status_code, error.detail, error.param, error.code)
    if error.status_code >= SERVER_ERROR:
        return unexpected(_, error)
    return _answer(error.status_code, error.detail + _fields(error.extra))


def unexpected(_: Request[Any, Any, Any], error: Exception) -> Response[Refusal]:
    """Log a defect with its trace and answer 500 without telling the client what it was."""
    _log.error("unexpected error", exc_info=error)
    return _answer(SERVER_ERROR, "an error of the server: see its log")


def _answer(status: int, message: str, param: str = "", code: str = "") -> Response[Refusal]:
    kind = "server_error" if status >= SERVER_ERROR else "invalid_request_error"
    problem = Problem(message, kind, param or None, code or None)
    return Response(Refusal(problem), status_code=status, media_type=MediaType.JSON)


def _fields(extra: object) -> str:
    """Return what is wrong with each field: ": max_tokens: Expected `int` >= 1"."""
    rows: list[dict[str, Json]] = extra if isinstance(extra, list) else []
    return "".join(f": {row.get('key', '')}: {row.get('message', '')}" for row in rows)
