"""The page and its parts: the same bytes for everybody, and nothing of anybody's documents."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from litestar import Request, Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from api.guarding import OPEN

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
"""What browsers let the page do: run and show what this server has, and send nothing elsewhere.

With trusted types a text can never become markup, whatever a script does with it.
"""

MEDIA_TYPES: Mapping[str, str] = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
START = "index.html"


@dataclass(frozen=True, slots=True)
class Part:
    """A file of the page."""

    body: bytes
    media_type: str
    etag: str


@cache
def parts() -> Mapping[str, Part]:
    """Return the files of the page by their names; read once."""
    return {
        file.name: _part(file)
        for file in sorted(Path(__file__).parent.iterdir())
        if file.suffix in MEDIA_TYPES
    }


@get("/", opt={OPEN: True}, include_in_schema=False)
async def start(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Return the page."""
    return _reply(parts()[START], request)


@get("/page/{name:str}", opt={OPEN: True}, include_in_schema=False)
async def part(name: FromPath[str], request: Request[Any, Any, Any]) -> Response[bytes]:
    """Return a file of the page."""
    found = parts().get(name)
    if found is None or name == START:
        raise NotFoundException(detail=f"the page has no part '{name[:100]}'")
    return _reply(found, request)


def _part(file: Path) -> Part:
    body = file.read_bytes()
    return Part(body, MEDIA_TYPES[file.suffix], f'"{hashlib.sha256(body).hexdigest()[:32]}"')


def _reply(of: Part, request: Request[Any, Any, Any]) -> Response[bytes]:
    """Return a file, or 304 where the browser has it: it asks each time, so that none is stale."""
    headers = {
        "etag": of.etag,
        "cache-control": "no-cache",
        "content-security-policy": POLICY,
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
    }
    known = (tag.strip() for tag in request.headers.get("if-none-match", "").split(","))
    if of.etag in {tag.removeprefix("W/") for tag in known}:
        return Response(b"", status_code=304, headers=headers, media_type=of.media_type)
    return Response(of.body, headers=headers, media_type=of.media_type)
