"""Workers over an engine without a model: `python -m tests.api.worked FOLDER`."""

import os
import sys
from pathlib import Path

from msgspec.structs import replace

from api.serving import serve_by_workers
from rag.errors import ModelUnavailable
from rag.sections import ServerSettings
from rag.settings import Settings
from rag.wiring import Engine
from tests.api.served import engine_of, settings_over


def load(settings: Settings) -> Engine:
    """Return the engine of a process: each has a store of its own, for there is no server here."""
    folder = Path(settings.server.jobs).parent
    if (folder / "broken").exists():
        raise ModelUnavailable("the model is broken: mend it")
    (folder / f"pid-{os.getpid()}").touch()
    return engine_of(replace(settings, store=settings_over(folder / str(os.getpid())).store))


def main(folder: Path) -> None:
    """Serve by two processes, on a port that is written to standard error."""
    server = ServerSettings(port=0, workers=2, jobs=str(folder / "jobs"), rate=0.1, burst=30)
    serve_by_workers(Settings(server=replace(server, keys=str(folder / "keys.json"))), load)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
