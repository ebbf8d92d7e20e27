"""Reading: any file becomes documents, or a fault with the reason. Start at `formats.py`."""

from indexers.reading.run import read_paths
from indexers.reading.sent import read_file, read_rows
from indexers.reading.walk import beir_corpus

__all__ = ["beir_corpus", "read_file", "read_paths", "read_rows"]
