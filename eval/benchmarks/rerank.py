"""What the reranking methods cost: one query, 100 candidates, the embedded model, one run.

`eval.studies.rerank_quality` says what they are worth; here the first documents of a collection
stand for candidates. Every method reads the same texts with the same model, without a cache.
"""

import asyncio
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from rag.cores import one_per_core
from rag.flows import Budget
from rag.lanes import apart
from rag.llms import embedded
from rag.llms.loading import load, opened, stops
from rag.llms.local import LocalLLM
from rag.llms.packing import halved
from rag.llms.rendering import Renderer
from rag.llms.torch_model import TorchModel
from rag.settings import Settings, models_folder
from rag.values import Document
from rerankers.choices import Choices
from rerankers.methods import asking
from rerankers.reranker import Outcome

Figures: TypeAlias = dict[str, Any]

CANDIDATES = 100
WARM_UP = 4  # candidates that are ranked before the clock starts
PASSAGE_TOKENS = 32  # longer ones cost more, not otherwise
QUERY = "Does vitamin D protect older adults from fractures?"
MEASURED = (
    ("first", "sliding"),
    ("listwise", "sliding"),
    ("first", "tourrank"),
    ("first", "top-down"),
    ("first", "acurank"),
    ("setwise", "heap"),
    ("setwise", "bubble"),
    ("pairwise", "sliding"),
    ("pairwise", "steps"),
    ("pairwise", "heap"),
    ("query-likelihood", ""),
    ("yes-no", ""),
    ("graded", ""),
    ("rating", ""),
)
ALLPAIR = ("pairwise", "allpair")
REUSE = "pairwise allpair"
NO_REUSE = f"{REUSE}, no prefix reuse"


@dataclass(frozen=True, slots=True)
class Measured:
    """What ranking once has cost."""

    outcome: Outcome
    seconds: float

    def figures(self) -> Figures:
        """Return the figures for a report."""
        cost = self.outcome.cost
        return {
            "calls": cost.calls,
            "tokens_in": cost.tokens_in,
            "tokens_out": cost.tokens_out,
            "depth": cost.depth,
            "seconds": round(self.seconds, 1),
            "malformed": self.outcome.ordering.malformed,
        }


def bench_rerank(documents: Sequence[Document]) -> Figures:
    """Return calls, tokens, depth and seconds of every method, and what the comparisons say."""
    texts = [f"{d.title}. {d.text}" for d in documents[:CANDIDATES]]
    llm = load(embedded.fetch(models_folder(Settings())))
    for method in ("first", "listwise"):  # what is done once is not the first method's cost
        _measure(llm, method, "head", texts[:WARM_UP])
    found = {_named(m, s): _measure(llm, m, s, texts) for m, s in MEASURED}
    reusing, plain = apart(_readers)
    found[REUSE] = _measure(reusing, *ALLPAIR, texts)
    found[NO_REUSE] = _measure(plain, *ALLPAIR, texts)
    seconds = {name: one.seconds for name, one in found.items()}
    depth = {name: one.outcome.cost.depth for name, one in found.items()}
    return {
        "candidates": f"{len(texts)} of at most {PASSAGE_TOKENS} tokens",
        "methods": {name: one.figures() for name, one in found.items()},
        "first_saves": f"{1 - seconds['first sliding'] / seconds['listwise sliding']:.1%}",
        "wavefront": {
            "steps": round(depth["pairwise steps"] / depth["pairwise sliding"], 2),
            "time": round(seconds["pairwise steps"] / seconds["pairwise sliding"], 2),
            "same order": _order(found["pairwise steps"]) == _order(found["pairwise sliding"]),
        },
        "prefix_reuse": round(seconds[NO_REUSE] / seconds[REUSE], 2),
        "ratio": round(seconds["listwise sliding"] / seconds["first sliding"], 2),
        "aim": "FIRST ≥ 80 % less than written permutations; wavefront ≥ 3 × fewer steps, ≥ 2 × "
        "less time",
    }


def _named(method: str, schedule: str) -> str:
    return f"{method} {schedule}".strip()


def _order(measured: Measured) -> tuple[int, ...]:
    return measured.outcome.ordering.order


def _measure(llm: LocalLLM, method: str, schedule: str, texts: Sequence[str]) -> Measured:
    unlimited = Budget(calls=math.inf)
    ready = asking(method, llm, Choices(), schedule, PASSAGE_TOKENS, unlimited)
    began = time.perf_counter()
    outcome = asyncio.run(ready.order(QUERY, texts, math.inf))
    return Measured(outcome, time.perf_counter() - began)


def _readers() -> tuple[LocalLLM, LocalLLM]:
    """Return the model with and without the computing of shared beginnings once."""
    tokenizer, model = opened(embedded.fetch(models_folder(Settings())))
    renderer, twin, crew = Renderer(tokenizer), halved(model), one_per_core()
    spec = replace(load(embedded.fetch(models_folder(Settings()))).spec, fingerprint="")
    ends = stops(model, tokenizer.eos_token_id)
    reusing, plain = (
        LocalLLM(spec, renderer, TorchModel(twin, writer=model, crew=crew, reuse=reuse), ends)
        for reuse in (True, False)
    )
    return reusing, plain
