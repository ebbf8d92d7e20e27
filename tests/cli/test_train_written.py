"""Training data that a language model writes: asked over HTTP, filtered, kept, resumed."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.api.upstreamed import Writer, running, says
from tests.cli.outcome import Firstcite
from tests.indexers.encoders.tiny import tiny as tiny_encoder
from tests.rag.llms.upstream import Asked, Upstream, Write, status

TEXTS = {
    "freezer": "the sample freezer stays cold without power for nine hours",
    "keeper": "a lighthouse keeper said spaniels are welcome aboard",
    "reunion": "La réunion de jeudi changed the outcome of 37 cases",
}


def reply(prompt: str) -> str:
    """Write what each prompt asks for, from the words of the passage that it shows."""
    name = next((n for n, text in TEXTS.items() if text[:20] in prompt), "freezer")
    if "one question" in prompt:
        return f"Question: how long is what {name} tells of {TEXTS[name].split()[2]}?"
    if "is wrong" in prompt:
        return "Something is said that the text denies."
    if "abstract sentence" in prompt:
        return "Something is said that the text says."
    if "keywords" in prompt:
        return "freezer, power, cold"
    return f"It is known that the freezer stays cold for hours {len(prompt) % 7}."


def ours(asked: Asked) -> bool:
    """Whether a request is about a passage or a question."""
    return asked.path.endswith("chat/completions") and "<" in asked.body["messages"][-1]["content"]


@dataclass
class Written(Upstream):
    """Writes what `write` makes of the last message; fails where that has nothing left."""

    write: Writer = reply

    async def answer(self, asked: Asked, write: Write) -> None:
        """Answer one request."""
        if not ours(asked) or "logprobs" in asked.body:  # others find out what the server can do
            await super().answer(asked, write)
            return
        try:
            step = says(self.write(asked.body["messages"][-1]["content"]))
        except StopIteration:
            step = status(400, {"error": {"message": "nothing left to say"}})
        await step(asked, write)


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Written]:
    folder = tmp_path / "beir"
    (folder / "qrels").mkdir(parents=True)
    corpus = [{"_id": name, "title": "", "text": text} for name, text in TEXTS.items()]
    queries = [{"_id": "q1", "text": "how long does the freezer stay cold"}]
    _write(folder / "corpus.jsonl", corpus)
    _write(folder / "queries.jsonl", queries)
    (folder / "qrels" / "train.tsv").write_text("query-id\tcorpus-id\tscore\nq1\tfreezer\t1\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FIRSTCITE__ENCODER__MODEL", str(tiny_encoder()))
    with running(Written(write=reply)) as upstream:
        assert isinstance(upstream, Written)
        monkeypatch.setenv("FIRSTCITE__LLM__URL", upstream.url)
        monkeypatch.setenv("FIRSTCITE__LLM__REPLIES_MB", "0")
        yield upstream


def _write(file: Path, rows: list[dict[str, str]]) -> None:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def lines(folder: Path, name: str = "groups") -> list[dict[str, Any]]:
    text = (folder / f"{name}.jsonl").read_text("utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_questions_are_written_and_found_again(firstcite: Firstcite, served: Written) -> None:
    done = firstcite(
        *("train", "data", "synthetic", "beir", "--out", "asked", "--round-trip", "1"),
        *("--negatives", "2", "--imagine"),
    )
    assert done.code == 0, done.err
    found = lines(Path("asked"))
    assert 1 <= len({line["id"].split("?")[0] for line in found}) <= 3
    for line in found:
        assert line["passages"][0]["grade"] == 1
        assert {p["id"] for p in line["passages"] if p["grade"] == 0}
    manifest = json.loads(Path("asked/manifest.json").read_text("utf-8"))
    assert manifest["counts"]["items"] == 3
    asked = len(served.asked)
    again = firstcite(
        *("train", "data", "synthetic", "beir", "--out", "asked", "--round-trip", "1"),
        *("--negatives", "2", "--imagine"),
    )
    assert again.code == 0
    assert not [one for one in served.asked[asked:] if ours(one)]


def test_descriptions_carry_what_misleads(firstcite: Firstcite, served: Written) -> None:
    del served
    done = firstcite(
        *("train", "data", "descriptions", "beir", "--out", "told", "--count", "1"),
        *("--negatives", "1"),
    )
    assert done.code == 0, done.err
    found = lines(Path("told"))
    assert len(found) == 3
    assert all(line["query"] == "Something is said that the text says." for line in found)
    assert all(line["misleading"] == ["Something is said that the text denies."] for line in found)


def test_rewrites_become_preferences(firstcite: Firstcite, served: Written) -> None:
    texts = iter(
        ["The keeper of the freezer said spaniels.", "The freezer stays cold without power."] * 4
    )
    served.write = lambda _prompt: next(texts)
    done = firstcite(
        *("train", "data", "rewrites", "beir", "--out", "better", "--samples", "2"),
        *("--reward", "rank", "--reward", "answer"),
    )
    assert done.code == 0, done.err
    (line,) = lines(Path("better"), "preferences")
    assert line["chosen"] == "The freezer stays cold without power."
    assert line["query"] == "how long does the freezer stay cold"


def test_a_server_that_fails_ends_the_run_and_what_was_made_stays(
    firstcite: Firstcite, served: Written
) -> None:
    told = iter(["How long does the sample freezer stay cold?"])
    served.write = lambda _prompt: next(told)
    command = ("train", "data", "synthetic", "beir", "--out", "asked", "--round-trip", "0")
    failed = firstcite(*command)
    assert failed.code == 1
    assert not Path("asked").exists()
    served.write = reply
    done = firstcite(*command)
    assert done.code == 0, done.err
    assert "How long does the sample freezer stay cold?" in [
        x["query"] for x in lines(Path("asked"))
    ]
