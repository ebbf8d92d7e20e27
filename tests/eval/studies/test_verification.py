"""What verification is worth is measured as it says: read, compared, made wrong, counted."""

import asyncio
import gzip
from pathlib import Path

import msgspec
import pytest

from eval.studies.perturbing import harmless, wrong
from eval.studies.verification import (
    Claim,
    auc,
    encoded,
    measured,
    rates,
    read,
    read_claims,
    to_markdown,
)
from indexers.encoders.hashed import HashedEncoder

COLD = "The freezer was kept cold for 36 hours at −20 °C in 2019 by the Adele team, 5% warm."
OTHER = "Dogs were not allowed on the ferry of the Robert company in June."
CLAIM = "The freezer stays cold for 36 hours."


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = [
        {"_id": "1", "text": CLAIM, "metadata": {"evidence": {"a": evidence("SUPPORT", [[0]])}}},
        {"_id": "2", "text": OTHER, "metadata": {"evidence": {"a": evidence("CONTRADICT", [[1]])}}},
        {"_id": "3", "text": "Nobody knows.", "metadata": {"evidence": {}}},
    ]
    (tmp_path / "queries.jsonl").write_bytes(b"\n".join(map(msgspec.json.encode, rows)))
    abstract = msgspec.json.encode({"_id": "a", "sentences": [COLD, OTHER]})
    (tmp_path / "sentences.jsonl.gz").write_bytes(gzip.compress(abstract))
    (tmp_path / "qrels").mkdir()
    header = "query-id\tcorpus-id\tscore\n"
    (tmp_path / "qrels" / "train.tsv").write_text(f"{header}1\ta\t1\n", encoding="utf-8")
    return tmp_path


def evidence(label: str, sentences: list[list[int]]) -> dict[str, object]:
    return {"label": label, "sentences": sentences}


def test_claims_are_read_with_label_split_and_rationale(folder: Path) -> None:
    assert read_claims(folder) == (
        Claim(CLAIM, "SUPPORT", "train", (COLD, OTHER), frozenset({0})),
        Claim(OTHER, "CONTRADICT", "test", (COLD, OTHER), frozenset({1})),
    )


def test_every_system_sees_which_sentence_a_claim_is_about(folder: Path) -> None:
    claims = read_claims(folder)
    vectors = asyncio.run(encoded([CLAIM, COLD, OTHER], HashedEncoder()))
    found = read(claims[0], vectors)
    assert all(scores[0] > scores[1] for scores in found.scores.values())
    assert len(found.scores) == 4
    report = measured(claims, vectors)
    assert report["auc"]["train, supported"]["ladder"] == {"mean": 1.0, "pooled": 1.0}
    assert "train, contradicted" not in report["auc"]
    assert report["supports"]["test"]["rationale, CONTRADICT"]["full"] == 1.0
    text = "\n".join(to_markdown(report))
    assert "| train, supported | 1 | 1.000 / 1.000 |" in text
    assert "| unchanged | 2 | 0.000 |" in text


def test_an_auc_counts_ties_half() -> None:
    assert auc([1.0], [0.0]) == 1.0
    assert auc([0.0], [1.0, 0.0]) == 0.25


def test_sentences_are_made_wrong_in_one_place_the_same_each_time() -> None:
    made = list(wrong([COLD, OTHER]))
    assert made == list(wrong([COLD, OTHER]))
    kinds = {kind for kind, _, _ in made}
    assert kinds == {
        "number", "date", "unit", "negation inserted", "negation removed", "name",
    }  # fmt: skip
    for _, right, changed in made:
        ours, theirs = right.split(), changed.split()
        different = sum(one not in theirs for one in ours) + sum(one not in ours for one in theirs)
        assert 1 <= different <= 2


def test_what_is_only_written_otherwise_raises_no_alarm() -> None:
    found = rates(harmless([COLD, OTHER]))
    assert {"unchanged", "lower case", "per cent", "without commas"} <= set(found)
    assert {each["share"] for each in found.values()} == {0.0}
    assert rates([("wrong", COLD, COLD.replace("36", "30"))])["wrong"] == {"n": 1, "share": 1.0}
