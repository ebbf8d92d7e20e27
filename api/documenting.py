"""What the OpenAPI document says of every route alike: said here, and not at each of them."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any, TypeAlias

from litestar import Request
from litestar.openapi.plugins import JsonRenderPlugin

from api.problems import WHEN
from api.streaming import EVENTS

Part: TypeAlias = dict[str, Any]

GUARDED = (400, 401, 403, 429, 500, 503)
"""What every route but the open ones may answer: its key, its time and the load are looked at."""

STREAMED = frozenset({"answer", "chat"})
"""Operations whose reply may be told as events."""

_TEXT = {"schema": {"type": "string"}}
_EVENT = {
    "schema": {
        "description": "An event, as EventSource reads it; its data is JSON.",
        "type": "object",
        "properties": {"event": {"type": "string"}, "data": {"type": "string"}},
        "required": ["data"],
    }
}
_LATER = {"description": "Seconds after which to try again.", "schema": {"type": "integer"}}
_KEY = {"description": "How to say who asks.", **_TEXT}
_ID = {"description": "The request's own id, or one made for it.", **_TEXT}
HEADERS: dict[int, Part] = {
    401: {"WWW-Authenticate": _KEY},
    429: {"Retry-After": _LATER},
    503: {"Retry-After": _LATER},
}


class Documented(JsonRenderPlugin):
    """Serves the document as JSON."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: Part) -> bytes:
        """Return the document."""
        return super().render(request, complete(openapi_schema))


def complete(document: Part) -> Part:
    """Return a document with what holds for every route."""
    told = deepcopy(document)
    for operation in _operations(told):
        responses: Part = operation["responses"]
        if operation.get("security") != [{}]:
            like = responses["401"]["content"]
            for always in GUARDED:
                responses.setdefault(str(always), {"content": like, "description": WHEN[always]})
        if operation["operationId"] in STREAMED:
            responses["200"]["content"][EVENTS] = _EVENT
        for status, response in responses.items():
            named = response.get("headers") or {}
            response["headers"] = {**named, "X-Request-Id": _ID, **HEADERS.get(int(status), {})}
        operation["responses"] = dict(sorted(responses.items()))
    return told


def _operations(document: Part) -> Iterator[Part]:
    for methods in document["paths"].values():
        yield from (methods[name] for name in methods if name in _METHODS)


_METHODS = frozenset({"get", "put", "post", "delete"})
