"""The report of checked answers: JSON first, Markdown made from the JSON, answers as TREC's."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias

import msgspec

from eval.answers import axes
from eval.answers.asking import Answers
from eval.answers.figures import LISTED, Figures, faulty, measured
from eval.answers.scoring import Judged, together
from eval.markdown import inside, made_by, table
from eval.provenance import provenance
from rag.citing.trec import trec_rag
from rag.settings import Settings

REPORT_VERSION = 2  # 1 had no judges

Judges: TypeAlias = Mapping[Path, Sequence[Judged]]
"""What judges say of the answers from each folder, the same judges of all."""

NOTE = (
    "Recall and precision of citations are automatic: the verification ladder, no NLI model, says "
    "whether quotes carry a sentence, by facts, words and vectors. For ALCE's measures all quotes "
    'that a sentence cites are read together, and "full" is entailment; for TREC\'s weighted '
    "support (R, P) each is judged alone, full 1, partial .5, none 0. A quote that is not in its "
    "document carries nothing. Means are over answers; abstentions are left out, or count 0 where "
    "all queries are meant."
)


def generator(settings: Settings) -> str:
    """Return the name of what writes the answers."""
    return settings.answer.generator


AXES = (
    "Coverage counts a question that was not answered 0; groundedness is of the answers given. "
    "Without are answers for which there is no such figure, not judged is what a judge could not "
    "say: neither is in a mean. The judge `words` reads facts and words, and no meaning; what it "
    "says of citations is the verification ladder's. Intervals resample questions."
)


def write_report(
    found: Sequence[Answers],
    settings: Settings,
    out: Path,
    judges: Judges = MappingProxyType({}),
) -> Path:
    """Write `report.json` and `report.md` into a folder; return the Markdown."""
    report = to_json(
        found, settings, judges
    )  # first: what is written below may lie in the checkout
    out.mkdir(parents=True, exist_ok=True)
    encoded = msgspec.json.format(msgspec.json.encode(report))
    (out / "report.json").write_bytes(encoded + b"\n")
    markdown = out / "report.md"
    markdown.write_text(to_markdown(report), encoding="utf-8")
    return markdown


def write_answers(found: Answers, settings: Settings, file: Path) -> None:
    """Write the answers as lines of a TREC RAG 2024 run, named for what wrote them."""
    name = generator(settings)
    rows = [trec_rag(one.told.answer, name, one.told.query_id) for one in found.checked]
    file.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))


def write_scores(judged: Sequence[Judged], file: Path) -> None:
    """Write a line per answer: what every judge says of it, by the names of figures."""
    rows = [
        {
            "_id": each[0].query_id,
            "answerable": each[0].answerable,
            "answered": each[0].answered,
            "words": each[0].words,
            "judges": {by.judge: axes.values(one) for by, one in zip(judged, each, strict=True)},
        }
        for each in zip(*(one.scores for one in judged), strict=True)
    ]
    file.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))


def to_json(
    found: Sequence[Answers], settings: Settings, judges: Judges = MappingProxyType({})
) -> Figures:
    """Return the report as JSON-able data: all that the Markdown says."""
    return {
        "report_version": REPORT_VERSION,
        "collections": {
            one.folder.resolve().name: {
                **_collection(one),
                "judges": _judges(judges.get(one.folder, ())),
            }
            for one in found
        },
        "all": measured([checked for one in found for checked in one.checked]),
        "judges": _judges(together(list(judges.values()))),
        "configuration": {**_shared([one.configuration for one in found]), **_answering(settings)},
        "provenance": provenance(),
    }


def _collection(found: Answers) -> Figures:
    reasons = [one.told.answer.reason for one in found.checked if one.told.answer.abstained]
    return {
        "index": {
            "documents": found.index.documents,
            "chunks": found.index.chunks,
            "faults": [inside(found.folder, str(fault)) for fault in found.index.faults],
        },
        "figures": measured(found.checked),
        "abstentions": dict(Counter(reasons).most_common(LISTED)),
        "faulty": faulty(found.checked),
        "failed": dict(found.failed),
    }


def _judges(judged: Sequence[Judged]) -> Figures:
    return {one.judge: axes.figures(one) for one in judged}


def _shared(configurations: Sequence[Mapping[str, object]]) -> Figures:
    """Return what is the same for every collection."""
    first, *others = configurations
    return {k: v for k, v in first.items() if all(other[k] == v for other in others)}


def _answering(settings: Settings) -> Figures:
    """Return the settings that answers depend on; of a file its name alone."""
    values = {
        "generator": generator(settings),
        **msgspec.to_builtins(settings.answer),
        "calibration": Path(settings.answer.calibration).name,
    }
    return {
        "preset": settings.search.preset,
        "rerank.method": settings.rerank.method,
        **{f"answer.{name}": value for name, value in values.items()},
    }


COLUMNS: Mapping[str, Callable[[Figures], str]] = {
    "queries": lambda f: f"{f['queries']:,}",
    "yes / partial / no": lambda f: " / ".join(f"{n:,}" for n in f["answerable"].values()),
    "sentences": lambda f: f"{f['sentences_per_answer']:.2f}",
    "words": lambda f: f"{f['words_per_answer']:.1f}",
    "quotes": lambda f: f"{f['quotes']:,}",
    "bad": lambda f: f"{f['bad_quotes']:,}",
    "dangling": lambda f: f"{f['dangling_citations']:,}",
    "ALCE recall / precision": lambda f: _pair(f, "ALCE"),
    "first R / P": lambda f: _pair(f, "TREC, first citation"),
    "all R / P": lambda f: _pair(f, "TREC, all citations"),
    "median / 95 % s": lambda f: f"{f['seconds']['median']:.3f} / {f['seconds']['p95']:.3f}",
}
"""What a row of figures says; the qualities are those of the answers given."""


def _pair(figures: Figures, name: str, over: str = "answers given") -> str:
    found = figures["quality"][name][over]
    return f"{found['recall']:.3f} / {found['precision']:.3f}"


def overview(report: Figures) -> list[str]:
    """Return a table with a row for each collection, and one for all where there are several."""
    rows = {name: found["figures"] for name, found in report["collections"].items()}
    rows |= {"in all": report["all"]} if len(rows) > 1 else {}
    body = [[name, *(say(figures) for say in COLUMNS.values())] for name, figures in rows.items()]
    return table(["collection", *COLUMNS], body)


def to_markdown(report: Figures) -> str:
    """Return the report as Markdown."""
    figures, collections = report["all"], report["collections"]
    settings = [[key, str(value)] for key, value in report["configuration"].items()]
    qualities = [
        [
            name,
            _pair(figures, name),
            _pair(figures, name, "all queries"),
            str(both["all queries"]["failed"]),
        ]
        for name, both in figures["quality"].items()
    ]
    lines = [
        f"# Answers on {', '.join(collections)}",
        "",
        verdict(report),
        "",
        *overview(report),
        "",
        *table(["recall / precision", "answers given", "all queries", "not judged"], qualities),
        "",
        NOTE,
        "",
        *_axes(report.get("judges", {})),
        _more(figures),
        "",
        *_listed(collections),
        *table(["setting", "value"], settings),
        "",
        made_by(report["provenance"]),
        "",
    ]
    return "\n".join(lines)


def _axes(judges: Figures) -> list[str]:
    """Return the lines of what judges say; none where nobody was asked."""
    lines = [line for judge, found in judges.items() for line in axes.shown(judge, found)]
    return [*lines, AXES, ""] if lines else []


def verdict(report: Figures) -> str:
    """Return in a line how many quotes stand, and what was left out."""
    figures, collections = report["all"], report["collections"].values()
    faults = sum(len(one["index"]["faults"]) for one in collections)
    return (
        f"{figures['bad_quotes']:,} bad quotes of {figures['quotes']:,} and "
        f"{figures['dangling_citations']:,} dangling citations in {figures['answers']:,} answers "
        f"to {figures['queries']:,} queries, from "
        f"{sum(one['index']['documents'] for one in collections):,} documents; "
        f"{faults:,} inputs skipped, {sum(len(one['failed']) for one in collections):,} queries "
        "failed."
    )


def _more(figures: Figures) -> str:
    cost, checks = figures["cost"], figures["verification"]
    verified = "The traces tell of no verification."
    if checks is not None:
        repaired = f"{checks['repaired']:,}"
        verified = (
            f"{checks['answers']:,} answers were verified: {checks['dropped']:,} sentences "
            f"dropped, {repaired} repaired."
        )
    return (
        f"{figures['sentences']:,} sentences, {figures['uncited_sentences']:,} of them uncited, "
        f"with {figures['citations']:,} citations; {figures['contradictions']:,} contradictions "
        f"shown in {figures['answers_with_contradictions']:,} answers. {verified} "
        f"{cost['calls']:,} calls of a model, {cost['cached']:,} of them from the cache, "
        f"{cost['tokens_in']:,} tokens read, {cost['tokens_out']:,} written."
    )


def _listed(collections: Figures) -> list[str]:
    """Return the lines of what went wrong; none where nothing did."""
    lines = [
        f"- {name}, query {query}"
        for name, found in collections.items()
        for query in (
            *map(_said, found["faulty"]),
            *(f"{one}: {why}" for one, why in list(found["failed"].items())[:LISTED]),
        )
    ]
    return [*lines, ""] if lines else []


def _said(one: Figures) -> str:
    where = f"{one['query']}, document {one['document']}"
    if "ref" in one:
        return f"{where}: [{one['ref']}] is not among the references"
    start, end = one["span"]
    stands = "the document is gone" if one["stands"] is None else f"there stands {one['stands']!r}"
    return f"{where}, characters {start}–{end}: {one['quote']!r} is not there, {stands}"
