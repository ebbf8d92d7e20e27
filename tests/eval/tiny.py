"""A BEIR folder small enough to check by eye, and an engine without a model to evaluate on it."""

import json
from collections.abc import Mapping
from pathlib import Path

from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from indexers.encoders.hashed import HashedEncoder
from indexers.splitting.pieces import Split, whole
from indexers.splitting.splitters import make_split
from rag.sections import IndexSettings, StoreSettings
from rag.settings import Settings
from rag.wiring import Engine

CORPUS = {
    "cat": "The cat sleeps on the mat.",
    "dog": "The dog barks at the cat.",
    "fish": "A fish swims in the pond.",
    "fox": "The fox hunts at night. The fox sleeps at day.",
}
QUERIES = {"q1": "cat", "q2": "fox at night", "q3": "fish pond", "q4": "unicorn"}
QRELS = {
    "q1": {"cat": 2, "dog": 1},
    "q2": {"fox": 1},
    "q3": {"fish": 0},
    "q4": {"fox": 1},
}


def write_beir(
    folder: Path,
    corpus: Mapping[str, str] = CORPUS,
    queries: Mapping[str, str] = QUERIES,
    qrels: Mapping[str, Mapping[str, int]] = QRELS,
) -> Path:
    """Write the folder and return it."""

    def lines(texts: Mapping[str, str]) -> str:
        return "".join(json.dumps({"_id": i, "text": text}) + "\n" for i, text in texts.items())

    (folder / "qrels").mkdir(parents=True)
    (folder / "corpus.jsonl").write_text(lines(corpus), encoding="utf-8")
    (folder / "queries.jsonl").write_text(lines(queries), encoding="utf-8")
    rows = [f"{q}\t{d}\t{grade}\n" for q, grades in qrels.items() for d, grade in grades.items()]
    header = "query-id\tcorpus-id\tscore\n"
    (folder / "qrels" / "test.tsv").write_text(header + "".join(rows), encoding="utf-8")
    return folder


def by_words(words: int) -> Split:
    """Return a splitter that counts words, at most so many in a chunk."""
    tokenizer = Tokenizer(WordLevel({"?": 0}, unk_token="?"))  # noqa: S106 - no password
    tokenizer.pre_tokenizer = Whitespace()
    return make_split(IndexSettings(chunk_tokens=words), tokenizer)


def engine_in(store: Path, split: Split = whole, url: str = "") -> Engine:
    """Return an engine over an empty store."""
    settings = Settings(
        store=StoreSettings(path=str(store), url=url),
        index=IndexSettings(splitter="none" if split is whole else "recursive"),
    )
    return Engine(settings, HashedEncoder(), split)
