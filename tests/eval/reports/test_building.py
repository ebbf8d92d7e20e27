from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from eval import statistics
from eval.data.run_table import read_run_table
from eval.experiments.record import Lineage, Record, Row, StageCost, open_record, write_record
from eval.measures import QrelsTable, evaluate, pack, parse
from eval.reports.building import build
from eval.reports.costing import costs
from eval.reports.reordering import reordering
from eval.reports.robustness import shuffled
from eval.reports.schema import Report
from eval.reports.sources import merged, uniques
from rag.errors import BadCollection, BadInput
from tests.eval.reports.records import QUERIES, qrels, record, trec


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Record:
    return record(tmp_path_factory.mktemp("record"))


@pytest.fixture(scope="module")
def report(made: Record) -> Report:
    return build(made)


def values(made: Record, system: str, measure: str) -> np.ndarray:
    packed = pack(read_run_table(made.run("tiny", system)), made.qrels("tiny"))
    (found,) = evaluate(packed, [parse(measure)]).values()
    return found


def test_every_mean_is_that_of_the_measure(made: Record, report: Report) -> None:
    (tiny,) = report.collections
    for system in tiny.systems:
        for measure, mean in system.means.items():
            found = values(made, system.name, measure)
            assert mean.mean == pytest.approx(found.mean(), abs=1e-6)
            assert mean.low <= mean.mean <= mean.high
            assert tiny.values[measure][system.name] == pytest.approx(found, abs=1e-6)


def test_every_comparison_is_that_of_the_statistics(made: Record, report: Report) -> None:
    analysis, (tiny,) = report.analysis, report.collections
    for measure in ("nDCG@10", "AP"):
        rows = [c for c in tiny.comparisons if c.measure == measure]
        assert [c.system for c in rows] == ["fused", "fused+first"]
        for row in rows:
            alone = statistics.compare(
                values(made, "bm25", measure),
                values(made, row.system, measure),
                test=analysis.test,
                draws=analysis.draws,
                seed=analysis.seed,
                alpha=analysis.alpha,
            )
            assert row.difference == pytest.approx(alone.difference, abs=1e-6)
            assert row.p == pytest.approx(alone.p, abs=0.02)
            assert (row.low, row.high) == pytest.approx((alone.low, alone.high), abs=0.02)
            assert (row.wins, row.ties, row.losses) == (alone.wins, alone.ties, alone.losses)
            assert row.mde == pytest.approx(alone.mde, abs=1e-6)
            assert row.n == QUERIES
        assert [c.adjusted for c in rows] == pytest.approx(
            list(statistics.adjusted([c.p for c in rows], "holm"))
        )


def test_the_verdict_names_the_best_system_first(report: Report) -> None:
    (tiny,) = report.collections
    assert tiny.featured == "fused+first"
    assert tiny.verdicts[0].startswith("fused+first beats bm25 by +")
    assert tiny.verdicts[0].endswith(f"{QUERIES} queries.")
    assert tiny.verdicts[1].startswith("No difference shown between fused and bm25")


def test_systems_that_share_no_letter_differ(report: Report) -> None:
    (tiny,) = report.collections
    assert tiny.pairs is not None
    assert tiny.pairs.letters == ("b", "b", "a")


def test_under_thirty_queries_nothing_is_significant_and_the_banner_is_red(tmp_path: Path) -> None:
    found = build(record(tmp_path, queries=12, judged=False))
    (tiny,) = found.collections
    assert tiny.pairs is None
    assert all(verdict.startswith("No difference shown") for verdict in tiny.verdicts)
    assert any(n.level == "red" and "12 queries" in n.text for n in found.notices)


@pytest.mark.parametrize("queries", [1, 2, 3])
def test_a_record_of_a_few_queries_is_reported_all_the_same(tmp_path: Path, queries: int) -> None:
    (tiny,) = build(record(tmp_path, queries=queries, judged=False)).collections
    assert len(tiny.queries) == queries
    assert "can be seen" in tiny.verdicts[0]
    assert [c.mde is None for c in tiny.comparisons] == [queries < 3] * len(tiny.comparisons)


def test_the_oracle_is_the_best_order_of_what_was_returned(made: Record, report: Report) -> None:
    (tiny,) = report.collections
    graded = made.qrels("tiny")
    for rung in tiny.ladder:
        run = read_run_table(made.run("tiny", rung.compared.system))
        best = {
            q: [d for _, d in sorted((-of.get(d, 0), d) for d in run.top(q))]
            for q, of in graded.items()
        }
        (found,) = evaluate(pack(best, graded), [parse("nDCG@10")]).values()
        assert rung.oracle == pytest.approx(found.mean(), abs=1e-6)
        assert rung.oracle >= next(
            s.means["nDCG@10"].mean for s in tiny.systems if s.name == rung.compared.system
        )


def test_a_system_that_is_worse_and_dearer_is_dominated(report: Report) -> None:
    (tiny,) = report.collections
    assert [p.dominated for p in tiny.by_price] == [False, True, False]


def test_many_systems_with_few_judgments_are_told_together(tmp_path: Path) -> None:
    names = ("a", "b", "c", "d")
    report = build(record(tmp_path, skill=dict.fromkeys(names, 0.5), judged=False))
    (notice,) = (n for n in report.notices if "are judged in" in n.text)
    assert "are judged in all systems (6" in notice.text
    assert notice.text.endswith(" %): what is unjudged counts as not relevant.")


def test_where_nothing_costs_anything_there_is_no_chart_of_prices(tmp_path: Path) -> None:
    made = record(tmp_path, skill={"bm25": 0.4, "dense": 0.5})
    of = build(made).collections[0]
    assert [s.cost.price for s in of.systems if s.cost] == [0, 0]
    assert of.by_price == ()
    assert len(of.by_latency) == 2


def test_latency_leaves_out_what_a_cache_answered(report: Report) -> None:
    first = report.collections[0].systems[2].cost
    assert first is not None
    assert [latency.stage for latency in first.latency] == ["total", "find", "rerank"]
    assert {latency.n for latency in first.latency} == {QUERIES - 1}
    assert first.latency[0].p99 is None
    assert any(n.level == "amber" and "cache" in n.text for n in report.notices)


def test_a_price_is_of_tokens_and_unknown_where_a_price_is_missing(made: Record) -> None:
    (system,) = (s for s in made.experiment.systems if s.lineage)
    rows = [Row("q", (StageCost("rerank", 1.0, calls=1, tokens_in=1_000_000, tokens_out=500_000),))]
    (price,) = made.experiment.prices
    found = costs(rows, system, {price.model: price})
    assert found is not None
    assert found.price == pytest.approx((0.2 + 0.4 / 2) * 1_000)
    unknown = costs(rows, system, {})
    assert unknown is not None
    assert unknown.price is None


def test_p99_is_given_from_a_thousand_queries_on(made: Record) -> None:
    rows = [Row(f"q{i}", (StageCost("find", float(i)),)) for i in range(1_000)]
    found = costs(rows, made.experiment.systems[0], {})
    assert found is not None
    assert found.latency[0].p99 == pytest.approx(989.01)


def test_a_rerankers_moves_are_counted_both_ways() -> None:
    rows = [Row("q", before=("a", "b", "c"))]
    found = reordering("r", rows, lambda queries: [("c", "a", "b") for _ in queries])
    assert found is not None
    assert {number: n for number, n in found.moves if n} == {2: 1, -1: 2}
    assert (found.changed, found.entered) == (1.0, 0.0)


def test_a_reranker_is_told_apart_from_the_order_that_it_was_given(report: Report) -> None:
    (found,) = report.collections[0].shuffled
    usual = report.collections[0].systems[2].means["nDCG@10"].mean
    assert (found.system, found.orders, found.queries) == ("fused+first", 2, 35)
    assert found.usual == pytest.approx(usual, abs=1e-6)
    assert found.mean < usual  # one order is the usual one, the other its reverse
    assert found.deviation == pytest.approx((usual - found.mean) * 2**0.5, abs=1e-5)
    assert 0.4 < found.overlap < 0.8


def test_queries_that_were_not_reranked_in_all_orders_are_left_out() -> None:
    judged = QrelsTable.of({"q": {"a": 1}, "r": {"a": 1}, "s": {"a": 1}})
    rows = [Row("q", shuffled=(("b", "a"),)), Row("r"), Row("x", shuffled=(("a",),))]
    usual, tops = {"q": 1.0, "r": 1.0, "s": 1.0}, {"q": ("a", "b")}
    found = shuffled("r", rows, usual, tops, judged, "RR@10")
    assert found is not None
    assert (found.orders, found.queries, found.usual, found.mean) == (1, 1, 1.0, 0.5)
    assert found.deviation is None
    assert shuffled("r", [Row("q")], usual, tops, judged, "RR@10") is None


def test_a_judges_grades_fill_holes_and_never_replace_peoples() -> None:
    assert merged({"q": {"a": 1}}, {"q": {"a": 3, "b": 2}, "x": {"c": 1}}) == {
        "q": {"a": 1, "b": 2}
    }


def test_filling_holes_is_reported_beside_what_people_say(report: Report) -> None:
    sources = report.collections[0].sources
    assert sources is not None
    assert [f.system for f in sources.filled] == ["bm25", "fused", "fused+first"]
    for row, system in zip(sources.filled, report.collections[0].systems, strict=True):
        assert row.human == pytest.approx(system.means["nDCG@10"].mean, abs=1e-6)
        assert row.unjudged == pytest.approx(0)
        assert row.condensed > row.human


def test_labels_that_only_one_run_found_are_left_out_of_its_own_score() -> None:
    graded = {"q": {"own": 1, "shared": 1}}
    tops: dict[str, list[tuple[str, ...]]] = {
        "a": [("own", "shared")],
        "b": [("shared",)],
        "c": [("shared",)],
    }
    first, *others = uniques(tops, ["q"], graded)
    assert (first.labels, first.with_own) == (1, 1.0)
    assert first.without_own == pytest.approx(1 / np.log2(3), abs=1e-6)
    assert [u.labels for u in others] == [0, 0]


def test_a_judge_of_a_systems_own_family_is_a_red_notice(tmp_path: Path) -> None:
    made = record(tmp_path)
    experiment = replace(
        made.experiment,
        judges={"small": Lineage("judge", "zephyr", "zephyr-1b")},
        judge_failures={"small": 0.05},
    )
    found = build(Record(made.folder, experiment))
    red = [n.text for n in found.notices if n.level == "red"]
    assert any("fused+first" in text and "zephyr" in text for text in red)
    assert any("5 %" in text and "valid grade" in text for text in red)


def test_a_damaged_row_is_named_by_file_and_line(tmp_path: Path) -> None:
    made = record(tmp_path)
    file = made.of("tiny") / "rows" / "bm25.jsonl"
    file.write_text('{"query_id": "q0"}\n{"query_id": 3}\n', encoding="utf-8")
    with pytest.raises(BadCollection, match=r"bm25\.jsonl:2"):
        build(made)


def test_a_run_that_is_missing_is_named(tmp_path: Path) -> None:
    made = record(tmp_path)
    made.run("tiny", "fused").unlink()
    with pytest.raises(BadCollection, match="fused"):
        build(made)


def test_a_baseline_that_is_no_system_is_refused(tmp_path: Path) -> None:
    made = record(tmp_path)
    analysis = replace(made.experiment.analysis, baseline="nobody")
    with pytest.raises(BadInput, match="nobody"):
        build(Record(made.folder, replace(made.experiment, analysis=analysis)))


def test_a_foreign_run_without_rows_has_no_costs(tmp_path: Path) -> None:
    made = record(tmp_path)
    (made.of("tiny") / "rows" / "fused.jsonl").unlink()
    assert [s.cost is None for s in build(made).collections[0].systems] == [False, True, False]


def test_a_query_that_is_not_answered_counts_nothing_and_is_counted(tmp_path: Path) -> None:
    made = record(tmp_path)
    run = {"q0": ["q0-d0"]}
    trec(made.run("tiny", "fused"), run)
    system = build(made).collections[0].systems[1]
    assert system.unanswered == QUERIES - 1
    assert system.means["RR@10"].mean == pytest.approx(1 / QUERIES, abs=1e-6)


def test_a_query_without_a_relevant_document_is_in_no_mean(tmp_path: Path) -> None:
    made = record(tmp_path, judged=False)
    graded = dict(made.qrels("tiny"))
    graded["q0"] = {"q0-d0": 0}
    qrels(made.of("tiny") / "qrels" / "human.tsv", graded)
    (tiny,) = build(made).collections
    assert tiny.without_relevant == 1
    assert "q0" not in tiny.queries
    assert len(tiny.queries) == QUERIES - 1


def test_a_record_that_was_written_is_the_record_that_is_read(made: Record) -> None:
    write_record(made)
    assert open_record(made.folder).experiment == made.experiment
