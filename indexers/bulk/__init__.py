"""The bulk run: documents in, a store that holds exactly them, interruptible at any time."""

from indexers.bulk.reporting import Fate, FileReport, IndexReport, OnDocument, Progress
from indexers.bulk.run import Options, index

__all__ = ["Fate", "FileReport", "IndexReport", "OnDocument", "Options", "Progress", "index"]
