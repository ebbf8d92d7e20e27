"""The request body: JSON that can be read, or a refusal, before anything else looks at it."""

from typing import Any

from litestar import Request
from litestar.exceptions import ClientException, SerializationException

UNSUPPORTED_MEDIA_TYPE = 415


async def require_json(request: Request[Any, Any, Any]) -> None:
    """Read the body, so that what cannot be read is the client's error and not a defect.

    A body must say that it is JSON: a web page can send any other kind to a loopback address
    without being asked.

    Raises:
        ClientException: 415, the body is not declared as JSON; 400, it is empty, no JSON, no UTF-8,
            or nested deeper than can be read.
        RequestEntityTooLarge: it is larger than `server.max_body_bytes`.
    """
    declared, _ = request.content_type
    if declared != "application/json" and not declared.endswith("+json"):
        raise ClientException(
            status_code=UNSUPPORTED_MEDIA_TYPE,
            detail=f"the body is '{declared}': send JSON with content-type: application/json",
        )
    if not await request.body():
        raise ClientException("the body is empty: send a JSON object")
    try:
        await request.json()
    except (SerializationException, UnicodeDecodeError, RecursionError) as error:
        raise ClientException(f"the body cannot be read as JSON: {error}") from error
