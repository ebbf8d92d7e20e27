"""`firstcite mcp` with an engine that needs no model: python -m tests.api.mcp_process OPTIONS."""

import asyncio
import sys
import time
from pathlib import Path

import msgspec
from msgspec.structs import replace

from api.mcp.over_stdio import serve
from indexers.splitting.pieces import whole
from rag.errors import ModelUnavailable
from rag.sections import ClientSettings, Secret
from rag.wiring import Engine
from tests.api.served import engine_of, settings_over
from tests.api.slow import Slow


class Options(msgspec.Struct):
    """What is tried."""

    store: str
    url: str = ""
    key: str = ""
    seconds: float = 0.0
    fails: bool = False
    slow: bool = False


def main(options: Options) -> None:
    settings = settings_over(Path(options.store))
    settings = replace(settings, client=ClientSettings(options.url, Secret(options.key)))

    def load() -> Engine:
        print("what libraries print is no message of the protocol")  # noqa: T201
        time.sleep(options.seconds)
        if options.fails:
            raise ModelUnavailable("no model here: firstcite models fetch it")
        if options.slow:
            return Engine(settings, Slow(sys.stderr), whole)
        return engine_of(settings)

    asyncio.run(serve(settings, load, lambda _: None))


if __name__ == "__main__":
    main(msgspec.json.decode(sys.argv[1], type=Options))
