"""An experiment without models: a hashed encoder, a scripted model, both counting what is asked."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from eval.experiments.definition import Definition, read_definition
from eval.experiments.running import CollectionRun, run_experiment
from indexers.encoders.hashed import HashedEncoder
from indexers.splitting.pieces import Split, whole
from rag.errors import ModelUnavailable
from rag.llms.accounted import Accounted
from rag.llms.scripted import ScriptedLLM
from rag.seams import LLM
from rag.settings import Settings
from rag.values import Choose, Chosen, Score, Scored, Vector
from rag.wiring import Engine
from tests.eval.tiny import by_words


class Counting(HashedEncoder):
    """A hashed encoder that remembers what it was asked to encode, and may refuse a word."""

    def __init__(self) -> None:
        super().__init__()
        self.queries: list[str] = []
        self.documents: list[str] = []
        self.refuses = ""

    async def encode(self, texts: Sequence[str], kind: Literal["query", "document"]) -> Vector:
        """Return one unit row per text.

        Raises:
            ModelUnavailable: a query holds the word that is refused.
        """
        if kind == "query" and self.refuses and any(self.refuses in text for text in texts):
            raise ModelUnavailable(f"no {self.refuses}")
        (self.queries if kind == "query" else self.documents).extend(texts)
        return await super().encode(texts, kind)


def _overlap(request: Score) -> Scored:
    """Prefer passages that share words with the question, then long ones."""
    said = " ".join(message.content for message in request.prompt).lower().split()
    words = request.continuation.lower().split()
    return Scored(sum(word in said for word in words) - 1 / (1 + len(said)), len(words))


def _by_length(request: Choose) -> Chosen:
    """Prefer one label or another, by the prompt's length."""
    n = sum(len(message.content) for message in request.prompt)
    return Chosen(tuple(-float((n + i) % 3) for i, _ in enumerate(request.labels)))


def scripted() -> ScriptedLLM:
    """Return a model whose answers depend on what it is asked."""
    return ScriptedLLM(choose=_by_length, score=_overlap)


class Lab:
    """Runs experiments in a folder, with one encoder and one model that count."""

    def __init__(self, folder: Path, llm: ScriptedLLM | None = None) -> None:
        self.folder = folder
        self.encoder = Counting()
        self.model = llm or scripted()
        self.shown: list[tuple[str, int, int]] = []

    def describe(self, text: str) -> Definition:
        """Return what a file says."""
        file = self.folder / "experiment.toml"
        file.write_text(text, encoding="utf-8")
        return read_definition(file)

    def engine(self, settings: Settings) -> Engine:
        """Return an engine over the encoder."""
        return Engine(settings, self.encoder, split_of(settings))

    async def model_opened(self, _: Settings | None = None) -> LLM:
        """Return the model, with accounts of what it is asked."""
        return Accounted(self.model)

    async def run(self, text: str) -> tuple[CollectionRun, ...]:
        """Run what a file describes."""
        definition = self.describe(text)
        return await run_experiment(
            definition,
            Settings(),
            self.folder / "work",
            self.engine,
            self.model_opened,
            lambda *told: self.shown.append(told),
        )


def split_of(settings: Settings) -> Split:
    """Return a splitter of words, or none."""
    return whole if settings.index.splitter == "none" else by_words(6)
