"""Measures as values, in the names of ir_measures: `nDCG@10`, `AP(rel=2)`, `RBP(p=0.9,rel=1)`."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from rag.errors import BadInput
from rag.values import Frozen

Value = int | float | bool | str


@dataclass(frozen=True, slots=True)
class Family(Frozen):
    """A kind of measure: the parameters it takes with their defaults, and whether a cutoff.

    `line` is its definition, as docs/measures.md has it.
    """

    line: str
    takes: Mapping[str, Value]
    cutoff: Literal["required", "optional", "none"]


_REL = {"rel": 1}
_RANKED = {"rel": 1, "judged_only": False}

FAMILIES: Mapping[str, Family] = {
    "nDCG": Family(
        "Σ grade ÷ log2(rank + 1), divided by that of the best order of all judged documents",
        {"dcg": "log2", "judged_only": False},
        "optional",
    ),
    "AP": Family("mean of P at the rank of every relevant document", _RANKED, "optional"),
    "RR": Family(
        "1 ÷ rank of the first relevant document, 0 if there is none", _RANKED, "optional"
    ),
    "P": Family("relevant documents in the first k, ÷ k", _RANKED, "required"),
    "R": Family("relevant documents in the first k, ÷ all relevant", _RANKED, "required"),
    "Rprec": Family("P at the number of relevant documents", _RANKED, "none"),
    "Success": Family("1 if a relevant document is in the first k, else 0", _RANKED, "required"),
    "F1": Family("harmonic mean of P@k and R@k", _RANKED, "required"),
    "RBP": Family(
        "(1 − p) Σ gain · p^(rank − 1); gain is grade ÷ gmax, with rel 1 or 0",
        {"p": 0.8, "rel": 0, "gmax": 0, "judged_only": False},
        "optional",
    ),
    "RBPResidual": Family(
        "what RBP could still gain from unjudged documents and from those behind the last",
        {"p": 0.8},
        "optional",
    ),
    "ERR": Family(
        "Σ 1 ÷ rank · chance to stop there, by (2^grade − 1) ÷ 2^gmax",
        {"gmax": 0, "judged_only": False},
        "optional",
    ),
    "Bpref": Family(
        "mean over relevant documents of 1 − judged non-relevant above ÷ min(R, N)", _REL, "none"
    ),
    "infAP": Family("AP as expected where only a sample of the pool was judged", _REL, "none"),
    "Judged": Family("documents with a judgment, ÷ those returned, in the first k", {}, "optional"),
    "Unjudged": Family("documents without a judgment in the first k, ÷ k", {}, "required"),
}
"""By ir_measures' name where it has one."""

_ALIASES = {"map": "AP", "mrr": "RR", "precision": "P", "recall": "R", "hit": "Success"}
_NAMES = {name.lower(): name for name in FAMILIES} | _ALIASES
_FORM = re.compile(r"\s*(\w+)\s*(?:\((.*)\))?\s*(?:@\s*(\d{1,9}))?\s*")
_MAX_GRADE = 10_000


@dataclass(frozen=True, slots=True)
class Measure(Frozen):
    """A measure; `str` writes its name as ir_measures does, `parse` reads it.

    `k` is the cutoff, 0 for the whole ranking. A document is relevant from grade `rel` on.
    """

    family: str
    k: int = 0
    rel: int = 1
    judged_only: bool = False
    dcg: str = "log2"
    p: float = 0.8
    gmax: int = 0

    def __str__(self) -> str:
        given = [
            f"{name}={getattr(self, name)!r}"
            for name, default in FAMILIES[self.family].takes.items()
            if getattr(self, name) != default
        ]
        return (
            self.family
            + (f"({','.join(given)})" if given else "")
            + (f"@{self.k}" if self.k else "")
        )


def parse(text: str) -> Measure:
    """Return the measure of a name.

    Raises:
        BadInput: an unknown name, parameter or value, or a cutoff too much or too few.

    >>> parse("nDCG@10").k, str(parse("map(rel=2)")), str(parse("ndcg( dcg = 'exp-log2' ) @ 5"))
    (10, 'AP(rel=2)', "nDCG(dcg='exp-log2')@5")
    """
    found = _FORM.fullmatch(text)
    if not found:
        raise BadInput(f"'{text}' is no measure: write it as nDCG@10 or AP(rel=2)")
    word, inside, cutoff = found.groups()
    if word.lower() not in _NAMES:
        raise BadInput(f"unknown measure '{word}'. Known: {', '.join(FAMILIES)}")
    name = _NAMES[word.lower()]
    family = FAMILIES[name]
    k = int(cutoff or 0)
    if (family.cutoff == "required" and not k) or cutoff == "0":
        raise BadInput(f"'{text}' needs a cutoff of at least 1, such as {name}@10")
    if family.cutoff == "none" and k:
        raise BadInput(f"'{text}': {name} takes no cutoff")
    given = dict(_parameter(text, family, part) for part in _split(inside))
    return Measure(name, k, **{**family.takes, **given})  # type: ignore[arg-type]  # checked


def _split(inside: str | None) -> list[str]:
    return inside.split(",") if inside and inside.strip() else []


def _parameter(text: str, family: Family, part: str) -> tuple[str, Value]:
    name, _, written = (piece.strip() for piece in part.partition("="))
    if name not in family.takes:
        known = ", ".join(family.takes) or "none"
        raise BadInput(f"'{text}': unknown parameter '{name}'. Known: {known}")
    read, said = _READ[name]
    try:
        return name, read(written)
    except (ValueError, KeyError):
        raise BadInput(f"'{text}': {name} is {said}, not {written or 'nothing'}") from None


def _grade(written: str) -> int:
    if not 1 <= int(written) <= _MAX_GRADE:
        raise ValueError
    return int(written)


def _share(written: str) -> float:
    if not 0 < float(written) < 1:
        raise ValueError
    return float(written)


def _truth(written: str) -> bool:
    return {"true": True, "false": False}[written.lower()]


def _dcg(written: str) -> str:
    if (name := written.strip("'\"")) not in {"log2", "exp-log2"}:
        raise ValueError
    return name


_READ: Mapping[str, tuple[Callable[[str], Value], str]] = {
    "rel": (_grade, f"a grade of 1 to {_MAX_GRADE:,}"),
    "gmax": (_grade, f"a grade of 1 to {_MAX_GRADE:,}"),
    "p": (_share, "a number between 0 and 1"),
    "judged_only": (_truth, "True or False"),
    "dcg": (_dcg, "'log2' or 'exp-log2'"),
}
