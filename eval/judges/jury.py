"""A jury: the weighted median of several judges. Who gave no grade does not vote.

Errors of different models are correlated, and a judge repeated adds next to nothing (arXiv
2607.08535): members should be of several families (PoLL, Verga et al., arXiv 2404.18796).
"""

import hashlib
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from eval.experiments.record import Lineage
from eval.judges.exam import Exam, examine, mutual
from eval.judges.judge import Assessment
from rag.errors import BadInput
from rag.seams import Judge
from rag.values import Case, Judgment

QUORUM = 0.5  # chosen: the least share of all weight that must have voted


@dataclass(frozen=True, slots=True)
class Jury:
    """Judges with weights: `rag.seams.Judge`.

    `weights` are by name; a member without one, or with 0, does not serve and is not asked. `exams`
    say how the members did, where there was an exam.
    """

    members: Mapping[str, Judge]
    weights: Mapping[str, float]
    lineages: Mapping[str, Lineage] = field(default_factory=dict)
    exams: Mapping[str, Exam] = field(default_factory=dict)

    @property
    def lineage(self) -> Lineage:
        """All members': families and models by "+", the hash of all prompts."""
        of = [self.lineages[name] for name in self.serving if name in self.lineages]
        prompts = hashlib.sha256("".join(one.prompt for one in of).encode()).hexdigest()[:16]
        families, models = (
            ("+".join(sorted(set(x))) for x in zip(*map(_who, of), strict=True)) if of else ("", "")
        )
        return Lineage("judge", families, models, prompts)

    @property
    def serving(self) -> tuple[str, ...]:
        """Names of the members that vote."""
        return tuple(name for name in self.members if self.weights.get(name, 0.0) > 0)

    async def judge(self, cases: Sequence[Case]) -> tuple[Judgment, ...]:
        """Return one judgment per case, in order; grade None where too few members voted."""
        return tuple(one.judgment for one in await self.assess(cases))

    async def assess(self, cases: Sequence[Case]) -> tuple[Assessment, ...]:
        """Return the weighted median of each case, and how far the votes were apart."""
        votes = {name: await self.members[name].judge(cases) for name in self.serving}
        return tuple(
            verdict(case, {name: votes[name][i].grade for name in votes}, self.weights)
            for i, case in enumerate(cases)
        )


def _who(lineage: Lineage) -> tuple[str, str]:
    return lineage.family, lineage.model


def verdict(
    case: Case, votes: Mapping[str, int | None], weights: Mapping[str, float]
) -> Assessment:
    """Return the weighted median of the votes as a grade, with its reliability.

    Between two grades with half of the weight each the lower one counts: judges overrate (arXiv
    2602.17170). `parts` are the votes by name, and of their reliability `spread`, their standard
    deviation, and `flips`, 1 − the share of the most frequent one.

    >>> case = Case("q", "", "d", "")
    >>> said = verdict(case, {"a": 1, "b": 3, "c": None}, {"a": 1.0, "b": 1.0, "c": 1.0})
    >>> said.grade, said.parts
    (1, {'a': 1.0, 'b': 3.0, 'spread': 1.0, 'flips': 0.5})
    """
    given = {name: grade for name, grade in votes.items() if grade is not None}
    voted = sum(weights[name] for name in given)
    parts: dict[str, float] = {name: float(grade) for name, grade in given.items()}
    if not given or voted < QUORUM * sum(weights[name] for name in votes):
        return Assessment(case.query_id, case.document_id, None, None, parts)
    grades = list(given.values())
    parts["spread"] = statistics.pstdev(grades)
    parts["flips"] = 1 - Counter(grades).most_common(1)[0][1] / len(grades)
    mean = sum(weights[name] * grade for name, grade in given.items()) / voted
    return Assessment(case.query_id, case.document_id, _median(given, weights, voted), mean, parts)


def _median(votes: Mapping[str, int], weights: Mapping[str, float], whole: float) -> int:
    """Return the lowest grade at or below which there is half of the weight."""
    below = 0.0
    for name, grade in sorted(votes.items(), key=lambda vote: vote[1]):
        below += weights[name]
        if below >= whole / 2 - 1e-9:
            return grade
    return max(votes.values())


async def qualified(
    members: Mapping[str, Judge],
    lineages: Mapping[str, Lineage],
    known: Sequence[tuple[Case, int]],
) -> Jury:
    """Return the jury of those who pass an exam over known items, weighted by their scores.

    Raises:
        BadInput: nobody passes.
    """
    cases, grades = [case for case, _ in known], [grade for _, grade in known]
    exams = {n: examine(await member.judge(cases), grades) for n, member in members.items()}
    weights = {name: exam.score for name, exam in exams.items() if exam.passed}
    if not weights:
        scores = ", ".join(f"{name} {exam.score:.2f}" for name, exam in exams.items())
        raise BadInput(
            f"no juror passed the exam of {len(known)} known pairs ({scores}): take a larger "
            "model or other members, or --exam 0 to let the members weigh each other"
        )
    return Jury(members, weights, lineages, exams)


async def weighed(
    members: Mapping[str, Judge], lineages: Mapping[str, Lineage], cases: Sequence[Case]
) -> Jury:
    """Return the jury whose members weigh each other by how they agree on the cases."""
    return Jury(members, mutual({n: await m.judge(cases) for n, m in members.items()}), lineages)
