"""What documents say of citations was measured on enough answers, and no quote is bad."""

import json

from eval.answers.report import to_markdown
from eval.studies.citation_quality import COLLECTIONS
from eval.tables import ROOT

FOLDER = ROOT / "eval" / "results" / "citations"
REPORT = json.loads((FOLDER / "report.json").read_text(encoding="utf-8"))


def test_no_quote_is_bad_among_the_answers_to_a_thousand_queries() -> None:
    figures = REPORT["all"]
    assert figures["queries"] >= 1_000
    assert figures["quotes"] >= figures["answers"] > 0
    assert (figures["bad_quotes"], figures["dangling_citations"]) == (0, 0)
    assert "-dirty" not in REPORT["provenance"]["commit"]


def test_every_collection_has_a_row_and_the_counts_add_up() -> None:
    rows = [found["figures"] for found in REPORT["collections"].values()]
    assert list(REPORT["collections"]) == [*COLLECTIONS, "handbook"]
    for name in ("queries", "answers", "quotes", "sentences", "citations"):
        assert sum(row[name] for row in rows) == REPORT["all"][name]


def test_the_committed_markdown_is_that_of_the_json() -> None:
    assert to_markdown(REPORT) == (FOLDER / "report.md").read_text(encoding="utf-8")
