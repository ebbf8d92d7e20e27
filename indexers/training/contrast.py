"""An encoder that learns from pairings: a query near its passages, far from those of others."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import torch
from sentence_transformers import SentenceTransformer
from torch import Tensor
from torch.nn.functional import normalize

from indexers.encoders.packaged import packaged_model
from indexers.encoders.torch_reader import opened
from rag.cores import native_bf16
from rag.errors import BadInput
from rag.lanes import apart
from rag.training.memory import shrinking
from rag.training.objectives import (
    OBJECTIVES,
    Objective,
    infonce,
    plackett_luce,
    replug,
    soft_nearest,
)
from rag.training.passes import sent_back
from rag.values import Frozen

TOKENS = 32_768  # chosen: at a time; 3 GB with all-MiniLM-L6-v2
TEMPERATURE = 0.05


@dataclass(frozen=True, slots=True)
class Pairing(Frozen):
    """A query with the passages that stand in its update; those of other queries stand there, too.

    The first `positives` passages are relevant. `known` are the texts of all that are, which never
    stand against the query; `scores` a teacher's, of each passage, or (); `misleading` as in
    `rag.training.values.Group`.
    """

    query: str
    passages: tuple[str, ...]
    positives: int
    known: frozenset[str]
    scores: tuple[float, ...] = ()
    misleading: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class _Scores(Frozen):
    """Cosines of an update over the temperature.

    `all` is of every query and passage, (q, n), −∞ where a passage is of no account for a query,
    then of its misleading texts; `relevant` is of the same shape; `own` are the places of each
    query's own passages.
    """

    all: Tensor
    relevant: Tensor
    own: tuple[tuple[int, ...], ...]


Pull: TypeAlias = Callable[[_Scores, Sequence[Pairing]], Tensor]


class Contrast:
    """A `Pupil` of pairings, which stand against each other.

    Args:
        model: a sentence-transformers model, in fp32.
        objective: one of `PULLS`, or several joined by "+", whose losses are added.
        temperature: of the cosines.
        passage_tokens: the most that is read of a text; never more than the model reads.
        tokens: that go through the model at a time, padding included.
    """

    def __init__(
        self,
        model: SentenceTransformer,
        objective: str = "infonce",
        temperature: float = TEMPERATURE,
        passage_tokens: int = 256,
        tokens: int = TOKENS,
    ) -> None:
        self.model = model
        self._pulls = [_pull(name) for name in objective.split("+")]
        self._temperature = temperature
        self._longest = min(passage_tokens, int(model.max_seq_length or passage_tokens))
        self._tokens = tokens

    def trained(self) -> Iterator[tuple[str, Tensor]]:
        """Yield what is trained by name."""
        yield from ((n, p) for n, p in self.model.named_parameters() if p.requires_grad)

    def learn(self, lessons: Sequence[Pairing]) -> float:
        """Add the gradient of the pairings' loss, each against all; return that loss.

        Without dropout: torch's attention with it takes 21 s an update instead of 8 (32 queries,
        two passages each of 256 tokens, 2 cores), and a few epochs do not need it.
        """
        self.model.eval()
        queries = {one.query for one in lessons}
        queries |= {text for one in lessons for text in one.misleading}
        ids = self._ids(sorted(queries), "query")
        ids |= self._ids(sorted({text for one in lessons for text in one.passages}), "document")

        def step(tokens: int) -> float:
            for _, parameter in self.trained():
                parameter.grad = None
            parts = list(_batches(ids, tokens))
            keys = [key for part in parts for key in part]

            def loss(vectors: Sequence[Tensor]) -> Tensor:
                return self._loss(dict(zip(keys, vectors, strict=True)), lessons)

            return sent_back(
                parts, lambda part: self._vectors([ids[key] for key in part]).unbind(), loss
            )

        found, self._tokens = shrinking(step, self._tokens)
        return found

    def encoded(self, texts: Sequence[str], kind: str) -> Tensor:
        """Return unit vectors of texts, (n, h), without gradient."""
        self.model.eval()
        ids = self._ids(sorted(set(texts)), kind)
        with torch.inference_mode():
            found = {
                key[1]: row
                for part in _batches(ids, self._tokens)
                for key, row in zip(part, self._vectors([ids[k] for k in part]), strict=True)
            }
        return torch.stack([found[text] for text in texts])

    def save(self, folder: Path) -> None:
        """Write the model."""
        self.model.eval()
        self.model.save_pretrained(str(folder), create_model_card=False)

    def _loss(self, vectors: Mapping["_Key", Tensor], lessons: Sequence[Pairing]) -> Tensor:
        scores = self._scores(vectors, lessons)
        return torch.stack([pull(scores, lessons) for pull in self._pulls]).sum()

    def _scores(self, vectors: Mapping["_Key", Tensor], lessons: Sequence[Pairing]) -> _Scores:
        texts = list(dict.fromkeys(text for one in lessons for text in one.passages))
        place = {text: i for i, text in enumerate(texts)}
        queries = torch.stack([vectors["query", one.query] for one in lessons])
        passages = torch.stack([vectors["document", text] for text in texts])
        own = tuple(tuple(place[text] for text in one.passages) for one in lessons)
        relevant = torch.zeros(len(lessons), len(texts), dtype=torch.bool)
        ignored = torch.zeros_like(relevant)
        for row, one in enumerate(lessons):
            relevant[row, list(own[row][: one.positives])] = True
            ignored[row, [i for i, text in enumerate(texts) if text in one.known]] = True
        ignored &= ~relevant
        device = queries.device
        cosines = (queries @ passages.T).masked_fill(ignored.to(device), -torch.inf)
        beside = self._misled(vectors, lessons, passages, own)
        relevant = torch.cat([relevant, torch.zeros(beside.shape, dtype=torch.bool)], 1)
        every = torch.cat([cosines, beside], 1) / self._temperature
        return _Scores(every, relevant.to(device), own)

    @staticmethod
    def _misled(
        vectors: Mapping["_Key", Tensor],
        lessons: Sequence[Pairing],
        passages: Tensor,
        own: Sequence[Sequence[int]],
    ) -> Tensor:
        """Return the cosines of each query's first passage and its misleading texts, (q, m)."""
        most = max(len(one.misleading) for one in lessons)
        rows = []
        for one, places in zip(lessons, own, strict=True):
            wrong = [vectors["query", text] @ passages[places[0]] for text in one.misleading]
            rest = passages.new_full((most - len(wrong),), -torch.inf)
            rows.append(torch.cat([torch.stack(wrong), rest]) if wrong else rest)
        return torch.stack(rows)

    def _ids(self, texts: Sequence[str], kind: str) -> dict["_Key", list[int]]:
        if not texts:
            return {}
        prompt = self.model.prompts.get(kind) or ""
        encoded = self.model.tokenizer(
            [prompt + text for text in texts], truncation=True, max_length=self._longest
        )
        return {(kind, text): ids for text, ids in zip(texts, encoded["input_ids"], strict=True)}

    def _vectors(self, ids: Sequence[Sequence[int]]) -> Tensor:
        rows = {"input_ids": [*map(list, ids)]}
        padded = self.model.tokenizer.pad(rows, return_tensors="pt").to(self.model.device)
        with self._autocast():
            found: Tensor = self.model(dict(padded))["sentence_embedding"]
        return normalize(found.float(), dim=-1)

    def _autocast(self) -> AbstractContextManager[object]:
        kind = self.model.device.type
        if kind == "cpu" and not native_bf16():
            return nullcontext()
        return torch.autocast(kind, torch.bfloat16)


_Key: TypeAlias = tuple[str, str]


def teach(model: str, **options: object) -> Contrast:
    """Return an encoder ready to learn: a folder or hub name, by default the packaged one.

    Raises:
        ModelUnavailable: it cannot be found or read.
    """
    return apart(_taught, model, options)


def _taught(model: str, options: Mapping[str, object]) -> Contrast:
    found = opened(model or str(packaged_model()))
    if torch.cuda.is_available():
        found.to("cuda")
    return Contrast(found, **options)  # type: ignore[arg-type]


def _batches(ids: Mapping[_Key, Sequence[int]], tokens: int) -> Iterator[list[_Key]]:
    """Yield keys of texts that go through the model together, of like length; at least one."""
    part: list[_Key] = []
    for key in sorted(ids, key=lambda key: (len(ids[key]), key)):
        if part and (len(part) + 1) * len(ids[key]) > tokens:
            yield part
            part = []
        part.append(key)
    if part:
        yield part


def _each(made: Objective) -> Pull:
    """Return an objective over each query's own passages and their teacher's scores."""

    def pull(scores: _Scores, lessons: Sequence[Pairing]) -> Tensor:
        losses = []
        for row, (one, places) in enumerate(zip(lessons, scores.own, strict=True)):
            mine, aim = scores.all[row, list(places)], scores.all.new_tensor(_scores_of(one))
            losses.append(made(mine, aim))
        return torch.stack(losses).mean()

    return pull


def _aligned(scores: _Scores, lessons: Sequence[Pairing]) -> Tensor:
    """Return Syntriever's alignment: by a teacher's scores, the best of all, then the worst."""
    losses = []
    for row, (one, places) in enumerate(zip(lessons, scores.own, strict=True)):
        told = _scores_of(one)
        best, worst = (places[told.index(which(told))] for which in (max, min))
        losses.append(plackett_luce(scores.all[row], [best, worst] if best != worst else [best]))
    return torch.stack(losses).mean()


def _scores_of(one: Pairing) -> list[float]:
    """Return a teacher's scores of a pairing's passages; 1 and 0 where it was not asked."""
    return list(one.scores) or [float(i < one.positives) for i in range(len(one.passages))]


def _pull(name: str) -> Pull:
    if name not in PULLS:
        raise BadInput(f"'{name}' is no objective of encoders: {', '.join(PULLS)}")
    return PULLS[name]


PULLS: Mapping[str, Pull] = {
    "infonce": lambda scores, _: infonce(scores.all, scores.relevant),
    "soft-nearest": lambda scores, _: soft_nearest(scores.all, scores.relevant),
    "alignment": _aligned,
    # The temperature is already REPLUG's γ.
    "replug": _each(lambda scores, told: replug(scores, told, gamma=1.0)),
    **{name: _each(OBJECTIVES[name]) for name in ("margin-mse", "graded", "listnet", "ranknet")},
}
"""What draws queries to passages, by the name that the command uses."""
