"""SlimPLM: what a small model claims, and which of it a search has to verify.

Tan et al., ACL 2024 (arXiv 2402.12052): a proxy answers without a search; where the answer is
known, no search is needed; where it is not, its claims become queries, without those for claims
that are known. There, judge and rewriter are fine-tuned; here, one model is asked for all of it,
and "known" is its probability of "yes" against a threshold. Every reply is a stranger's: what
cannot be used leads to a search with the question itself.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rag.errors import RagError
from rag.flows import Flow, Reply
from rag.outside.harmless import harmless
from rag.outside.refusals import gives_up
from rag.prompts import prompt
from rag.route.parsing import Claim, grounded, parse_claims
from rag.route.routes import Route, unsure
from rag.values import Choose, Chosen, Complete, Completed, Frozen

KNOWN = 0.8
"""The least probability of "yes" that counts as known; chosen, as the classifier's for A."""

_MOST = 5  # chosen: claims, each of which costs a question and a search
_ANSWER_TOKENS = 160  # chosen: three short sentences
_CLAIMS_TOKENS = 320  # chosen: five lines
_YES, _NO = ("yes", "Yes"), ("no", "No")


@dataclass(frozen=True, slots=True)
class Claims(Frozen):
    """What a model answered by heart, and the queries for what it does not know for certain.

    On route A there are none. On route B there is one at least; the question itself where the
    answer was of no use.
    """

    answer: str
    unknown: tuple[str, ...]
    route: Route


def claims(question: str, known: float = KNOWN) -> Flow[Claims]:
    """Answer by heart, and return whether that will do or what has to be searched for.

    Asks for an answer, whether it is known, its claims, and whether each of them is known: four
    batches at most. The route is A only where the answer as a whole is known. Where the model
    fails on the way, the question is searched for with what there is by then.

    Args:
        question: stands for itself.
        known: the least probability of "yes".
    """
    made = Claims("", (question,), unsure("the model gave no answer"))
    try:
        answer = yield from _answer(question)
        if not answer:
            return made
        made = replace(made, answer=answer, route=unsure("the answer may be wrong"))
        (sure,) = yield from _sure([(question, answer)])
        if sure >= known:
            why = f"the model knows the answer ({sure:.2f})"
            return Claims(answer, (), Route("A", "claims", why, _yes(sure)))
        route = Route("B", "claims", f"the model is unsure of its answer ({sure:.2f})", _yes(sure))
        made = replace(made, route=route)
        found = yield from _claims(question, answer)
        # Where all claims are known but the whole is not, something was left out: the question.
        made = replace(made, unknown=tuple(claim.query for claim in found) or (question,))
        checked = yield from _sure([(claim.query, claim.text) for claim in found])
        doubtful = [c.query for c, sure in zip(found, checked, strict=True) if sure < known]
        return replace(made, unknown=tuple(doubtful) or (question,))
    except RagError:
        return made


def _answer(question: str) -> Flow[str]:
    """Return the answer, "" where the model refuses, says nothing, or does not end."""
    filled = prompt("route-answer").fill(question=harmless(question))
    completed = _completed((yield (Complete(filled, _ANSWER_TOKENS),)))
    answer = " ".join(completed.text.split())
    return "" if completed.cut or gives_up(answer) else answer


def _sure(statements: Sequence[tuple[str, str]]) -> Flow[list[float]]:
    """Return the probability that each (question, statement) is known."""
    if not statements:
        return []
    asked = prompt("route-known")
    replies = yield [
        Choose(asked.fill(question=harmless(question), statement=harmless(statement)), _YES + _NO)
        for question, statement in statements
    ]
    return [sureness(reply) for reply in replies]


def _claims(question: str, answer: str) -> Flow[tuple[Claim, ...]]:
    """Return the claims that are indeed the answer's."""
    asked = prompt("route-claims")
    filled = asked.fill(question=harmless(question), answer=harmless(answer), most=str(_MOST))
    completed = _completed((yield (Complete(filled, _CLAIMS_TOKENS),)))
    text = completed.text.rpartition("\n")[0] if completed.cut else completed.text
    found = parse_claims(text)
    return tuple(claim for claim in found if grounded(claim, f"{question} {answer}"))[:_MOST]


def sureness(reply: Reply) -> float:
    """Return P(yes) / (P(yes) + P(no)), 0 where "yes" was not reported.

    The spellings of each are added up. Where no "no" was reported, it may have all that is left.

    >>> round(sureness(Chosen((math.log(0.3), math.log(0.3), math.log(0.15), None))), 6)
    0.8
    >>> round(sureness(Chosen((math.log(0.6), None, None, None))), 6)
    0.6
    """
    if not isinstance(reply, Chosen):
        raise TypeError(f"a reply to labels is no {type(reply).__name__}")
    yes = _mass(reply.logprobs[: len(_YES)])
    no = _mass(reply.logprobs[len(_YES) :])
    if not yes:
        return 0.0
    return yes / (yes + (max(0.0, 1 - yes) if no is None else no))


def _mass(logprobs: Sequence[float | None]) -> float | None:
    """Return the probability of labels together, None where none was reported."""
    told = [math.exp(min(0.0, p)) for p in logprobs if p is not None and not math.isnan(p)]
    return math.fsum(told) if told else None


def _completed(replies: Sequence[Reply]) -> Completed:
    (reply,) = replies
    if not isinstance(reply, Completed):
        raise TypeError(f"a completion is no {type(reply).__name__}")
    return reply


def _yes(sure: float) -> dict[str, float]:
    return {"A": sure, "B": 1 - sure}
