"""A causal language model on torch: log-probabilities of wanted tokens, in few forward passes.

One pass reads many rows: left-padded, with a mask and positions that count from each row's first
token. What rows share at the start goes through the model once and lies in its key-value cache.
"""

import copy
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from transformers import DynamicCache, PreTrainedModel

from rag.llms.batching import Row, batches, group
from rag.llms.decoding import Logits

LogProbs = npt.NDArray[np.float32]

BATCH_TOKENS = 4_096  # measured on 2 cores: 2,048 to 8,192 are equal
OUTPUT_BYTES = 2**27  # logits of one pass in fp32
PREFIXES = 8  # beginnings whose keys and values are kept


class TorchSession:
    """What one text under way has in the model's memory. Use `TorchModel.session`.

    The prompt is read by one model and the text is written by the other: a pass over many tokens is
    bound by arithmetic, where bf16 is three times as fast, and one over a few by memory, where fp32
    costs little and rounds alike however many tokens a pass has.
    """

    def __init__(self, model: PreTrainedModel, writer: PreTrainedModel) -> None:
        self._model = model
        self._writer = writer
        self._past = DynamicCache(config=model.config)

    def feed(self, ids: Sequence[int], keep: int) -> Logits:
        """Read more tokens; return the logits after each of the last `keep`, shape (keep, v)."""
        with torch.inference_mode():
            output = self._model(
                input_ids=torch.tensor([list(ids)], device=self._model.device),
                past_key_values=self._past,
                use_cache=True,
                logits_to_keep=keep,
            )
            self._model = self._writer
            found: Logits = output.logits[0, -keep:].float().cpu().numpy()
        return found

    def rewind(self, count: int) -> None:
        """Forget the last `count` tokens."""
        self._past.crop(-count)


class TorchModel:
    """Reads rows with a transformers model. For one thread at a time.

    Args:
        model: any causal language model of transformers.
        writer: writes texts; by default the same.
        reuse: whether beginnings that rows share are computed once.
    """

    def __init__(
        self, model: PreTrainedModel, writer: PreTrainedModel | None = None, *, reuse: bool = True
    ) -> None:
        self.model = model.eval()
        self._writer = self.model if writer is None else writer.eval()
        self._reuse = reuse
        self._prefixes: OrderedDict[tuple[int, ...], DynamicCache] = OrderedDict()

    def read(self, rows: Sequence[Row]) -> list[LogProbs]:
        """Return, per row, log-probabilities of the wanted ids, shape (positions, ids)."""
        found: dict[int, LogProbs] = {}
        outputs = max(1, OUTPUT_BYTES // (4 * self.model.config.get_text_config().vocab_size))
        with torch.inference_mode():
            for members, prefix in self._groups(rows):
                past = self._past(prefix) if prefix else None
                rest = [rows[i].ids[len(prefix) :] for i in members]
                wanted = [len(rows[i].wanted) for i in members]
                for batch in batches(
                    [len(ids) for ids in rest], len(prefix), wanted, BATCH_TOKENS, outputs
                ):
                    logits = self._forward(
                        [rest[j] for j in batch], past, max(wanted[j] for j in batch)
                    )
                    for j, row in zip(batch, logits, strict=True):
                        found[members[j]] = _pick(row, rows[members[j]].wanted)
        return [found[i] for i in range(len(rows))]

    def session(self) -> TorchSession:
        """Return a session that has read nothing yet."""
        return TorchSession(self.model, self._writer)

    def _groups(self, rows: Sequence[Row]) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
        """Return the members and the shared beginning of each group; a kept one where it fits."""
        if not self._reuse:
            return [(tuple(range(len(rows))), ())]
        found: list[tuple[tuple[int, ...], tuple[int, ...]]] = []
        known: dict[tuple[int, ...], list[int]] = {}
        for one in group(rows):
            if one.prefix:
                found.append((one.members, rows[one.members[0]].ids[: one.prefix]))
                continue
            for i in one.members:
                known.setdefault(self._kept(rows[i].ids[: -len(rows[i].wanted)]), []).append(i)
        return found + [(tuple(members), prefix) for prefix, members in known.items()]

    def _kept(self, ids: tuple[int, ...]) -> tuple[int, ...]:
        """Return the longest kept beginning of a row, or ()."""
        fitting = [key for key in self._prefixes if key == ids[: len(key)]]
        return max(fitting, key=len, default=())

    def _past(self, prefix: tuple[int, ...]) -> DynamicCache:
        """Return the keys and values of a beginning, computed where they are not kept."""
        past = self._prefixes.pop(prefix, None)
        if past is None:
            start = self._kept(prefix)
            kept = self._prefixes.get(start)
            past = copy.deepcopy(kept) if kept else DynamicCache(config=self.model.config)
            rest = torch.tensor([prefix[len(start) :]], device=self.model.device)
            self.model(input_ids=rest, past_key_values=past, use_cache=True, logits_to_keep=1)
        self._prefixes[prefix] = past
        while len(self._prefixes) > PREFIXES:
            self._prefixes.popitem(last=False)
        return past

    def _forward(
        self, rest: Sequence[tuple[int, ...]], past: DynamicCache | None, keep: int
    ) -> torch.Tensor:
        """Return the logits at the last `keep` positions of each row, shape (rows, keep, ids)."""
        before = past.get_seq_length() if past else 0
        longest = max(map(len, rest))
        ids = torch.zeros((len(rest), longest), dtype=torch.long)
        mask = torch.ones((len(rest), before + longest), dtype=torch.long)
        for i, row in enumerate(rest):
            ids[i, longest - len(row) :] = torch.tensor(row)
            mask[i, before : before + longest - len(row)] = 0
        positions = (mask.cumsum(dim=-1) - 1).clamp(min=0)[:, before:]
        mine = copy.deepcopy(past) if past else None
        if mine is not None:
            mine.batch_repeat_interleave(len(rest))
        device = self.model.device
        output = self.model(
            input_ids=ids.to(device),
            attention_mask=mask.to(device),
            position_ids=positions.to(device),
            past_key_values=mine,
            use_cache=mine is not None,
            logits_to_keep=keep,
        )
        logits: torch.Tensor = output.logits[:, -keep:]
        return logits


def _pick(logits: torch.Tensor, wanted: Sequence[Sequence[int]]) -> LogProbs:
    """Return the log-probabilities of the wanted ids at the last positions; () wants all ids."""
    last = logits[-len(wanted) :].float()
    found = last if not wanted[0] else last.gather(-1, torch.tensor(wanted, device=last.device))
    return (found - last.logsumexp(dim=-1, keepdim=True)).cpu().numpy()
