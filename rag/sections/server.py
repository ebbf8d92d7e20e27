"""The HTTP face."""

from typing import Annotated

import msgspec

from rag.sections.basics import Positive, Section, says


class ServerSettings(Section, frozen=True):
    """The HTTP face."""

    host: Annotated[str, says("address to listen on; loopback only by default")] = "127.0.0.1"
    port: Annotated[Annotated[int, msgspec.Meta(ge=0, le=65535)], says("0 takes a free one")] = 8000
    collection: Annotated[str, says("collection that requests use when they name none")] = "default"
    keys: Annotated[
        str, says("file of API keys (firstcite keys); where it exists every request needs one")
    ] = ".firstcite/keys.json"
    max_body_bytes: Annotated[Positive, says("largest request body")] = 1024 * 1024
