"""A run in columns: millions of lines read from a TREC file without a Python object for each.

The rules are those of `eval.data.runs.read_run`. What the fast reader is not sure to read the same
way, it leaves to that one, which also finds the line that is at fault.
"""

import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import csv

from eval.data.runs import Ranked, ScoredDocument, after_head, read_run
from indexers.reading.lines import BROKEN
from rag.values import Frozen

_TEXTS = ("query", "iteration", "document")
_COLUMNS = {**dict.fromkeys(_TEXTS, pa.string()), "rank": pa.int64(), "score": pa.float64()}
"""The first columns of a line, with their types. What follows is a tag, or more."""
_BLOCK_BYTES = 8 * 1024 * 1024  # chosen: what is handed to a thread; no line may be longer
# What `str.split` takes for white space, beyond what ends lines and what parts columns.
_WHITE = [char for char in map(chr, range(0x3001)) if char.isspace() and char not in " \t\r\n"]
_ASCII_WHITE = [char.encode() for char in _WHITE if char.isascii()]
_WIDE_WHITE = [char.encode() for char in _WHITE if not char.isascii()] + [b"\xef\xbb\xbf"]

Integers = NDArray[np.int64]
Scores = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class RunTable(Frozen):
    """Rankings, best first, one after the other.

    `places` numbers the queries in the run's order; the documents of query i stand at
    `offsets[i]:offsets[i + 1]`. `documents` is a `pyarrow.DictionaryArray` of ids.
    """

    places: Mapping[str, int]
    offsets: Integers  # (q + 1,)
    documents: Any  # (n,)
    scores: Scores  # (n,)

    @classmethod
    def of(cls, ranked: Ranked) -> "RunTable":
        """Return rankings, none with a document twice, as a table.

        >>> RunTable.of({"q": [ScoredDocument("b", 2.0), ScoredDocument("a", 1.0)]}).top("q", 1)
        ('b',)
        """
        rows = list(chain.from_iterable(ranked.values()))
        return cls(
            {query_id: i for i, query_id in enumerate(ranked)},
            starts([len(documents) for documents in ranked.values()]),
            pa.array([row.document_id for row in rows], pa.string()).dictionary_encode(),
            np.array([row.score for row in rows], np.float64),
        )

    def __len__(self) -> int:
        """How many lines there are."""
        return len(self.scores)

    def top(self, query_id: str, k: int | None = None) -> tuple[str, ...]:
        """Return the first k documents of a query, all where k is None; none if not answered."""
        return tuple(self.ids(self._lines(query_id, k)))

    def ranking(self, query_id: str, k: int | None = None) -> tuple[ScoredDocument, ...]:
        """Return the first k documents of a query with their scores."""
        lines = self._lines(query_id, k)
        return tuple(map(ScoredDocument, self.ids(lines), self.scores[lines].tolist()))

    def ids(self, lines: Integers) -> list[str]:
        """Return the documents of lines by number, many at once: `to_pylist` takes 30 times it."""
        codes = self.documents.indices.take(pa.array(lines, pa.int64()))
        ids: list[str] = (
            self.documents.dictionary.take(codes).to_numpy(zero_copy_only=False).tolist()
        )
        return ids

    def _lines(self, query_id: str, k: int | None) -> Integers:
        place = self.places.get(query_id)
        if place is None:
            return np.arange(0)
        start, stop = int(self.offsets[place]), int(self.offsets[place + 1])
        return np.arange(start, stop if k is None else min(stop, start + k))


def starts(lengths: Sequence[int] | Integers) -> Integers:
    """Return where each of the rows of these lengths starts, and where the last one ends.

    >>> starts([2, 0, 3]).tolist()
    [0, 2, 2, 5]
    """
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def read_run_table(file: Path) -> RunTable:
    """Return the rankings of a TREC run file, plain or gzipped, queries in the file's order.

    Raises:
        BadCollection: as `read_run`.
    """
    columns = _columns(_content(file))
    table = None if columns is None else _ordered(columns)
    return RunTable.of(read_run(file)) if table is None else table


def _content(file: Path) -> bytes:
    """Return the bytes of a file, unpacked; none where `read_run` will say what is wrong."""
    try:
        return gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    except (OSError, *BROKEN):
        return b""


def _columns(data: bytes) -> "pa.Table | None":
    """Return the columns of every line; None where lines are irregular."""
    data = after_head(data)
    first = data[: data.find(b"\n") + 1 or len(data)]
    parting = b"\t" if b"\t" in first else b" "
    fields = len(first.rstrip(b"\r\n").split(parting))
    if fields < len(_COLUMNS) or not _regular(data, parting):
        return None
    names = [*_COLUMNS, *map(str, range(len(_COLUMNS), fields))]
    try:
        return csv.read_csv(
            pa.BufferReader(data),
            csv.ReadOptions(column_names=names, block_size=_BLOCK_BYTES),
            csv.ParseOptions(delimiter=parting.decode(), quote_char=False, escape_char=False),
            csv.ConvertOptions(
                column_types=_COLUMNS,
                include_columns=list(_COLUMNS),
                null_values=[],
                strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid:
        return None


def _regular(data: bytes, parting: bytes) -> bool:
    """Return whether nothing but `parting` is white space in lines, and no hexadecimal in them."""
    refused = [b" " if parting == b"\t" else b"\t", *_ASCII_WHITE]
    refused += [parting + sign for sign in (b"0x", b"0X", b"-0x", b"-0X")]  # pyarrow reads them
    if not data.isascii():
        refused += _WIDE_WHITE
    return not any(sign in data for sign in refused) and (
        b"\r" not in data or data.count(b"\r") == data.count(b"\r\n")
    )


def _ordered(columns: "pa.Table") -> RunTable | None:
    """Return the columns as rankings.

    None where two partings stood together, a score is none, or a document stands twice.
    """
    scores: Scores = columns["score"].to_numpy()
    parts = [columns[name].combine_chunks().dictionary_encode() for name in _TEXTS]
    if not np.isfinite(scores).all() or any(_blank(part) for part in parts):
        return None
    queries, _, documents = map(_spaced, parts)
    places = {query_id: i for i, query_id in enumerate(queries.dictionary.to_pylist())}
    query: Integers = queries.indices.to_numpy().astype(np.int64)  # (n,)
    pairs = np.sort(query * len(documents.dictionary) + documents.indices.to_numpy())
    if not len(pairs) or not np.diff(pairs).all():
        return None
    rank: Integers = columns["rank"].to_numpy()
    if not _stand(query, scores, rank):
        order = np.lexsort((rank, -scores, query))  # stable: equal ones as in the file
        scores, documents = scores[order], documents.take(pa.array(order))
    offsets = starts(np.bincount(query, minlength=len(places)))
    return RunTable(places, offsets, documents, scores)


def _blank(coded: Any) -> bool:  # noqa: ANN401 - pyarrow has no types
    return bool(pc.any(pc.equal(pc.binary_length(coded.dictionary), 0)).as_py())


def _spaced(coded: Any) -> Any:  # noqa: ANN401 - pyarrow has no types
    """Return a column of ids with white space where %20 stands for it."""
    if not pc.any(pc.match_substring(coded.dictionary, "%20")).as_py():
        return coded
    return pc.replace_substring(coded.cast(pa.string()), "%20", " ").dictionary_encode()


def _stand(query: Integers, scores: Scores, rank: Integers) -> bool:
    """Return whether lines stand by query, falling score and rank already."""
    step, fall = np.diff(query), np.diff(scores)
    within = (fall < 0) | ((fall == 0) & (np.diff(rank) >= 0))
    return bool(((step > 0) | ((step == 0) & within)).all())
