"""What is shipped and quoted of answers is what was measured; overlap by hand."""

import gzip
import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from eval.studies.answer_quality import answered, quoted
from eval.studies.clapnq import overlap, read_asked, sentences_of
from eval.tables import ROOT
from rag.logistic import Logistic
from rag.quoting.features import DOCUMENT, LINE
from rag.quoting.weights import QUOTED

REPORT = json.loads((ROOT / "eval/results/answers/report.json").read_text("utf-8"))


@pytest.mark.parametrize(
    ("model", "named", "features"),
    [(QUOTED.document, "document", DOCUMENT), (QUOTED.line, "line", LINE)],
)
def test_the_shipped_weights_are_those_of_the_report(
    model: Logistic, named: str, features: Mapping[str, str]
) -> None:
    terms = {name: [t.weight, t.mean, t.scale] for name, t in model.terms.items()}
    assert {"bias": model.bias, "terms": terms} == REPORT["quoting"]["weights"][named]
    assert terms.keys() == features.keys()


def test_the_tables_have_a_row_for_each_way() -> None:
    assert len(quoted(REPORT)) == 4 + len(REPORT["quoting"]["rows"])
    assert answered(REPORT)[-1].startswith("AUC: top passage's cosine 0.868")


def test_overlap_is_the_f1_of_sets_of_sentences() -> None:
    ours, theirs = frozenset({"a", "b", "c"}), frozenset({"b", "c", "d", "e"})
    assert overlap(ours, theirs) == overlap(theirs, ours) == pytest.approx(4 / 7)
    assert overlap(ours, frozenset()) == 0


def test_questions_and_sentences_are_read_with_their_places(tmp_path: Path) -> None:
    document = {
        "_id": "p1",
        "title": "T",
        "text": "One . Two . One .",
        "metadata": {"sentences": ["One .", "Two .", "One ."]},
    }
    with gzip.open(tmp_path / "corpus.jsonl.gz", "wt", encoding="utf-8") as corpus:
        corpus.write(json.dumps(document) + "\n")
    outputs = [{"answer": "", "selected_sentences": chosen} for chosen in (["Two ."], [])]
    query = {
        "_id": "7",
        "text": "q?",
        "metadata": {"answerable": True, "output": outputs, "passage": "p1"},
    }
    (tmp_path / "queries.jsonl").write_text(json.dumps(query) + "\n", encoding="utf-8")
    passage = sentences_of(tmp_path)["p1"]
    assert passage.places == ((0, 5), (6, 11), (12, 17))
    assert passage.indexed == "T\nOne . Two . One ."
    (asked,) = read_asked(tmp_path)
    assert (asked.question, asked.answerable) == ("q?", True)
    assert asked.selected == (frozenset({"Two ."}),)
