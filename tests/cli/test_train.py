"""`firstcite train …`: from documents to data, from data to a model that is used by its folder."""

import json
from pathlib import Path

import pytest
import torch

from tests.cli.outcome import Firstcite
from tests.indexers.encoders.tiny import tiny as tiny_encoder
from tests.rag.llms import tiny

HANDBOOK = Path(__file__).parents[2] / "examples" / "handbook"


@pytest.fixture(autouse=True)
def _models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the settings name tiny models, and a store that nobody else has."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FIRSTCITE__STORE__PATH", str(tmp_path / "store"))
    monkeypatch.setenv("FIRSTCITE__ENCODER__MODEL", str(tiny_encoder()))
    monkeypatch.setenv("FIRSTCITE__INDEX__CHUNK_TOKENS", "48")
    tiny.model(window=512).save_pretrained(tmp_path / "llm")
    tiny.tokenizer(also=SPELLED).save_pretrained(tmp_path / "llm")
    monkeypatch.setenv("FIRSTCITE__LLM__MODEL", str(tmp_path / "llm"))


SPELLED = tuple(f"{word}\n{word}\n{word}" for word in ("yes", "Yes", "no", "No"))


@pytest.fixture
def groups(firstcite: Firstcite, tmp_path: Path) -> Path:
    """Groups of the handbook's own questions."""
    out = tmp_path / "groups"
    done = firstcite(
        *("train", "data", "qrels", str(HANDBOOK), "--split", "test", "--negatives", "4"),
        *("--licence", "Apache-2.0", "--out", str(out)),
    )
    assert done.code == 0, done.err
    assert done.out.startswith(f"{out}: ")
    return out


def test_judged_queries_become_groups_that_say_where_they_come_from(groups: Path) -> None:
    manifest = json.loads((groups / "manifest.json").read_text("utf-8"))
    lines = [json.loads(line) for line in (groups / "groups.jsonl").read_text("utf-8").splitlines()]
    assert len(lines) == manifest["counts"]["made"] > 5
    assert manifest["sources"][0]["name"] == "handbook"
    assert manifest["sources"][0]["licence"] == "Apache-2.0"
    assert manifest["recipe"]["negatives"] == 4
    assert manifest["where"]["versions"]
    assert all(line["passages"][0]["grade"] > 0 for line in lines)
    assert all(len(line["passages"]) >= 3 for line in lines)


def test_test_queries_are_kept_out_and_never_trained_on(
    firstcite: Firstcite, groups: Path, tmp_path: Path
) -> None:
    made = firstcite(
        *("train", "data", "qrels", str(HANDBOOK), "--split", "test", "--negatives", "2"),
        *("--exclude", f"{HANDBOOK}:test", "--out", str(tmp_path / "none")),
    )
    assert made.code == 2
    assert "nothing to train on was made" in made.err
    assert "query is test data" in made.err
    for command in ("retriever", "ranker", "first"):
        refused = firstcite(
            *("train", command, str(groups), "--out", str(tmp_path / "model")),
            *("--exclude", f"{HANDBOOK}:test"),
        )
        assert refused.code == 2
        assert "are test data of handbook:test" in refused.error
    assert not (tmp_path / "model").exists()


def test_titles_ask_for_their_texts(firstcite: Firstcite, tmp_path: Path) -> None:
    for i in range(4):
        text = f"# The sample freezer number {i}\n\n" + "the sample freezer stays cold " * 12
        (tmp_path / f"{i}.md").write_text(text, encoding="utf-8")
    files = [str(tmp_path / f"{i}.md") for i in range(4)]
    out = tmp_path / "sections"
    done = firstcite("train", "data", "structure", *files, "--negatives", "2", "--out", str(out))
    assert done.code == 0, done.err
    lines = [json.loads(line) for line in (out / "groups.jsonl").read_text("utf-8").splitlines()]
    assert len(lines) == 4
    for line in lines:
        assert "sample freezer number" in line["query"]
        assert "sample freezer number" not in line["passages"][0]["text"]


def test_a_trained_encoder_is_used_by_its_folder_and_asks_for_a_new_index(
    firstcite: Firstcite, groups: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert firstcite("index", str(HANDBOOK)).code == 0
    out = tmp_path / "encoder"
    done = firstcite(
        *("train", "retriever", str(groups), "--out", str(out), "--updates", "3", "--batch", "4"),
        *("--hold-out", "0.3", "--look", "1", "--rate", "0.001"),
    )
    assert done.code == 0, done.err
    assert f"{out}: 3 updates in " in done.out
    assert "best look " in done.out
    assert f'encoder.model = "{out}", then: firstcite reindex' in done.out
    report = json.loads((out / "training.json").read_text("utf-8"))
    assert (report["kind"], len(report["history"]["losses"])) == ("retriever", 3)
    assert report["data"]["manifest"]["recipe"]["builder"] == "qrels"
    assert (report["excluded"]["common"], report["excluded"]["collections"]) == (0, [])
    page = (out / "training.html").read_text("utf-8")
    assert "Training: retriever" in page
    assert page.count("<svg") == page.count("<figure") == 2
    monkeypatch.setenv("FIRSTCITE__ENCODER__MODEL", str(out))
    refused = firstcite("search", "freezer")
    assert refused.code == 1
    assert "build it anew: firstcite reindex" in refused.error
    assert firstcite("reindex").code == 0
    assert firstcite("search", "freezer").code == 0


@pytest.mark.parametrize("lora", ["0", "4"])
def test_rankers_are_trained_and_written(
    firstcite: Firstcite, groups: Path, tmp_path: Path, lora: str
) -> None:
    out = tmp_path / "ranker"
    done = firstcite(
        *("train", "ranker", str(groups), "--out", str(out), "--updates", "2", "--size", "3"),
        *("--passage-tokens", "24", "--lora", lora, "--hold-out", "0.3"),
    )
    assert done.code == 0, done.err
    assert f'llm.model = "{out}", rerank.method = "query-likelihood"' in done.out
    assert (out / "model.safetensors").is_file()
    assert (out / "adapter").is_dir() == (lora != "0")


def test_first_is_trained_in_stages(firstcite: Firstcite, groups: Path, tmp_path: Path) -> None:
    out = tmp_path / "first"
    options = ("--stages", "2x3x8x0,1x4x8x1", "--batch", "2", "--taught", "joint")
    done = firstcite("train", "first", str(groups), "--out", str(out), *options)
    assert done.code == 0, done.err
    assert "3 updates" in done.out
    wrong = firstcite("train", "first", str(groups), "--out", str(out), "--stages", "2x3")
    assert wrong.code == 2
    assert "is no stage" in wrong.error


def test_a_teacher_is_distilled_and_asked_once(
    firstcite: Firstcite, groups: Path, tmp_path: Path
) -> None:
    out = tmp_path / "student"
    options = ("--teacher", "late-interaction", "--top", "4", "--size", "3", "--updates", "2")
    done = firstcite(
        *("train", "distill", str(groups), "--out", str(out), *options, "--passage-tokens", "24")
    )
    assert done.code == 0, done.err
    taught = tmp_path / "student.groups.taught"
    lines = [json.loads(line) for line in (taught / "groups.jsonl").read_text("utf-8").splitlines()]
    assert all(p["score"] is not None for line in lines for p in line["passages"])
    before = (taught / "manifest.json").stat().st_mtime_ns
    again = firstcite(
        *("train", "distill", str(groups), "--out", str(out), *options, "--passage-tokens", "24")
    )
    assert again.code == 0
    assert (taught / "manifest.json").stat().st_mtime_ns == before


def test_a_rewriter_learns_preferences(firstcite: Firstcite, tmp_path: Path) -> None:
    lines = [
        {
            "id": str(i),
            "query": f"how cold is freezer {i}",
            "prompt": [{"role": "user", "content": f"Write about freezer {i}."}],
            "chosen": f"The freezer {i} stays below -60 °C.",
            "rejected": "Water boils at 100 degrees.",
            "rewards": [1.0, 0.0],
            "plain": 0.5,
        }
        for i in range(4)
    ]
    data = tmp_path / "preferences.jsonl"
    data.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    weights = {}
    for objective in ("dpo", "likelihood"):
        out = tmp_path / objective
        done = firstcite(
            *("train", "rewriter", str(data), "--out", str(out), "--objective", objective),
            *("--updates", "6", "--rate", "0.001"),
        )
        assert done.code == 0, done.err
        losses = json.loads((out / "training.json").read_text("utf-8"))["history"]["losses"]
        assert losses[-1] < losses[0]
        from safetensors.torch import load_file

        weights[objective] = load_file(out / "model.safetensors")
    name = next(iter(weights["dpo"]))
    assert not torch.equal(weights["dpo"][name], weights["likelihood"][name])


def test_wrong_input_is_one_line_and_leaves_nothing(
    firstcite: Firstcite, groups: Path, tmp_path: Path
) -> None:
    out = ("--out", str(tmp_path / "model"))
    for arguments, told in (
        (("ranker", str(tmp_path)), "make it with firstcite train data qrels"),
        (("ranker", str(groups), "--method", "listwise"), "cannot be trained: take"),
        (("retriever", str(groups), "--objective", "none"), "is no objective of encoders"),
        (("ranker", str(groups), "--dev", str(groups)), "are test data of"),
        (("ranker", str(groups), "--model", "nowhere"), "cannot load the language model"),
        (("rewriter", str(groups), "--hold-out", "0.5"), "leave --dev and --hold-out out"),
    ):
        done = firstcite("train", *arguments, *out)
        assert done.code in (1, 2), arguments
        assert told in done.err, arguments
        assert "Traceback" not in done.err
    assert not (tmp_path / "model").exists()
