"""A causal language model on ONNX Runtime: an engine for `RowReader`, and sessions that write text.

The graph is one of `rag.llms.onnx.exporting`. torch is not imported here.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rag.graphs.running import cores, session
from rag.llms.batching import Row
from rag.llms.decoding import Logits
from rag.llms.reading import Batch, LogProbs, RowReader, padded

Values = npt.NDArray[np.float32]
Past = tuple[Values, ...]  # per layer keys, then values: (n, heads, t, size)

# Names of the graph's inputs and outputs.
IDS, MASK, POSITIONS, LAST, LOGITS = "input_ids", "attention_mask", "position_ids", "last", "logits"
PAST, PRESENT = "past.", "present."


class Graph:
    """One exported graph in ONNX Runtime.

    Raises:
        ModelUnavailable: ONNX Runtime cannot read it.
    """

    def __init__(self, file: Path) -> None:
        remedy = f"Delete {file.parent}, then firstcite models export NAME again"
        self._session = session(file, cores(), remedy)
        shapes = {one.name: one.shape for one in self._session.get_inputs()}
        self._pasts = [name for name in shapes if name.startswith(PAST)]
        self._presents = [PRESENT + name.removeprefix(PAST) for name in self._pasts]
        self.vocabulary = int(self._session.get_outputs()[0].shape[-1])
        self.nothing: Past = tuple(
            np.zeros((1, shapes[name][1], 0, shapes[name][3]), np.float32) for name in self._pasts
        )

    def logits(self, batch: Batch, past: Past, keep: int) -> Logits:
        """Return the logits after the last `keep` tokens of each row, shape (n, keep, v)."""
        (found,) = self._session.run([LOGITS], self._inputs(batch, past, keep))
        logits: Logits = found
        return logits

    def extend(
        self, rows: Sequence[Sequence[int]], past: Past, keep: int, gaps: Sequence[int] = ()
    ) -> tuple[Logits, Past]:
        """Return the logits of rows of one length, (n, keep, v), and the pasts with them added.

        `gaps` say how much of each row's past is padding.
        """
        batch = padded(rows, [()] * len(rows), past[0].shape[2], gaps)
        logits, *longer = self._session.run(
            [LOGITS, *self._presents], self._inputs(batch, past, keep)
        )
        return logits, tuple(longer)

    def _inputs(self, batch: Batch, past: Past, keep: int) -> dict[str, npt.NDArray[np.generic]]:
        return {
            IDS: batch.ids,
            MASK: batch.mask,
            POSITIONS: batch.positions,
            LAST: np.arange(batch.ids.shape[1] - keep, batch.ids.shape[1]),
            **dict(zip(self._pasts, past, strict=True)),
        }


class OnnxSession:
    """What one text under way has in the model's memory. Use `OnnxModel.session`."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self.past = graph.nothing

    def feed(self, ids: Sequence[int], keep: int) -> Logits:
        """Read more tokens; return the logits after each of the last `keep`, shape (keep, v)."""
        logits, self.past = self._graph.extend([ids], self.past, keep)
        found: Logits = logits[0]
        return found

    def rewind(self, count: int) -> None:
        """Forget the last `count` tokens."""
        if count:
            self.past = tuple(values[:, :, :-count] for values in self.past)

    def split(self, count: int) -> "OnnxTexts":
        """Return so many texts that begin with what was read; the session itself is used up."""
        past = tuple(np.repeat(values, count, axis=0) for values in self.past)
        return OnnxTexts(self._graph, past)

    def join(self, others: Sequence["OnnxSession"]) -> "OnnxTexts":
        """Return what was read here and in the others as texts side by side; all are used up."""
        pasts = [self.past, *(one.past for one in others)]
        longest = max(past[0].shape[2] for past in pasts)
        gaps = [longest - past[0].shape[2] for past in pasts]
        rows = [
            [np.pad(values, ((0, 0), (0, 0), (gap, 0), (0, 0))) for values in past]
            for past, gap in zip(pasts, gaps, strict=True)
        ]
        return OnnxTexts(self._graph, tuple(map(np.concatenate, zip(*rows, strict=True))), gaps)


class OnnxTexts:
    """Texts that go on side by side. Use `OnnxSession.split` or `join`.

    Args:
        graph: the model.
        past: what was read, padded on the left.
        gaps: how much of each row of it is padding; none by default.
    """

    def __init__(self, graph: Graph, past: Past, gaps: Sequence[int] = ()) -> None:
        self._graph = graph
        self._past = past
        self._gaps = gaps

    def feed(self, ids: Sequence[int]) -> Logits:
        """Read the next token of each text; return the logits after each, shape (n, v)."""
        logits, self._past = self._graph.extend([[id_] for id_ in ids], self._past, 1, self._gaps)
        found: Logits = logits[:, -1]
        return found

    def keep(self, places: Sequence[int]) -> None:
        """Forget all texts but those at these places."""
        self._past = tuple(values[list(places)] for values in self._past)
        self._gaps = [self._gaps[place] for place in places] if self._gaps else ()


class OnnxModel:
    """Reads rows with an exported model. For one thread at a time.

    Args:
        graph: the model.
        reuse: whether beginnings that rows share are computed once.
    """

    def __init__(self, graph: Graph, *, reuse: bool = True) -> None:
        self._graph = graph
        self._reader: RowReader[Past] = RowReader(self, reuse=reuse)

    @property
    def vocabulary(self) -> int:
        """How many logits the model gives after a token."""
        return self._graph.vocabulary

    def read(self, rows: Sequence[Row]) -> list[LogProbs]:
        """Return, per row, log-probabilities of the wanted ids, shape (positions, ids)."""
        return self._reader.read(rows)

    def session(self) -> OnnxSession:
        """Return a session that has read nothing yet."""
        return OnnxSession(self._graph)

    def begin(self, ids: Sequence[int], past: Past | None) -> Past:
        """Return the keys and values of a past and the ids after it."""
        return self._graph.extend([ids], past or self._graph.nothing, 1)[1]

    def forward(self, batch: Batch, past: Past | None) -> list[LogProbs]:
        """Return, per row, log-probabilities of the wanted ids, shape (positions, ids)."""
        logits = self._graph.logits(batch, past or self._graph.nothing, batch.keep)
        return [_pick(row, ids) for row, ids in zip(logits, batch.wanted, strict=True)]


def _pick(logits: Logits, wanted: Sequence[Sequence[int]]) -> LogProbs:
    """Return the log-probabilities of the wanted ids at the last positions of one row."""
    last = logits[-len(wanted) :]  # (positions, v)
    most = last.max(axis=-1, keepdims=True)
    total = most + np.log(np.exp(last - most).sum(axis=-1, keepdims=True))
    found = np.take_along_axis(last, np.array(wanted), axis=-1) if any(wanted) else last
    logprobs: LogProbs = (found - total).astype(np.float32)
    return logprobs
