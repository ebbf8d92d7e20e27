"""The report of a retrieval evaluation: JSON first, Markdown made from the JSON."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from eval.data.runs import write_run
from eval.measures import LABELS, MEASURES
from eval.provenance import provenance
from eval.retrieval import Experiment

REPORT_VERSION = 1
_ROUND = 6

NOTE = (
    "nDCG has linear gain, as in trec_eval. An unanswered query counts 0; {left_out} queries have "
    "no relevant document and are left out of the means. Judged@10 is the share of the first ten "
    "that has a judgment. Milliseconds include encoding the query."
)


def write_report(experiment: Experiment, out: Path) -> Path:
    """Write `<system>.trec`, `report.json` and `report.md` into a folder; return the Markdown."""
    report = to_json(experiment)  # first: what is written below may lie in the checkout
    out.mkdir(parents=True, exist_ok=True)
    for system in experiment.systems:
        write_run(out / f"{system.name}.trec", system.ranked, system.name)
    encoded = msgspec.json.format(msgspec.json.encode(report))
    (out / "report.json").write_bytes(encoded + b"\n")
    markdown = out / "report.md"
    markdown.write_text(to_markdown(report), encoding="utf-8")
    return markdown


def to_json(experiment: Experiment) -> dict[str, Any]:
    """Return the report as JSON-able data: all that the Markdown says, and per-query values."""
    collection, index = experiment.collection, experiment.index
    return {
        "report_version": REPORT_VERSION,
        "collection": {
            "name": collection.name,
            "split": collection.split,
            "queries": len(collection.queries),
            "judgments": sum(map(len, collection.qrels.values())),
        },
        "index": {
            "documents": index.documents,
            "chunks": index.chunks,
            "seconds": round(index.seconds, 1),
            "faults": [inside(collection.folder, str(fault)) for fault in index.faults],
        },
        "configuration": dict(experiment.configuration),
        "systems": [
            {
                "name": system.name,
                "means": {m: round(v, _ROUND) for m, v in system.scores.means.items()},
                "unanswered_queries": system.scores.unanswered,
                "queries_without_relevant": system.scores.without_relevant,
                "p50_ms": round(system.p50_ms, 2),
                "p95_ms": round(system.p95_ms, 2),
                "per_query": {
                    query_id: {m: round(v, _ROUND) for m, v in values.items()}
                    for query_id, values in system.scores.per_query.items()
                },
            }
            for system in experiment.systems
        ],
        "provenance": provenance(),
    }


def inside(folder: Path, text: str) -> str:
    """Return a text that begins with a path of the folder without the folder's own path."""
    for root in (folder.absolute(), folder.resolve(), folder):
        text = text.removeprefix(f"{root}/")
    return text


def to_markdown(report: dict[str, Any]) -> str:
    """Return the report as Markdown."""
    collection, index = report["collection"], report["index"]
    rows = [
        [
            system["name"],
            *(f"{system['means'][measure]:.4f}" for measure in MEASURES),
            str(system["unanswered_queries"]),
            f"{system['p50_ms']:.1f}",
            f"{system['p95_ms']:.1f}",
        ]
        for system in report["systems"]
    ]
    labels = [LABELS.get(measure, measure) for measure in MEASURES]
    settings = [[key, str(value)] for key, value in report["configuration"].items()]
    lines = [
        f"# Retrieval on {collection['name']} ({collection['split']})",
        "",
        (
            f"{index['documents']:,} documents in {index['chunks']:,} chunks, "
            f"{collection['queries']:,} queries, {collection['judgments']:,} judgments, "
            f"{len(index['faults'])} inputs skipped."
        ),
        "",
        *table(["system", *labels, "unanswered", "p50 ms", "p95 ms"], rows),
        "",
        NOTE.format(left_out=max(s["queries_without_relevant"] for s in report["systems"])),
        "",
        *table(["setting", "value"], settings),
        "",
        made_by(report["provenance"]),
        "",
    ]
    return "\n".join(lines)


def made_by(where: Mapping[str, Any]) -> str:
    """Return the line that says where figures come from (`eval.provenance`)."""
    machine = where["machine"]
    packages = ", ".join(f"{name} {value}" for name, value in where["versions"].items())
    return (
        f"Made by `{where['command']}` at commit `{where['commit'] or 'unknown'}`, "
        f"{where['time']}, on {machine['cores']} cores of {machine['cpu']}, "
        f"Python {machine['python']}, {packages}."
    )


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a Markdown table, the first column to the left, the others to the right.

    >>> table(["a", "b"], [["x", "1"]])
    ['| a | b |', '|---|---:|', '| x | 1 |']
    """
    rule = "|".join(["---", *["---:"] * (len(head) - 1)])
    return [
        "| " + " | ".join(head) + " |",
        f"|{rule}|",
        *("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows),
    ]
