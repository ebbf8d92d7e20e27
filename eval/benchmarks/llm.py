"""The language model's benchmarks: `choose` on every backend, and drafting while writing.

Both read texts of a collection: 100 pointwise prompts that share instruction and query, and 50
prompts that ask for sentences of a passage word for word.
"""

import asyncio
import copy
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from transformers import PreTrainedModel

from rag.llms import embedded
from rag.llms.decoding import Tally, greedy
from rag.llms.loading import load, opened, stops
from rag.llms.onnx import exported
from rag.llms.onnx.exporting import export
from rag.llms.onnx.loading import load_onnx
from rag.llms.packing import halved, packed
from rag.llms.rendering import Renderer
from rag.llms.torch_model import TorchModel
from rag.seams import LLM
from rag.settings import Settings, models_folder
from rag.values import Choose, Document, Message, Prompt

Figures: TypeAlias = dict[str, Any]
Answers: TypeAlias = npt.NDArray[np.float64]  # (prompts, labels)
Ask: TypeAlias = Callable[[Sequence[Choose]], Answers]

PROMPTS = 100
QUESTIONS = (  # one per round, so that no round finds the beginning of another in memory
    "Does vitamin D protect older adults from fractures?",
    "Which mutations make tumours resistant to treatment?",
    "How do stem cells decide what to become?",
)
JUDGE = (
    "You judge whether a passage helps to answer a question. Say yes if the passage answers the "
    "question or gives evidence for it, otherwise say no. Answer with one word only."
)
LABELS = ("yes", "no")
WORDS = 90  # of a passage that is judged
PLAIN = "plain transformers loop, fp32"

TEXTS = 50
TASKS = {  # in turn; what a model quotes can be foreseen
    "quoting": "Repeat the first three sentences of this passage word for word.",
    "in its own words": "What does this passage find? Answer in two sentences.",
}
PASSAGE = 220  # words of a passage that is quoted
WRITTEN = 96  # tokens, at most


def bench_choose(documents: Sequence[Document]) -> Figures:
    """Return tokens per second of `choose` by backend, and how often its label is fp32's."""
    models = models_folder(Settings())
    folder = embedded.fetch(models)
    tokenizer, model = opened(folder)
    renderer = Renderer(tokenizer)
    default = load(folder)
    sides: dict[str, Ask] = {
        PLAIN: lambda requests: _plainly(model, renderer, requests),
        "torch fp32": _asking(load(folder, precision="fp32")),
        f"torch {default.spec.precision} (default)": _asking(default),
    }
    for precision in exported.PRECISIONS:
        into = exported.place(models, embedded.NAME, precision)
        if not into.exists():
            export(folder, into, embedded.NAME, precision)
        sides[f"onnx {precision}"] = _asking(load_onnx(into))
    rounds = [_pointwise(question, documents) for question in QUESTIONS]
    tokens = [sum(len(renderer.ids(r.prompt)) for r in requests) for requests in rounds]
    seconds, answers = _in_turn(sides, rounds)
    rates = {
        name: statistics.median(t / s for t, s in zip(tokens, times, strict=True))
        for name, times in seconds.items()
    }
    exact = answers[PLAIN]
    return {
        "prompts": f"{len(rounds)} rounds of {len(rounds[0])}, {tokens[0]:,} tokens",
        "tokens_per_s": {name: round(rate) for name, rate in rates.items()},
        "same_label": {name: round(agreement(exact, found), 3) for name, found in answers.items()},
        "log_odds_rms": {name: round(distance(exact, found), 3) for name, found in answers.items()},
        "default": default.spec.why,
        "ratio": round(rates[next(name for name in sides if "default" in name)] / rates[PLAIN], 2),
        "aim": "≥ 3 times the plain loop, the same label ≥ .99",
    }


def bench_write(documents: Sequence[Document]) -> Figures:
    """Return what drafting saves: the same texts with drafts, without, and by transformers."""
    tokenizer, model = opened(embedded.fetch(models_folder(Settings())))
    renderer, ends = Renderer(tokenizer), stops(model, tokenizer.eos_token_id)
    ours = TorchModel(halved(model), writer=packed(copy.deepcopy(model)))
    written = {task: Written() for task in TASKS}
    for i, document in enumerate(documents[:TEXTS]):
        task = tuple(TASKS)[i % len(TASKS)]
        ids = renderer.ids(_writing(document, TASKS[task]))
        found = written[task]
        with found.timing("transformers"):
            _generated(model, ids, ends)
        with found.timing("without drafts"):
            slow = list(greedy(ours.session(), ids, WRITTEN, ends, Tally(), drafts=()))
        with found.timing("with drafts"):
            tally = Tally()
            fast = list(greedy(ours.session(), ids, WRITTEN, ends, tally))
        found.add(tally, same=slow == fast)
    quoting = written["quoting"].seconds
    return {
        **{task: found.figures() for task, found in written.items()},
        "ratio": round(quoting["without drafts"] / quoting["with drafts"], 2),
        "aim": "≥ 2 times plain greedy decoding when quoting, every text the same",
    }


class Written:
    """What writing some texts took, by way; `same` counts those that drafts did not change."""

    def __init__(self) -> None:
        self.texts = 0
        self.same = 0
        self.tokens = 0
        self.passes = 0
        self.seconds: dict[str, float] = {}

    @contextmanager
    def timing(self, way: str) -> Iterator[None]:
        """Add the time that passes inside."""
        started = time.perf_counter()
        yield
        self.seconds[way] = self.seconds.get(way, 0.0) + time.perf_counter() - started

    def add(self, tally: Tally, *, same: bool) -> None:
        """Count a text that was drafted."""
        self.texts += 1
        self.same += same
        self.tokens += tally.tokens
        self.passes += tally.passes

    def figures(self) -> Figures:
        """Return the figures for a report."""
        return {
            "texts": self.texts,
            "the same": self.same,
            "tokens per pass": round(self.tokens / max(1, self.passes), 2),
            "seconds": {way: round(value, 1) for way, value in self.seconds.items()},
        }


def _generated(model: PreTrainedModel, ids: Sequence[int], ends: frozenset[int]) -> None:
    """Write a text as transformers does."""
    prompt = torch.tensor([list(ids)])
    with torch.inference_mode():
        model.generate(  # type: ignore[operator]  # a mixin's method, typed as a module
            prompt,
            attention_mask=torch.ones_like(prompt),
            max_new_tokens=WRITTEN,
            do_sample=False,
            eos_token_id=sorted(ends),
            pad_token_id=min(ends),
        )


def _asking(llm: LLM) -> Ask:
    def ask(requests: Sequence[Choose]) -> Answers:
        replies = asyncio.run(llm.choose(requests))
        return np.array([reply.logprobs for reply in replies], np.float64)

    return ask


def _plainly(model: PreTrainedModel, renderer: Renderer, requests: Sequence[Choose]) -> Answers:
    """Answer as a script would: one prompt after the other, whole."""
    rows = []
    with torch.inference_mode():
        for request in requests:
            ids = torch.tensor([renderer.ids(request.prompt)])
            logits = model(input_ids=ids).logits[0, -1].log_softmax(-1)
            labels = renderer.label_ids(request.prompt, request.labels)
            rows.append([float(logits[label]) for label in labels])
    return np.array(rows)


def _in_turn(
    sides: Mapping[str, Ask], rounds: Sequence[Sequence[Choose]]
) -> tuple[dict[str, list[float]], dict[str, Answers]]:
    """Return seconds and answers of each side over all rounds, the sides taking turns."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    answers: dict[str, list[Answers]] = {name: [] for name in sides}
    for requests in rounds:
        for name, ask in sides.items():
            started = time.perf_counter()
            answers[name].append(ask(requests))
            seconds[name].append(time.perf_counter() - started)
    return seconds, {name: np.concatenate(found) for name, found in answers.items()}


def agreement(exact: Answers, found: Answers) -> float:
    """Return the share of prompts whose most likely label is the same.

    >>> agreement(np.array([[-1.0, -2.0], [-1.0, -2.0]]), np.array([[-1.0, -2.0], [-2.0, -1.0]]))
    0.5
    """
    return float((exact.argmax(axis=1) == found.argmax(axis=1)).mean())


def distance(exact: Answers, found: Answers) -> float:
    """Return the root mean square by which the log-odds of the first two labels differ.

    >>> distance(np.array([[-1.0, -2.0]]), np.array([[-1.5, -2.0]]))
    0.5
    """
    odds = (found[:, 0] - found[:, 1]) - (exact[:, 0] - exact[:, 1])
    return float(np.sqrt(np.mean(odds**2)))


def _pointwise(question: str, documents: Sequence[Document]) -> list[Choose]:
    """Return the prompts of a round: one question, many passages."""
    return [
        Choose(
            (
                Message("system", JUDGE),
                Message(
                    "user",
                    f"Question: {question}\n\nPassage: {_cut(document, WORDS)}\n\n"
                    "Does the passage help to answer the question? yes or no",
                ),
            ),
            LABELS,
        )
        for document in documents[:PROMPTS]
    ]


def _writing(document: Document, task: str) -> Prompt:
    text = f"Passage: {document.title}\n{_cut(document, PASSAGE)}\n\n{task}"
    return (Message("user", text),)


def _cut(document: Document, words: int) -> str:
    return " ".join(document.text.split()[:words])
