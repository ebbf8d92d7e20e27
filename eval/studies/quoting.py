"""How far quoted sentences are those that people selected, by way of choosing them."""

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias

import msgspec
import numpy as np

from eval.studies.clapnq import Asked, Passage, overlap
from rag.calibrate import Fact, fitted
from rag.logistic import Logistic
from rag.quoting.choosing import Limits, chosen
from rag.quoting.features import documents, of_documents, of_lines
from rag.quoting.likely import Likely
from rag.quoting.lines import Read
from rag.settings import Settings
from rag.values import Frozen

Picked: TypeAlias = frozenset[str]
"""Sentences of the collection, by their text."""
Passages: TypeAlias = Mapping[str, Passage]

L2 = 10.0  # chosen, all questions seen: 2 to 60 differ by less than .004
SHUFFLES = 5  # chosen: how often the questions are parted anew
LIMITS = Limits(Settings().answer.sentences)
FLOOR = Settings().answer.floor
DAY = date(2026, 11, 22)  # of models that nobody keeps


@dataclass(frozen=True, slots=True, eq=False)
class Seen(Frozen):
    """A question with what was found for it.

    `dense` are the best passage by its vector, its sentences by their cosines, and that passage's
    own cosine: what the simplest answer would be made of.
    """

    asked: Asked
    found: Read
    evidence: Mapping[str, float]
    passage: str
    cosines: tuple[float, ...]
    similarity: float


@dataclass(frozen=True, slots=True)
class Facts(Frozen):
    """What a question tells a model of what people quote."""

    documents: tuple[Fact, ...]
    lines: tuple[Fact, ...]


def quoting(seen: Sequence[Seen], passages: Passages) -> dict[str, Any]:
    """Return the overlap with what people selected, by way of choosing."""
    told = [one for one in seen if one.asked.selected]
    facts = [facts_of(one, passages) for one in told]
    ways: dict[str, Callable[[Seen], Picked]] = {
        "first 3 of the top passage": lambda one: _of_top(one, range(3), passages),
        "3 best by cosine of the top passage": lambda one: _of_top(
            one, _nearest(one)[:3], passages
        ),
        "4 best by cosine of the top passage": lambda one: _of_top(
            one, _nearest(one)[:4], passages
        ),
        "all of the top passage": lambda one: frozenset(passages[one.passage].sentences),
        "cosine and BM25, 3 of 5 passages": lambda one: _of(one, _by_both(one), passages),
    }
    worth = {name: [[way(one)] for one in told] for name, way in ways.items()}
    for parts, called in {2: "half", 10: "nine tenths"}.items():
        worth[f"fitted on {called} of the questions, 5 passages"] = [
            [_of(one, lines, passages) for lines in held]
            for one, held in zip(told, held_out(told, facts, parts), strict=True)
        ]
    first = [
        statistics.mean(overlap(picked, one.asked.selected[0]) for picked in picks)
        for one, picks in zip(told, list(worth.values())[-1], strict=True)
    ]
    return {
        "questions": len(told),
        "rows": {name: _means(told, picks) for name, picks in worth.items()},
        "standard error": round(statistics.stdev(first) / math.sqrt(len(first)), 4),
        "at most": _at_most(told, passages),
        "weights": msgspec.to_builtins(_rounded(fit(facts))),
    }


def held_out(told: Sequence[Seen], facts: Sequence[Facts], parts: int) -> list[list[list[int]]]:
    """Return, for each question, the lines chosen by models that were fitted without its part.

    There are `SHUFFLES` of them: the questions are parted anew for each.
    """
    found: list[list[list[int]]] = [[] for _ in told]
    for seed in range(SHUFFLES):
        order = np.random.default_rng(seed).permutation(len(told)).tolist()
        for part in range(parts):
            out = set(order[part::parts])
            model = fit([one for i, one in enumerate(facts) if i not in out])
            for i in out:
                read = told[i].found
                found[i].append(chosen(read, model.probabilities(read), LIMITS))
    return found


def fit(facts: Sequence[Facts]) -> Likely:
    """Return the model of what people quote that questions tell."""
    return Likely(
        document=fitted([fact for one in facts for fact in one.documents], DAY, L2),
        line=fitted([fact for one in facts for fact in one.lines], DAY, L2),
    )


def facts_of(one: Seen, passages: Passages) -> Facts:
    """Return which documents people quoted, and which lines of those, by the first annotation."""
    whole: list[Fact] = []
    lines: list[Fact] = []
    selected = one.asked.selected[0]
    for told, places in zip(of_documents(one.found), documents(one.found), strict=True):
        labels = [bool(_of(one, [i], passages) & selected) for i in places]
        whole.append((told, any(labels)))
        if any(labels):
            lines += zip(of_lines(one.found, places), labels, strict=True)
    return Facts(tuple(whole), tuple(lines))


_AGAINST: Mapping[str, Callable[[Sequence[float]], float]] = {
    "first annotation": lambda found: found[0],
    "nearest annotation": max,
}


def _means(told: Sequence[Seen], picks: Sequence[Sequence[Picked]]) -> Mapping[str, float]:
    return {
        measure: round(
            statistics.mean(
                best([overlap(picked, gold) for gold in one.asked.selected])
                for one, of_one in zip(told, picks, strict=True)
                for picked in of_one
            ),
            4,
        )
        for measure, best in _AGAINST.items()
    }


def _at_most(told: Sequence[Seen], passages: Passages) -> Mapping[str, float]:
    """Return what other people and whoever knows the selection would reach."""
    several = [one.asked.selected for one in told if len(one.asked.selected) > 1]
    known = [
        overlap(_of(one, _right(one, passages), passages), one.asked.selected[0]) for one in told
    ]
    return {
        "second annotation with the first": round(
            statistics.mean(overlap(second, first) for first, second, *_ in several), 4
        ),
        "every found line that was selected": round(statistics.mean(known), 4),
    }


def _right(one: Seen, passages: Passages) -> list[int]:
    selected = one.asked.selected[0]
    return [i for i in range(len(one.found.lines)) if _of(one, [i], passages) & selected]


def _of_top(one: Seen, places: Sequence[int], passages: Passages) -> Picked:
    sentences = passages[one.passage].sentences
    return frozenset(sentences[i] for i in places if i < len(sentences))


def _nearest(one: Seen) -> list[int]:
    return sorted(range(len(one.cosines)), key=lambda i: (-one.cosines[i], i))


def _by_both(one: Seen) -> list[int]:
    """Return what was chosen before: at most three over the floor, by the mean of two scores."""
    lines = one.found.lines
    passing = [i for i, line in enumerate(lines) if line.cosine >= FLOOR]
    return sorted(passing, key=lambda i: (-lines[i].cosine - lines[i].lexical, i))[:3]


def _of(one: Seen, lines: Sequence[int], passages: Passages) -> Picked:
    """Return the collection's sentences that lines quote: those they share half with."""
    found = set()
    for line in (one.found.lines[i] for i in lines):
        end, passage = line.start + len(line.text), passages[line.document]
        for text, (start, stop) in zip(passage.sentences, passage.places, strict=True):
            common = min(end, stop) - max(line.start, start)
            if 2 * common > min(stop - start, len(line.text)):
                found.add(text)
    return frozenset(found)


def _rounded(model: Likely) -> Mapping[str, object]:
    return {"document": _table(model.document), "line": _table(model.line)}


def _table(model: Logistic) -> Mapping[str, object]:
    terms = {
        name: [round(n, 4) for n in (term.weight, term.mean, term.scale)]
        for name, term in model.terms.items()
    }
    return {"bias": round(model.bias, 4), "terms": terms}
