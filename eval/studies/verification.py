"""Does verification see what carries a sentence? `python -m eval.studies.verification --out DIR`.

On SciFact's claims (Wadden et al., EMNLP 2020): whether the ladder's score tells the rationale
sentences of an abstract from its other sentences, beside BM25 and the cosine alone; and whether
sentences that were made wrong in one place are found out by their originals. No language model.
"""

import asyncio
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
from rank_bm25 import BM25Plus

from eval.data.collection import numbered_lines, read_qrels
from eval.markdown import table
from eval.measuring import measuring
from eval.provenance import provenance
from eval.studies.perturbing import harmless, wrong
from rag.outside.words import words
from rag.seams import Encoder
from rag.settings import quiet
from rag.values import Frozen, Support, Vector
from rag.verify.facts import missing
from rag.verify.ladder import RANK, Carries, Verdict

Split = Literal["train", "test"]
Label = Literal["SUPPORT", "CONTRADICT"]
SPLITS: tuple[Split, ...] = ("train", "test")
SYSTEMS = ("ladder", "ladder, support first", "dense", "BM25")
SUPPORTS: tuple[Support, ...] = ("full", "partial", "none")
LABELS: Mapping[str, frozenset[Label]] = {
    "all": frozenset({"SUPPORT", "CONTRADICT"}),
    "supported": frozenset({"SUPPORT"}),
    "contradicted": frozenset({"CONTRADICT"}),
}
_ROUND = 4


class _Evidence(msgspec.Struct, frozen=True):
    label: Label
    sentences: list[list[int]]


class _Metadata(msgspec.Struct, frozen=True):
    evidence: dict[str, _Evidence]


class _Row(msgspec.Struct, frozen=True):
    id: str = msgspec.field(name="_id")
    text: str
    metadata: _Metadata


class _Abstract(msgspec.Struct, frozen=True):
    id: str = msgspec.field(name="_id")
    sentences: list[str]


@dataclass(frozen=True, slots=True)
class Claim(Frozen):
    """A claim, the sentences of an abstract that was judged for it, and which are the rationale."""

    text: str
    label: Label
    split: Split
    sentences: tuple[str, ...]
    rationale: frozenset[int]


@dataclass(frozen=True, slots=True)
class Read(Frozen):
    """What every system says of each sentence of a claim's abstract."""

    claim: Claim
    scores: Mapping[str, tuple[float, ...]]
    verdicts: tuple[Verdict, ...]


def read_claims(folder: Path) -> tuple[Claim, ...]:
    """Return the claims that have evidence, one per judged abstract, in the file's order."""
    abstracts = {
        row.id: tuple(row.sentences)
        for _, line in numbered_lines(folder / "sentences.jsonl.gz")
        for row in [msgspec.json.decode(line, type=_Abstract)]
    }
    train = frozenset(read_qrels(folder / "qrels" / "train.tsv"))
    return tuple(
        Claim(
            row.text,
            found.label,
            "train" if row.id in train else "test",
            abstracts[document],
            frozenset(i for group in found.sentences for i in group),
        )
        for _, line in numbered_lines(folder / "queries.jsonl")
        for row in [msgspec.json.decode(line, type=_Row)]
        for document, found in row.metadata.evidence.items()
    )


async def encoded(texts: Iterable[str], encoder: Encoder) -> Mapping[str, Vector]:
    """Return the vector of each text; each is encoded once."""
    each = list(dict.fromkeys(texts))
    rows = await encoder.encode(each, "document")  # (n, h)
    return dict(zip(each, rows, strict=True))


def read(claim: Claim, vectors: Mapping[str, Vector]) -> Read:
    """Return what the systems say of a claim."""
    carries = Carries(vectors, claim.sentences)
    verdicts = tuple(carries((sentence,), claim.text) for sentence in claim.sentences)
    bm25 = BM25Plus([list(words(sentence)) or [""] for sentence in claim.sentences])
    scores = {
        "ladder": tuple(one.score for one in verdicts),
        "ladder, support first": tuple(RANK[one.support] + one.score for one in verdicts),
        "dense": tuple(float(vectors[text] @ vectors[claim.text]) for text in claim.sentences),
        "BM25": tuple(map(float, bm25.get_scores(list(words(claim.text))))),
    }
    return Read(claim, scores, verdicts)


def auc(rationale: Sequence[float], others: Sequence[float]) -> float:
    """Return how often a rationale sentence has the higher score; equal ones count half.

    >>> auc([0.9, 0.5], [0.5, 0.1])
    0.875
    """
    difference = np.subtract.outer(np.asarray(rationale), np.asarray(others))  # (r, o)
    return float((difference > 0).mean() + 0.5 * (difference == 0).mean())


def parted(one: Read, system: str) -> tuple[list[float], list[float]]:
    """Return a system's scores of the rationale, and of the other sentences."""
    scores = one.scores[system]
    rationale = [score for i, score in enumerate(scores) if i in one.claim.rationale]
    return rationale, [score for i, score in enumerate(scores) if i not in one.claim.rationale]


def aucs(reads: Sequence[Read]) -> dict[str, dict[str, float]]:
    """Return each system's mean AUC over the claims, and that over all sentences together.

    Claims whose abstract is nothing but rationale are left out.
    """
    found = {}
    for system in SYSTEMS:
        pairs = [pair for one in reads if all(pair := parted(one, system))]
        pooled = auc([s for r, _ in pairs for s in r], [s for _, o in pairs for s in o])
        mean = float(np.mean([auc(*pair) for pair in pairs]))
        found[system] = {"mean": round(mean, _ROUND), "pooled": round(pooled, _ROUND)}
    return found


def supports(reads: Sequence[Read]) -> dict[str, dict[str, float]]:
    """Return how the supports are spread over rationale (by label) and other sentences."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for one in reads:
        for i, verdict in enumerate(one.verdicts):
            of = f"rationale, {one.claim.label}" if i in one.claim.rationale else "other sentences"
            counts[of][verdict.support] += 1
            counts[of]["settled by facts"] += verdict.method == "facts"
    rows: dict[str, dict[str, float]] = {}
    for of, found in sorted(counts.items(), reverse=True):
        n = sum(found[support] for support in SUPPORTS)
        shares = {name: round(found[name] / n, _ROUND) for name in (*SUPPORTS, "settled by facts")}
        rows[of] = {"n": n, **shares}
    return rows


def rates(pairs: Iterable[tuple[str, str, str]]) -> dict[str, dict[str, float]]:
    """Return by kind the number of pairs, and the share in which a fact is missing."""
    found: dict[str, list[bool]] = defaultdict(list)
    for kind, original, text in pairs:
        found[kind].append(bool(missing(text, [original])))
    return {
        kind: {"n": len(each), "share": round(sum(each) / len(each), _ROUND)}
        for kind, each in found.items()
    }


def measured(claims: Sequence[Claim], vectors: Mapping[str, Vector]) -> dict[str, Any]:
    """Return all figures of the report."""
    reads = [read(claim, vectors) for claim in claims]
    groups = {
        f"{split}, {name}": [r for r in reads if r.claim.split == split and r.claim.label in labels]
        for split in SPLITS
        for name, labels in LABELS.items()
    }
    rationale = sorted({one.sentences[i] for one in claims for i in one.rationale})
    return {
        "claims": {name: len(group) for name, group in groups.items()},
        "auc": {name: aucs(group) for name, group in groups.items() if group},
        "supports": {
            split: supports([one for one in reads if one.claim.split == split]) for split in SPLITS
        },
        "detected": rates(wrong(rationale)),
        "false_alarms": rates(harmless(rationale)),
    }


def to_markdown(report: Mapping[str, Any]) -> list[str]:
    """Return the lines of the report."""
    return [
        "# Verification: is a sentence carried by what it cites?",
        "",
        "AUC: how often a rationale sentence of SciFact has a higher score for its claim than",
        "another sentence of the same abstract; mean over claims / all sentences together. Weights",
        "and thresholds were chosen on train.",
        "",
        *table(["claims", "n", *SYSTEMS], list(_auc_rows(report))),
        "",
        "What the ladder says, share of sentences:",
        "",
        *table(["sentences", "n", *SUPPORTS, "settled by facts"], list(_support_rows(report))),
        "",
        "Rationale sentences made wrong in one place, evidence the original: share found out. The",
        "rules were improved on these sentences, so that others may be found out less often.",
        "",
        *table(["changed", "n", "detected"], list(_rate_rows(report["detected"]))),
        "",
        "The same sentences only written otherwise: share with a fault.",
        "",
        *table(["written", "n", "false alarms"], list(_rate_rows(report["false_alarms"]))),
        "",
    ]


def _auc_rows(report: Mapping[str, Any]) -> Iterator[list[str]]:
    for name, found in report["auc"].items():
        cells = (f"{found[s]['mean']:.3f} / {found[s]['pooled']:.3f}" for s in SYSTEMS)
        yield [name, str(report["claims"][name]), *cells]


def _support_rows(report: Mapping[str, Any]) -> Iterator[list[str]]:
    for split, rows in report["supports"].items():
        for of, found in rows.items():
            cells = (f"{found[name]:.3f}" for name in (*SUPPORTS, "settled by facts"))
            yield [f"{split}, {of}", str(found["n"]), *cells]


def _rate_rows(rows: Mapping[str, Any]) -> Iterator[list[str]]:
    for kind, found in rows.items():
        yield [kind, str(found["n"]), f"{found['share']:.3f}"]


def main() -> None:
    """Measure and write `report.json` and `report.md`."""
    options = measuring(__doc__).parse_args()
    quiet()
    from indexers.encoders.dense import DenseEncoder  # torch takes seconds to import

    claims = read_claims(options.collections / "scifact")
    texts = (text for claim in claims for text in (claim.text, *claim.sentences))
    vectors = asyncio.run(encoded(texts, DenseEncoder()))
    report = measured(claims, vectors) | {"provenance": provenance()}
    options.out.mkdir(parents=True, exist_ok=True)
    text = msgspec.json.format(msgspec.json.encode(report))
    (options.out / "report.json").write_bytes(text + b"\n")
    where = report["provenance"]
    lines = to_markdown(report)
    lines.append(f"`{where['command']}`, commit `{where['commit'] or 'unknown'}`, {where['time']}.")
    (options.out / "report.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
