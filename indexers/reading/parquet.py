"""Parquet: a document per row, a batch of them in memory at a time."""

from collections.abc import Iterator
from contextlib import closing

import msgspec
from pyarrow.parquet import ParquetFile

from indexers.reading.inputs import Input, Read, Unreadable
from indexers.reading.rows import from_cells, has_rows

_BATCH = 256  # rows, chosen


def read_parquet(input_: Input) -> Iterator[Read]:
    """Yield a document per row."""
    with closing(input_.opener()) as stream, ParquetFile(stream) as file:
        if not file.metadata.num_rows:
            raise Unreadable("the file is empty")
        if not has_rows(file.schema_arrow.names):
            raise Unreadable("none of its columns is called _id, id or text")
        number = 0
        for batch in file.iter_batches(_BATCH, use_threads=False):
            for row in batch.to_pylist():
                number += 1
                yield from_cells(input_, number, msgspec.to_builtins(row, str_keys=True))
