"""Two systems' answers side by side: who is preferred, length or no length, and on each axis."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
import numpy as np

from eval.answers.intervals import interval, resampled
from eval.answers.judge import WORDS
from eval.answers.length import Array, controlled
from eval.answers.preferring import Pair, Preferred, Winner, order
from eval.answers.systems import System, dominant, pairs
from eval.markdown import made_by, table
from eval.provenance import provenance

Figures: TypeAlias = dict[str, Any]

REPORT_VERSION = 1
DRAWS = 1_000  # chosen: of a rate whose model is fitted anew for each
_ROUND = 6

NOTE = (
    "A pair is won where the judge prefers the same answer in both orders, else it is a tie, which "
    "counts half. The judge `words` prefers an answer that is better on one axis, coverage (W) or "
    "groundedness (WR all), and no worse on the other. At equal length is the prediction of a "
    "logistic model with lengths taken as equal. Differences are A less B. Intervals resample "
    "questions."
)
_POINTS: Mapping[Winner, float] = {"a": 1.0, "tie": 0.5, "b": 0.0}


def to_json(a: System, b: System, said: Mapping[str, Sequence[Preferred]] | None = None) -> Figures:
    """Return the comparison as JSON-able data: all that the Markdown says.

    Args:
        a: one system.
        b: the other.
        said: what models prefer, by their names, in the order of `pairs`.
    """
    shared = pairs(a, b)
    by_words = [
        dominant(*(each.scores.get(WORDS, {}).get(one.query_id, {}) for each in (a, b)))
        for one in shared
    ]
    lengths = np.array([len(one.a.split()) - len(one.b.split()) for one in shared], float)  # (n,)
    judges: Figures = {WORDS: _preferences(by_words, lengths)}
    for judge, each in (said or {}).items():
        judges[judge] = {
            **_preferences([one.winner for one in each], lengths),
            "order": asdict(order(each)),
        }
    return {
        "report_version": REPORT_VERSION,
        "systems": {"a": a.folder.name, "b": b.folder.name},
        "questions": len(shared),
        "only_a": len(a.answers) - len(shared),
        "only_b": len(b.answers) - len(shared),
        "words_a": float(np.mean([len(one.a.split()) for one in shared])),
        "words_b": float(np.mean([len(one.b.split()) for one in shared])),
        "judges": judges,
        "figures": _differences(a, b, shared),
        "provenance": provenance(),
    }


def _preferences(winners: Sequence[Winner | None], lengths: Array) -> Figures:
    """Return a's wins and its rates; no rates where nobody could say who wins."""
    known = [i for i, winner in enumerate(winners) if winner is not None]
    told: Figures = {
        "wins": list(winners).count("a"),
        "ties": list(winners).count("tie"),
        "losses": list(winners).count("b"),
        "not_judged": len(winners) - len(known),
    }
    if not known:
        return {**told, "rate": None, "at_equal_length": None}
    points = np.array([_POINTS[one] for one in winners if one is not None])  # (n,)
    apart = lengths[known]  # (n,)
    found = controlled(points, apart)
    drawn = [controlled(points[i], apart[i]) for i in resampled(len(known), DRAWS)]
    return {
        **told,
        "rate": _between(found.raw, [one.raw for one in drawn]),
        "at_equal_length": {
            **_between(found.controlled, [one.controlled for one in drawn]),
            "length": round(found.length, _ROUND),
        },
    }


def _between(value: float, drawn: Sequence[float]) -> Figures:
    low, high = np.percentile(drawn, [2.5, 97.5])
    return {
        "mean": round(value, _ROUND),
        "low": round(float(low), _ROUND),
        "high": round(float(high), _ROUND),
    }


def _differences(a: System, b: System, shared: Sequence[Pair]) -> Figures:
    """Return every figure's mean difference by the judges of both, over what both have."""
    told: Figures = {}
    for judge in (name for name in a.scores if name in b.scores):
        ours, theirs = a.scores[judge], b.scores[judge]
        names = dict.fromkeys(name for found in ours.values() for name in found)
        told[judge] = {
            name: _difference(
                [
                    (x, y)
                    for one in shared
                    if (x := ours.get(one.query_id, {}).get(name)) is not None
                    and (y := theirs.get(one.query_id, {}).get(name)) is not None
                ]
            )
            for name in names
        }
    return told


def _difference(both: Sequence[tuple[float, float]]) -> Figures:
    if not both:
        return {"questions": 0}
    low, high = interval([x - y for x, y in both])
    means = np.array(both).mean(axis=0)  # (2,)
    return {
        "questions": len(both),
        "a": round(float(means[0]), _ROUND),
        "b": round(float(means[1]), _ROUND),
        "difference": round(float(means[0] - means[1]), _ROUND),
        "low": round(low, _ROUND),
        "high": round(high, _ROUND),
    }


def to_markdown(report: Figures) -> str:
    """Return the comparison as Markdown."""
    names, judges = report["systems"], report["judges"]
    rows = [
        [
            judge,
            f"{one['wins']} / {one['ties']} / {one['losses']}",
            str(one["not_judged"]),
            _rate(one["rate"]),
            _rate(one["at_equal_length"]),
            *(_order(one["order"]) if "order" in one else ("–", "–", "–")),
        ]
        for judge, one in judges.items()
    ]
    head = ["judge", "A wins / ties / B wins", "not judged", "A's win rate", "at equal length"]
    lines = [
        f"# A ({names['a']}) against B ({names['b']})",
        "",
        (
            f"{report['questions']:,} questions that both were asked; {report['only_a']:,} only A, "
            f"{report['only_b']:,} only B. An answer has {report['words_a']:.1f} words by A, "
            f"{report['words_b']:.1f} by B."
        ),
        "",
        *table([*head, "consistent", "primacy", "recency"], rows),
        "",
        NOTE,
        "",
    ]
    for judge, found in report["figures"].items():
        body = [
            [
                name,
                str(one["questions"]),
                f"{one['a']:.3f}",
                f"{one['b']:.3f}",
                f"{one['difference']:+.3f}",
                f"{one['low']:+.3f} to {one['high']:+.3f}",
            ]
            for name, one in found.items()
            if one["questions"]
        ]
        columns = [f"judged by {judge}", "questions", "A", "B", "A − B", "95 %"]
        lines += [*table(columns, body), ""]
    return "\n".join([*lines, made_by(report["provenance"]), ""])


def _rate(rate: Figures | None) -> str:
    return "–" if rate is None else f"{rate['mean']:.3f} ({rate['low']:.3f} to {rate['high']:.3f})"


def _order(found: Figures) -> list[str]:
    shares = [found[name] for name in ("consistent", "primacy", "recency")]
    return ["–" if share is None else f"{share:.3f}" for share in shares]


def write_comparison(report: Figures, out: Path) -> Path:
    """Write `comparison.json` and `comparison.md` into a folder; return the Markdown."""
    encoded = msgspec.json.format(msgspec.json.encode(report))
    (out / "comparison.json").write_bytes(encoded + b"\n")
    markdown = out / "comparison.md"
    markdown.write_text(to_markdown(report), encoding="utf-8")
    return markdown
