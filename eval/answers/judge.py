"""Who judges answers: words alone, or a language model. Both are asked the same things.

`Words` is the twin that needs no model: the same answers, the same figures, on any machine. It is
coarse (`eval.answers.lexical`), and it makes no nuggets out of passages: it takes the sentences of
people's answers for them, each vital, for it cannot weigh. `Asked` asks a language model by flows;
a request that fails is missing, and whoever asks counts it.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

from eval.answers import entailing, nuggetizing
from eval.answers.asking import Checked, citation_scores, claimed
from eval.answers.citations import CitationScores
from eval.answers.lexical import carried
from eval.answers.nuggetizing import Made
from eval.answers.nuggets import Assigned, Nugget
from eval.answers.preferring import Pair, Preferred, preferred
from eval.answers.references import Reference
from rag.citing.sentences import written
from rag.errors import BadPrompt, Unavailable
from rag.flows import Budget, Flow, drive
from rag.outside.words import same
from rag.seams import LLM
from rag.showing import Show, silent
from rag.values import Cost, Support
from rag.verify.entailment import Claimed

WORDS = "words"
"""The name of the judge that needs no model."""

_AT_ONCE = 16  # chosen: pairs; of more, more are lost when the model is away

_ASSIGNED: Mapping[Support, Assigned] = {
    "full": "support",
    "partial": "partial_support",
    "none": "not_support",
}

T = TypeVar("T")


class AnswerJudge(Protocol):
    """Judges answers; everything it returns is in the order of what it was asked."""

    @property
    def name(self) -> str:
        """What reports call it."""
        ...

    @property
    def cost(self) -> Cost:
        """What was asked of a model so far."""
        ...

    async def nuggets(self, question: str, reference: Reference) -> Made:
        """Return the nuggets of a question, made where the reference has none."""
        ...

    async def assigned(
        self, question: str, answer: str, nuggets: Sequence[Nugget]
    ) -> Sequence[Assigned]:
        """Return for each nugget whether an answer holds it, "failed" where that is missing."""
        ...

    async def claims(self, question: str, texts: Sequence[str]) -> tuple[str, ...] | None:
        """Return the claims of texts, none twice; None where that is missing."""
        ...

    async def supports(self, claims: Sequence[Claimed]) -> Sequence[Support]:
        """Return how far evidence carries each claim, "unknown" where that is missing."""
        ...

    async def cited(self, checked: Checked) -> CitationScores:
        """Return how an answer is cited."""
        ...


class Words:
    """Judges by facts and words; citations as the verification ladder has judged them already."""

    name = WORDS
    cost = Cost()

    async def nuggets(self, question: str, reference: Reference) -> Made:
        """Return the reference's nuggets, else the sentences of its answers, all vital."""
        if reference.nuggets:
            return Made(reference.nuggets)
        return Made(tuple(map(Nugget, await self.claims(question, reference.answers))))

    async def assigned(
        self, question: str, answer: str, nuggets: Sequence[Nugget]
    ) -> Sequence[Assigned]:
        """Return whether the answer's words hold each nugget."""
        del question
        return tuple(_ASSIGNED[carried((answer,), one.text)] for one in nuggets)

    async def claims(self, question: str, texts: Sequence[str]) -> tuple[str, ...]:
        """Return the sentences of texts."""
        del question
        return distinct([text[s.start : s.end] for text in texts for s in written(text)])

    async def supports(self, claims: Sequence[Claimed]) -> Sequence[Support]:
        """Return what facts and words say."""
        return tuple(carried(evidence, claim) for evidence, claim in claims)

    async def cited(self, checked: Checked) -> CitationScores:
        """Return what the ladder said."""
        return checked.citations


class Asked:
    """Asks a language model.

    Args:
        llm: answers; its name is the judge's.
        budget: the most that one question may cost.
    """

    def __init__(self, llm: LLM, budget: Budget = Budget()) -> None:  # noqa: B008 - never changes
        self.cost = Cost()
        self._llm = llm
        self._budget = budget

    @property
    def name(self) -> str:
        """The model's name."""
        return self._llm.spec.name

    async def nuggets(self, question: str, reference: Reference) -> Made:
        """Return the reference's nuggets, else those made of its passages, else of its answers."""
        if reference.nuggets:
            return Made(reference.nuggets)
        texts = reference.passages or reference.answers
        flow = nuggetizing.nuggets(question, texts)
        return await self._run(flow, Made(failed=int(bool(texts))))

    async def assigned(
        self, question: str, answer: str, nuggets: Sequence[Nugget]
    ) -> Sequence[Assigned]:
        """Return what the model says of each nugget, asked ten at a time."""
        flow = nuggetizing.assigned(question, answer, [one.text for one in nuggets])
        missing = tuple[Assigned, ...](["failed"] * len(nuggets))
        return await self._run(flow, missing)

    async def claims(self, question: str, texts: Sequence[str]) -> tuple[str, ...] | None:
        """Return the claims that the model takes out of texts."""
        flow = entailing.extracted([(question, text) for text in texts])
        missing: tuple[tuple[str, ...] | None, ...] = (None,) * len(texts)
        found = await self._run(flow, missing)
        known = [each for each in found if each is not None]
        return distinct([one for each in known for one in each]) if known or not texts else None

    async def supports(self, claims: Sequence[Claimed]) -> Sequence[Support]:
        """Return the model's labels; the same claim is asked about once."""
        each = tuple(dict.fromkeys(claims))
        missing = tuple[Support, ...](["unknown"] * len(each))
        said = dict(zip(each, await self._run(entailing.supports(each), missing), strict=True))
        return tuple(said[claim] for claim in claims)

    async def cited(self, checked: Checked) -> CitationScores:
        """Return how an answer is cited by the model's labels."""
        asked = claimed(checked.told.answer, checked.unsound)
        said = dict(zip(asked, await self.supports(asked), strict=True))
        return citation_scores(
            checked.told.answer, checked.unsound, lambda quotes, s: said[quotes, s]
        )

    async def preferred(self, pairs: Sequence[Pair], show: Show = silent) -> tuple[Preferred, ...]:
        """Return which answer the model prefers, each pair asked in both orders, a few at once."""
        said: list[Preferred] = []
        for start in range(0, len(pairs), _AT_ONCE):
            part = pairs[start : start + _AT_ONCE]
            missing = (Preferred(None, None),) * len(part)
            said += await self._run(preferred(part), missing)
            show(f"compare by {self.name}", len(said), len(pairs))
        return tuple(said)

    async def _run(self, flow: Flow[T], missing: T) -> T:
        """Return a flow's result; what is missing where the model fails after it has answered once.

        Raises:
            Unavailable, BadPrompt: it never answered: that is no measurement.
        """
        try:
            driven = await drive(flow, self._llm, self._budget)
        except (Unavailable, BadPrompt):
            if not self.cost.calls:
                raise
            return missing
        self.cost += driven.cost
        return driven.result


def distinct(texts: Sequence[str]) -> tuple[str, ...]:
    """Return texts that say different things in other words, the first of each.

    >>> distinct(["It rains.", "it  rains", "!", "It snows."])
    ('It rains.', 'It snows.')
    """
    found: dict[str, str] = {}
    for text in texts:
        if key := same(text):
            found.setdefault(key, text)
    return tuple(found.values())
