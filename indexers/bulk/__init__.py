"""The bulk run: documents in, a store that holds exactly them, interruptible at any time."""

from indexers.bulk.reporting import FileReport, IndexReport, Progress
from indexers.bulk.run import Options, index

__all__ = ["FileReport", "IndexReport", "Options", "Progress", "index"]
