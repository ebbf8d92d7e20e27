"""A language model that learns from lessons, in as little memory as there is.

Lessons go through the model some at a time; one that is larger than that twice
(`rag.training.passes`), with the same gradient. Where the questions of a lesson are the same for
more than half of their length, that goes through once for all of them.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import DynamicCache, PreTrainedModel, PreTrainedTokenizerBase

from rag.cores import native_bf16
from rag.errors import BadPrompt
from rag.llms.batching import shared
from rag.llms.reading import padded
from rag.llms.rendering import Renderer
from rag.training.lessons import Lesson, Question, Read
from rag.training.memory import shrinking
from rag.training.passes import sent_back
from rag.values import Frozen

TOKENS = 2_048  # chosen: at a time; 3 GB with SmolLM2-135M


@dataclass(frozen=True, slots=True)
class _Row(Frozen):
    """Tokens of a prompt, of the labels that may come next, and of the text that does."""

    prompt: tuple[int, ...]
    labels: tuple[int, ...]
    after: tuple[int, ...]

    @property
    def ids(self) -> tuple[int, ...]:
        """What the model reads."""
        return (*self.prompt, *self.after[:-1])

    @property
    def wanted(self) -> tuple[tuple[int, ...], ...]:
        """Of each last position, what is wanted: see `rag.llms.batching.Row`."""
        return tuple((id_,) for id_ in self.after) or ((),)


class Tuition:
    """A `Pupil` of lessons. Use `rag.llms.teaching`.

    Args:
        model: in training, its parameters in fp32 where they are trained.
        tokenizer: the model's.
        stop: the id that ends the model's turn.
        window: the longest that it reads.
        tokens: that go through it at a time, padding included.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        stop: int,
        window: int,
        tokens: int = TOKENS,
    ) -> None:
        self.model = model
        self._tokenizer = tokenizer
        self._renderer = Renderer(tokenizer)
        self._stop = stop
        self._window = window
        self._tokens = tokens

    @property
    def renderer(self) -> Renderer:
        """Over the model's tokenizer."""
        return self._renderer

    def trained(self) -> Iterator[tuple[str, torch.Tensor]]:
        """Yield what is trained by name."""
        yield from ((n, p) for n, p in self.model.named_parameters() if p.requires_grad)

    def learn(self, lessons: Sequence[Lesson]) -> float:
        """Add the gradient of the lessons' mean loss; return that loss."""
        self.model.train()
        rows = [[self._row(question) for question in one.questions] for one in lessons]

        def step(tokens: int) -> float:
            for _, parameter in self.trained():
                parameter.grad = None
            return sum(self._taught(part, rows, lessons, tokens) for part in _parts(rows, tokens))

        loss, self._tokens = shrinking(step, self._tokens)
        return loss

    def read(self, questions: Sequence[Question]) -> list[Read]:
        """Return what is read of questions, without gradient."""
        self.model.eval()
        rows = [self._row(question) for question in questions]

        def step(tokens: int) -> list[Read]:
            with torch.inference_mode():
                return [one for batch in _batches(rows, tokens) for one in self._read(batch)]

        found, self._tokens = shrinking(step, self._tokens)
        return found

    def save(self, folder: Path) -> None:
        """Write model and tokenizer."""
        self.model.save_pretrained(folder)
        self._tokenizer.save_pretrained(folder)

    def _taught(
        self,
        part: Sequence[int],
        rows: Sequence[Sequence[_Row]],
        lessons: Sequence[Lesson],
        tokens: int,
    ) -> float:
        """Send back the loss of some lessons, each a share of all; return it."""

        def loss(tensors: Sequence[torch.Tensor]) -> torch.Tensor:
            pairs = iter(zip(tensors[::2], tensors[1::2], strict=True))
            read = [[Read(*next(pairs)) for _ in rows[i]] for i in part]
            each = [lessons[i].loss(mine) for i, mine in zip(part, read, strict=True)]
            return torch.stack(each).sum() / len(lessons)

        def read(batch: Sequence[_Row]) -> list[torch.Tensor]:
            return [tensor for one in self._read(batch) for tensor in (one.labels, one.tokens)]

        return sent_back([*_batches([row for i in part for row in rows[i]], tokens)], read, loss)

    def _read(self, rows: Sequence[_Row]) -> list[Read]:
        """Return what is read of rows that go through the model together."""
        device, head = self.model.device, _head(rows)
        if self.model.is_activation_checkpointing:
            head = 0  # what is forgotten on the way cannot be kept for others
        batch = padded([row.ids[head:] for row in rows], [row.wanted for row in rows], head)
        with self._autocast():
            past = self._past(rows[0].ids[:head], len(rows)) if head else None
            output = self.model(
                input_ids=torch.tensor(batch.ids, device=device),
                attention_mask=torch.tensor(batch.mask, device=device),
                position_ids=torch.tensor(batch.positions, device=device),
                past_key_values=past,
                use_cache=past is not None,
                logits_to_keep=batch.keep,
            )
        return [_of(logits, row) for logits, row in zip(output.logits, rows, strict=True)]

    def _past(self, ids: Sequence[int], rows: int) -> DynamicCache:
        """Return keys and values of what so many rows begin with, with their gradient."""
        past = DynamicCache(config=self.model.config)
        self.model(
            input_ids=torch.tensor([list(ids)], device=self.model.device),
            past_key_values=past,
            use_cache=True,
            logits_to_keep=1,
        )
        past.batch_repeat_interleave(rows)
        return past

    def _autocast(self) -> AbstractContextManager[object]:
        kind = self.model.device.type
        if kind == "cpu" and not native_bf16():
            return nullcontext()
        return torch.autocast(kind, torch.bfloat16)

    def _row(self, question: Question) -> _Row:
        """Return a question in tokens.

        Raises:
            BadPrompt: it does not fit the context window, or has nothing to be read.
        """
        prompt = self._renderer.ids(question.prompt)
        labels = (
            self._renderer.label_ids(question.prompt, question.labels) if question.labels else ()
        )
        after = self._renderer.continuation(question.continuation) if question.continuation else []
        if question.ends:
            after = [*after, self._stop]
        if not (after or labels):
            raise BadPrompt("a lesson asks nothing: neither labels nor a text")
        if len(prompt) + len(after) > self._window:
            raise BadPrompt(
                f"a lesson has {len(prompt) + len(after):,} tokens, the model reads "
                f"{self._window:,}: shorten the texts with --passage-tokens"
            )
        return _Row(tuple(prompt), labels, tuple(after))


def _of(logits: torch.Tensor, row: _Row) -> Read:
    """Return a row's log-probabilities from its logits, (keep, v)."""
    last = logits[-len(row.wanted) :].float()
    totals = last.logsumexp(-1)
    labels = last[0, list(row.labels)] - totals[0]
    places = torch.arange(len(row.after), device=last.device)
    after = torch.tensor(row.after, dtype=torch.long, device=last.device)
    return Read(labels, last[places, after] - totals[: len(row.after)])


def _head(rows: Sequence[_Row]) -> int:
    """Return how many tokens rows share at the start, where that is more than half of each; or 0.

    >>> rows = [_Row((1, 2, 3, 4), (8,), ()), _Row((1, 2, 3, 5, 6), (8,), ())]
    >>> _head(rows), _head(rows[:1]), _head([*rows, _Row((1, 7), (8,), ())])
    (3, 0, 0)
    """
    if len(rows) < 2:
        return 0
    first = rows[0].ids
    head = min(min(shared(first, row.ids), len(row.ids) - len(row.wanted)) for row in rows)
    return head if 2 * head > max(len(row.ids) for row in rows) else 0


def _size(rows: Sequence[_Row]) -> int:
    """Return the tokens of rows that go through the model together, padding included."""
    head = _head(rows)
    return head + len(rows) * (max(len(row.ids) for row in rows) - head)


def _parts(rows: Sequence[Sequence[_Row]], tokens: int) -> Iterator[list[int]]:
    """Yield numbers of lessons that go through the model together.

    A large one goes alone, and one whose questions share their beginning.
    """
    part: list[int] = []
    for i in range(len(rows)):
        together = [row for j in (*part, i) for row in rows[j]]
        apart = any(_head(rows[j]) for j in (*part[-1:], i))
        if part and (apart or _size(together) > tokens):
            yield part
            part = []
        part.append(i)
    if part:
        yield part


def _batches(rows: Sequence[_Row], tokens: int) -> Iterator[list[_Row]]:
    """Yield rows that go through the model together, in order; at least one."""
    batch: list[_Row] = []
    for row in rows:
        if batch and _size([*batch, row]) > tokens:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch
