"""Judges of one's own kind: who judges what was made by themselves prefers it.

A reranker that is also the judge turned the order of systems around (τ −.40 among the best five;
Clarke & Dietz, arXiv 2412.17156); judges favour rankings of models like themselves, also of the
same family alone (Balog et al., 2503.19092; Meng et al., 2601.04455).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from eval.experiments.record import Lineage, Role, SystemRecord
from rag.values import Frozen

Severity: TypeAlias = Literal["red", "amber"]
Shared: TypeAlias = Literal["model", "prompt", "family", "unknown"]


@dataclass(frozen=True, slots=True)
class Conflict(Frozen):
    """A system that is partly its own judge.

    "red": its figures under this judge say nothing. "amber": nobody declared enough to tell.
    """

    system: str
    role: Role
    shared: Shared
    severity: Severity
    message: str


def conflicts(judge: Lineage, systems: Sequence[SystemRecord]) -> tuple[Conflict, ...]:
    """Return what the systems' models share with the judge, the gravest for each of them.

    Systems without a model have none: BM25 is nobody's relative. An equal family is as grave as an
    equal model, since the preference was measured within families too.
    """
    return tuple(
        found
        for system in systems
        for part in system.lineage
        if part.role != "judge" and (found := _conflict(judge, system.name, part))
    )


def _conflict(judge: Lineage, system: str, part: Lineage) -> Conflict | None:
    whose = f"the {part.role} of {system}"

    def red(shared: Shared, why: str) -> Conflict:
        return Conflict(system, part.role, shared, "red", why)

    if _same(judge.model, part.model):
        return red("model", f"{whose} is the judge's own model, {part.model}")
    if judge.prompt and judge.prompt == part.prompt:
        return red("prompt", f"{whose} is asked with the judge's own prompt")
    if _same(judge.family, part.family):
        return red(
            "family",
            f"{whose}, {part.model or 'a model'}, is of the judge's family, {part.family}: "
            "judges prefer their own kind",
        )
    if not (judge.family and part.family):
        return Conflict(
            system,
            part.role,
            "unknown",
            "amber",
            f"whether {whose} is of the judge's family cannot be told: declare both families",
        )
    return None


def _same(a: str, b: str) -> bool:
    return bool(a) and a.casefold() == b.casefold()
