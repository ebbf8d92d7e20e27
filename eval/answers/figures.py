"""The figures of checked answers: what was answered, how it is cited, what it cost."""

import re
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec
import numpy as np

from eval.answers.asking import Checked, Misquoted
from eval.answers.citations import Quality, pooled
from rag.values import Cost, Stage

Figures: TypeAlias = dict[str, Any]

LISTED = 20  # misquotations, and citations of nothing, that a report names
_ROUND = 6


def measured(checked: Sequence[Checked]) -> Figures:
    """Return all figures of answers; means and shares of nothing are 0."""
    answers = [one.told.answer for one in checked]
    given = [one for one in checked if not one.told.answer.abstained]
    told = [one.told.answer for one in given]
    sentences = [sentence for answer in told for sentence in answer.sentences]
    costs = sum((stage.cost for answer in answers for stage in answer.trace), Cost())
    return {
        "queries": len(checked),
        "answerable": {
            word: sum(answer.answerable == word for answer in answers)
            for word in ("yes", "partial", "no")
        },
        "answers": len(given),
        "sentences": len(sentences),
        "sentences_per_answer": _share(len(sentences), len(given)),
        "words_per_answer": _share(sum(len(one.text.split()) for one in sentences), len(given)),
        "citations": sum(len(one.citations) for one in sentences),
        "uncited_sentences": sum(not one.citations for one in sentences),
        "quotes": sum(one.quotes for one in checked),
        "bad_quotes": sum(len(one.misquoted) for one in checked),
        "dangling_citations": sum(len(one.dangling) for one in checked),
        "quality": {
            name: {"answers given": _told(map(of, given)), "all queries": _told(map(of, checked))}
            for name, of in QUALITIES.items()
        },
        "contradictions": sum(len(answer.contradictions) for answer in answers),
        "answers_with_contradictions": sum(bool(answer.contradictions) for answer in answers),
        "verification": _verification([stage for answer in answers for stage in answer.trace]),
        "cost": msgspec.to_builtins(costs),
        "seconds": _percentiles([one.told.seconds for one in checked]),
    }


QUALITIES: Mapping[str, Callable[[Checked], Quality]] = {
    "ALCE": lambda one: one.citations.alce,
    "TREC, first citation": lambda one: one.citations.first,
    "TREC, all citations": lambda one: one.citations.every,
}


def _told(qualities: Iterable[Quality]) -> Figures:
    found = pooled(qualities)
    return {
        "recall": round(found.recall, _ROUND),
        "precision": round(found.precision, _ROUND),
        "failed": found.failed,
    }


_KEPT = re.compile(r"(?P<kept>\d+) of (?P<before>\d+) sentences kept")
_REPAIRED = re.compile(r"(?P<repaired>\d+) (?:sentences? )?repaired")


def _verification(stages: Iterable[Stage]) -> Figures | None:
    """Return what the traces tell of sentences that were verified; None where none tells."""
    details = [stage.detail for stage in stages if stage.name.startswith("verify")]
    if not details:
        return None
    kept = [found for found in map(_KEPT.search, details) if found]
    repaired = [found for found in map(_REPAIRED.search, details) if found]
    return {
        "answers": len(details),
        "dropped": sum(int(found["before"]) - int(found["kept"]) for found in kept),
        "repaired": sum(int(found["repaired"]) for found in repaired),
    }


def _percentiles(seconds: Sequence[float]) -> Figures:
    if not seconds:
        return {"median": 0.0, "p95": 0.0}
    p95 = float(np.percentile(seconds, 95))
    return {"median": round(statistics.median(seconds), _ROUND), "p95": round(p95, _ROUND)}


def _share(of: float, among: int) -> float:
    return round(of / among, 2) if among else 0.0


def faulty(checked: Iterable[Checked]) -> list[Figures]:
    """Return the first quotes that are not in their documents, and citations of no reference."""
    bad = [one for each in checked for one in each.misquoted]
    loose = [(each.told.query_id, one) for each in checked for one in each.dangling]
    return [
        *map(_misquotation, bad[:LISTED]),
        *(
            {"query": query_id, "document": one.document_id, "ref": one.ref}
            for query_id, one in loose[:LISTED]
        ),
    ]


def _misquotation(one: Misquoted) -> Figures:
    cited = one.citation
    return {
        "query": one.query_id,
        "document": cited.document_id,
        "span": [cited.start, cited.end],
        "quote": cited.quote,
        "stands": one.stands,
    }
