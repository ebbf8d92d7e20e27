"""A causal language model on torch: an engine for `RowReader`, and sessions that write text."""

import copy
from collections.abc import Sequence

import torch
from transformers import DynamicCache, PreTrainedModel
from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

from rag.errors import BadPrompt
from rag.lanes import Crew
from rag.llms.batching import Row
from rag.llms.decoding import Logits
from rag.llms.reading import Batch, LogProbs, RowReader

_JOINED = (DynamicLayer, DynamicSlidingWindowLayer)  # layers that can stand side by side, padded


class TorchSession:
    """What one text under way has in the model's memory. Use `TorchModel.session`.

    The prompt is read by one model and the text is written by the other: a pass over many tokens is
    bound by arithmetic, where bf16 is three times as fast, and one over a few by memory, where fp32
    costs little and rounds alike however many tokens a pass has.
    """

    def __init__(self, model: PreTrainedModel, writer: PreTrainedModel) -> None:
        self._model = model
        self._writer = writer
        self.past = DynamicCache(config=model.config)
        self.past.activate_past_recording()  # or layers with a window could not be rewound

    def feed(self, ids: Sequence[int], keep: int) -> Logits:
        """Read more tokens; return the logits after each of the last `keep`, shape (keep, v)."""
        with torch.inference_mode():
            output = self._model(
                input_ids=torch.tensor([list(ids)], device=self._model.device),
                past_key_values=self.past,
                use_cache=True,
                logits_to_keep=keep,
            )
            self._model = self._writer
            found: Logits = output.logits[0, -keep:].float().cpu().numpy()
        return found

    def rewind(self, count: int) -> None:
        """Forget the last `count` tokens."""
        self.past.crop(-count)

    def split(self, count: int) -> "TorchTexts":
        """Return so many texts that begin with what was read; the session itself is used up."""
        with torch.inference_mode():
            self.past.batch_repeat_interleave(count)
        return TorchTexts(self._writer, self.past)

    def join(self, others: Sequence["TorchSession"]) -> "TorchTexts":
        """Return what was read here and in the others as texts side by side; all are used up.

        Raises:
            BadPrompt: the model remembers other things than keys and values.
        """
        with torch.inference_mode():
            past, mask = _joined([self.past, *(one.past for one in others)])
            return TorchTexts(self._writer, past, mask)


class TorchTexts:
    """Texts that go on side by side. Use `TorchSession.split` or `join`.

    Args:
        model: what writes them.
        past: what was read, padded on the left.
        mask: 0 where it is padding, shape (n, before); None where nothing is.
    """

    def __init__(
        self, model: PreTrainedModel, past: DynamicCache, mask: torch.Tensor | None = None
    ) -> None:
        self._model = model
        self._past = past
        self._mask = None if mask is None else mask.to(model.device)

    def feed(self, ids: Sequence[int]) -> Logits:
        """Read the next token of each text; return the logits after each, shape (n, v)."""
        with torch.inference_mode():
            output = self._model(
                input_ids=torch.tensor(ids, device=self._model.device)[:, None],
                past_key_values=self._past,
                use_cache=True,
                **self._places(),
            )
            found: Logits = output.logits[:, -1].float().cpu().numpy()
        return found

    def _places(self) -> dict[str, torch.Tensor]:
        """Return what is padding, and where the next tokens stand; nothing where none is."""
        if self._mask is None:
            return {}
        self._mask = torch.nn.functional.pad(self._mask, (0, 1), value=1)
        positions = self._mask.sum(dim=1, keepdim=True) - 1
        return {"attention_mask": self._mask, "position_ids": positions}

    def keep(self, places: Sequence[int]) -> None:
        """Forget all texts but those at these places."""
        with torch.inference_mode():
            chosen = torch.tensor(places, device=self._model.device)
            self._past.batch_select_indices(chosen)
            self._mask = None if self._mask is None else self._mask[chosen]


class TorchModel:
    """Reads rows with a transformers model. For one thread at a time.

    Args:
        model: any causal language model of transformers.
        writer: writes texts; by default the same.
        reuse: whether beginnings that rows share are computed once.
        crew: threads that compute a batch each.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        writer: PreTrainedModel | None = None,
        *,
        reuse: bool = True,
        crew: Crew | None = None,
    ) -> None:
        self.model = model.eval()
        self.writer = self.model if writer is None else writer.eval()
        self._reader: RowReader[DynamicCache] = RowReader(self, reuse=reuse, crew=crew)

    @property
    def vocabulary(self) -> int:
        """How many logits the model gives after a token."""
        return int(self.model.config.get_text_config().vocab_size)

    def read(self, rows: Sequence[Row]) -> list[LogProbs]:
        """Return, per row, log-probabilities of the wanted ids, shape (positions, ids)."""
        return self._reader.read(rows)

    def session(self) -> TorchSession:
        """Return a session that has read nothing yet."""
        return TorchSession(self.model, self.writer)

    def begin(self, ids: Sequence[int], past: DynamicCache | None) -> DynamicCache:
        """Return the keys and values of a past and the ids after it, in memory of their own."""
        longer = copy.deepcopy(past) if past else DynamicCache(config=self.model.config)
        with torch.inference_mode():
            self.model(
                input_ids=torch.tensor([list(ids)], device=self.model.device),
                past_key_values=longer,
                use_cache=True,
                logits_to_keep=1,
            )
        return longer

    def forward(self, batch: Batch, past: DynamicCache | None) -> list[LogProbs]:
        """Return, per row, log-probabilities of the wanted ids, shape (positions, ids)."""
        device = self.model.device
        with torch.inference_mode():
            mine = copy.deepcopy(past) if past else None
            if mine is not None:
                mine.batch_repeat_interleave(len(batch.ids))
            output = self.model(
                input_ids=torch.tensor(batch.ids, device=device),
                attention_mask=torch.tensor(batch.mask, device=device),
                position_ids=torch.tensor(batch.positions, device=device),
                past_key_values=mine,
                use_cache=mine is not None,
                logits_to_keep=batch.keep,
            )
            return [
                _pick(logits, ids) for logits, ids in zip(output.logits, batch.wanted, strict=True)
            ]


def _joined(pasts: Sequence[DynamicCache]) -> tuple[DynamicCache, torch.Tensor | None]:
    """Return pasts as the rows of one, padded on the left, and the mask of what is not padding.

    The longest takes the others in: it knows how much a sliding layer has let go.

    Raises:
        BadPrompt: the model remembers other things than keys and values.
    """
    lengths = [past.get_seq_length() for past in pasts]
    longest = max(lengths)
    whole = pasts[lengths.index(longest)]
    for layer, *rows in zip(whole.layers, *(past.layers for past in pasts), strict=True):
        if type(layer) not in _JOINED:
            raise BadPrompt(
                f"prompts of a model with {type(layer).__name__} cannot be mixed: take another "
                "local model, or another answer.generator"
            )
        for part in ("keys", "values"):
            found = [one for row in rows if (one := getattr(row, part)) is not None]
            if found:  # a layer that shares another one's keeps none
                setattr(layer, part, _stacked(found))
    if min(lengths) == longest:
        return whole, None
    gaps = torch.tensor(lengths)[:, None].neg() + longest
    return whole, (torch.arange(longest) >= gaps).long()


def _stacked(rows: Sequence[torch.Tensor]) -> torch.Tensor:
    """Return rows (1, heads, t, size) of any lengths as one tensor, zeros on the left."""
    longest = max(row.shape[2] for row in rows)
    pad = torch.nn.functional.pad
    return torch.cat([pad(row, (0, 0, longest - row.shape[2], 0)) for row in rows])


def _pick(logits: torch.Tensor, wanted: Sequence[Sequence[int]]) -> LogProbs:
    """Return the log-probabilities of the wanted ids at the last positions; () wants all ids."""
    last = logits[-len(wanted) :].float()
    total = last.logsumexp(dim=-1, keepdim=True)
    if any(wanted):
        last = last.gather(-1, torch.tensor(wanted, device=last.device))
    found: LogProbs = (last - total).cpu().numpy()
    return found
