"""What the servers of an installation share: jobs, and how much a key has asked for."""

from pathlib import Path

from api.jobs.disk import DiskShelf
from api.jobs.shelf import Shelf
from api.rates import Limit, MachineRates, Rates, Take
from rag.sections import ServerSettings


def shared(server: ServerSettings) -> tuple[Shelf, Take | None]:
    """Return where jobs are kept, and what takes tokens of callers, None where nobody counts.

    By the Redis of the settings; without one on disk, where more than one process answers, or in
    memory.

    Raises:
        BadSettings: the address of the Redis is none.
    """
    folder, kept_s = Path(server.jobs), server.jobs_kept_hours * 3_600
    limit = Limit(server.rate, server.burst) if server.rate else None
    if server.redis:
        from api.jobs.redis_shelf import RedisShelf  # Redis: .2 s, which few need
        from api.shared_rates import SharedRates
        from rag.sharing import connect

        redis = connect(server.redis)
        counted = SharedRates(limit, redis).take if limit else None
        return RedisShelf(redis, folder, kept_s), counted
    shelf = DiskShelf(folder, kept_s)
    if limit is None:
        return shelf, None
    if server.workers > 1:
        return shelf, MachineRates(limit, folder / "rates").take
    return shelf, Rates(limit).take
