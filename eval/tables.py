"""The tables that documents quote, made from `eval/results/`: `python -m eval.tables` renews them.

A document marks a table with `<!-- table NAME -->` and `<!-- /table -->`; a test fails when what
stands between is not what the results say.
"""

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from eval.answers.report import overview, verdict
from eval.bench import figures, shown
from eval.benchmarks.scale import grown
from eval.checking.overview import overview as judges_overview
from eval.checking.record import open_check
from eval.markdown import table
from eval.studies import answer_axes as answer_axes_study
from eval.studies import answer_quality, generator_quality
from eval.studies.abstention import answered

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "eval" / "results" / "retrieval"
DOCUMENTS = (
    "README.md",
    "docs/answer-evaluation.md",
    "docs/answers.md",
    "docs/evaluation.md",
    "docs/fusion.md",
    "docs/judge-check.md",
    "docs/models.md",
    "docs/performance.md",
    "docs/queries.md",
    "docs/reranking.md",
)
COLLECTIONS = ("scifact", "trec-dl19-passage-pool", "hotpotqa-hippo100", "clapnq-dev")
SPLITTERS = {"": "one chunk per document", "@recursive": "default splitter"}
_MARK = re.compile(r"(<!-- table (\w+) -->\n).*?(<!-- /table -->)", re.DOTALL)

Report = Mapping[str, Any]


def retrieved() -> Mapping[str, Mapping[str, Mapping[str, float]]]:
    """Return the means by collection, system and measure of what was retrieved without a model."""
    decoded = msgspec.json.decode((RESULTS / "report.json").read_bytes())
    return {
        of["name"]: {
            system["name"]: {m: mean["mean"] for m, mean in system["means"].items()}
            for system in of["systems"]
        }
        for of in decoded["collections"]
    }


def headline() -> list[str]:
    """nDCG@10 of BM25, dense and the default fusion, one chunk per document."""
    names = ("bm25", "dense", "fused")
    rows = [
        [name, *(f"{of[system]['nDCG@10']:.3f}" for system in names)]
        for name, of in retrieved().items()
    ]
    return table(["nDCG@10", "BM25", "dense", "fused (default)"], rows)


def fusion() -> list[str]:
    """nDCG@10 of the three fusions on every collection, and their mean."""
    names, found = ("rrf", "dbsf", "convex"), retrieved()
    rows = []
    for ending, described in SPLITTERS.items():
        every = {
            collection: [of[f"{name}{ending}"]["nDCG@10"] for name in names]
            for collection, of in found.items()
        }
        for collection, values in every.items():
            rows.append([f"{collection}, {described}", *(f"{value:.4f}" for value in values)])
        mean = [sum(values) / len(every) for values in zip(*every.values(), strict=True)]
        rows.append([f"**mean, {described}**", *(f"**{value:.4f}**" for value in mean)])
    return table(["collection", "RRF (k 60)", "DBSF", "convex (.5)"], rows)


def retrieval() -> list[str]:
    """nDCG@10 and R@100 of BM25, dense and fused, with and without splitting."""
    rows = []
    for collection, of in retrieved().items():
        for ending, described in SPLITTERS.items():
            every = [of[f"{name}{ending}"] for name in ("bm25", "dense", "fused")]
            figures = [f"{one['nDCG@10']:.4f} / {one['R@100']:.4f}" for one in every]
            rows.append([f"{collection}, {described}", *figures])
    return table(["nDCG@10 / R@100", "BM25", "dense", "fused"], rows)


def abstention() -> list[str]:
    """Share of questions answered, by floor."""
    file = ROOT / "eval" / "results" / "abstention" / "report.json"
    return answered(msgspec.json.decode(file.read_bytes())["best_cosines"])


def quoting() -> list[str]:
    """F1 of quoted sentences with those that people selected."""
    return answer_quality.quoted(_answers())


def answering() -> list[str]:
    """Share of answerable and other questions that are answered, and AUCs."""
    return answer_quality.answered(_answers())


def citations() -> list[str]:
    """Whether quotes stand and what citations carry, by collection."""
    file = ROOT / "eval" / "results" / "citations" / "report.json"
    found = msgspec.json.decode(file.read_bytes())
    return [*overview(found), "", verdict(found)]


def answer_axes() -> list[str]:
    """Extractive answers on both axes, and two settings compared."""
    file = ROOT / "eval" / "results" / "answer-axes" / "report.json"
    found = msgspec.json.decode(file.read_bytes())
    return [*answer_axes_study.shown(found), "", *answer_axes_study.compared(found)]


def generators() -> list[str]:
    """What generators write with the packaged model."""
    file = ROOT / "eval" / "results" / "generators" / "report.json"
    return generator_quality.shown(msgspec.json.decode(file.read_bytes()))


def _answers() -> Report:
    file = ROOT / "eval" / "results" / "answers" / "report.json"
    found: Report = msgspec.json.decode(file.read_bytes())
    return found


def scale() -> list[str]:
    """How the embedded store grows."""
    file = ROOT / "eval" / "results" / "scale" / "scale.json"
    return grown(msgspec.json.decode(file.read_bytes()))


def rerankers() -> list[str]:
    """nDCG@10 of every reranking method, alone and guarded, beside the first stage and chance."""
    file = ROOT / "eval" / "results" / "rerank" / "quality.json"
    columns = ("queries", "first", "random", "alone", "guarded", "calls", "tokens", "depth")
    rows = [
        [f"{collection}, {method}", *(_shown(found[column]) for column in columns)]
        for collection, tasks in msgspec.json.decode(file.read_bytes())["collections"].items()
        for method, found in tasks.items()
    ]
    return table(["collection, method @candidates", *columns], rows)


def reranking_cost() -> list[str]:
    """Calls, tokens, depth and seconds of every method in the newest benchmark."""
    file = max((ROOT / "eval" / "results" / "bench-rerank").glob("*.json"))
    found = msgspec.json.decode(file.read_bytes())["sections"]["rerank"]
    columns = ("calls", "tokens_in", "tokens_out", "depth", "seconds", "malformed")
    rows = [
        [name, *(_shown(cost[column]) for column in columns)]
        for name, cost in found["methods"].items()
    ]
    wave = found["wavefront"]
    told = (
        f"FIRST saves {found['first_saves']} of the time of written permutations. Passes of "
        f"pairwise sliding that overlap take {wave['steps']} × fewer steps and {wave['time']} × "
        f"less time than one after the other{_SAME[wave['same order']]}. "
        f"Computing shared beginnings once makes allpair {found['prefix_reuse']} × as fast. "
        f"[Report](../eval/results/bench-rerank/{file.stem}.md)."
    )
    head = ["method", "calls", "tokens read", "written", "depth", "s", "malformed"]
    return [*table(head, rows), "", told]


def expansions() -> list[str]:
    """nDCG@10 and R@100 of every expansion that asks no model, on whole collections."""
    tables = _queries()
    names = {name: f"{name}, all queries" for name in COLLECTIONS}
    rows = [
        [
            row,
            *(
                f"{tables[t][row]['nDCG@10']:.3f} / {tables[t][row]['R@100']:.3f}"
                for t in names.values()
            ),
        ]
        for row in tables[names[COLLECTIONS[0]]]
    ]
    return table(["nDCG@10 / R@100", *names], rows)


def asking_expansions() -> list[str]:
    """What expansions that ask the embedded model are worth and cost, and those that ask none."""
    return _worth(
        ("nDCG@10", "R@100", "reranked nDCG@10"), lambda name: not name.startswith("fused, ")
    )


def steps() -> list[str]:
    """What searches in several steps are worth and cost with the embedded model."""
    return _worth(
        ("nDCG@10", "all@10", "reranked nDCG@10"),
        lambda name: name == "fused" or "," in name,
        "hotpotqa-hippo100",
    )


def _worth(measures: Sequence[str], wanted: Callable[[str], bool], only: str = "") -> list[str]:
    columns = (*measures, "added_ms", "calls", "added nothing")
    rows = [
        [
            f"{name}: {row}",
            *(_shown(found[column]) if column in found else "" for column in columns),
        ]
        for name, found_rows in _queries().items()
        if not name.endswith("all queries") and name.startswith(only)
        for row, found in found_rows.items()
        if wanted(row)
    ]
    return table(["collection: handled as", *columns], rows)


def _queries() -> Mapping[str, Mapping[str, Report]]:
    file = ROOT / "eval" / "results" / "queries" / "quality.json"
    found: Mapping[str, Mapping[str, Report]] = msgspec.json.decode(file.read_bytes())["tables"]
    return found


_SAME = {
    True: ", for the same order",
    False: " (what bf16 reads depends a little on what is read with it: the orders differ here)",
}


def _shown(value: float) -> str:
    """Return a share with four digits, anything else as it is."""
    return f"{value:.4f}" if 0 < value < 1 else f"{value:,}"


def _newest(folder: str) -> list[str]:
    rows: dict[str, list[str]] = {}
    for file in sorted((ROOT / "eval" / "results" / folder).glob("*.json")):
        link = f"../eval/results/{folder}/{file.stem}.md"
        for name, found in msgspec.json.decode(file.read_bytes())["sections"].items():
            rows[name] = [f"[{name}]({link})", shown(found["ratio"]), found["aim"], figures(found)]
    return table(["benchmark", "ratio", "aim", "figures"], list(rows.values()))


def judges() -> list[str]:
    """What the packaged model's judges are worth on the DL19 pool."""
    checks = sorted((RESULTS.parent / "judges").glob("*/judge-check.json"))
    return judges_overview([open_check(file) for file in checks])


_BENCHES = ("encode", "bulk", "http", "measures", "reports", "llm")
TABLES: Mapping[str, Callable[[], Sequence[str]]] = {
    "headline": headline,
    "fusion": fusion,
    "retrieval": retrieval,
    "abstention": abstention,
    "quoting": quoting,
    "answering": answering,
    "citations": citations,
    "answer_axes": answer_axes,
    "generators": generators,
    "judges": judges,
    "scale": scale,
    "rerankers": rerankers,
    "reranking_cost": reranking_cost,
    "expansions": expansions,
    "asking_expansions": asking_expansions,
    "steps": steps,
    "bench": partial(_newest, "bench"),
    **{f"bench_{of}": partial(_newest, f"bench-{of}") for of in _BENCHES},
}


def renewed(text: str) -> str:
    """Return a document with every marked table as the results say."""

    def fill(match: re.Match[str]) -> str:
        return match[1] + "\n".join(TABLES[match[2]]()) + "\n" + match[3]

    return _MARK.sub(fill, text)


def main() -> None:
    """Renew the tables of all documents."""
    for name in DOCUMENTS:
        file = ROOT / name
        file.write_text(renewed(file.read_text(encoding="utf-8")), encoding="utf-8")
        sys.stdout.write(f"{name}\n")


if __name__ == "__main__":
    main()
