"""Commands that ask a server instead of working here."""

from typing import Annotated

from rag.sections.basics import Secret, Section, says


class ClientSettings(Section, frozen=True):
    """Commands that ask a server instead of working here."""

    url: Annotated[
        str, says("address of a server that the commands ask (--server); empty works here")
    ] = ""
    key: Annotated[Secret, says("API key for it, and for firstcite mcp")] = Secret("")
