"""A draft becomes the answer: verified, mended by a policy, its contradictions shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from rag.abstain import Verdict
from rag.answering.judging import judging
from rag.answering.opposing import opposing
from rag.answering.prompting import showable
from rag.answering.writer import Written
from rag.citing.events import placed
from rag.citing.structure import Claim, references
from rag.errors import RagError
from rag.flows import stopped
from rag.quoting.lines import Read, words
from rag.seams import Encoder
from rag.spans import timed
from rag.values import (
    Action,
    Answer,
    Citation,
    Context,
    Contradiction,
    Frozen,
    Reference,
    Sentence,
    Stage,
    Support,
    Verification,
)
from rag.verify.doubts import Ask, heard_out
from rag.verify.ladder import Carries
from rag.verify.pruning import POLICIES, Policy, quotable, settled


@dataclass(frozen=True, slots=True)
class Checking(Frozen):
    """How a draft is verified.

    Args:
        policy: what becomes of a sentence that nothing carries.
        least: the share of sentences that must be carried; of fewer, none is believed.
        ask: asks a model about sentences in doubt; None where there is none.
    """

    policy: Policy = "drop"
    least: float = 0.3
    ask: Ask | None = None


@dataclass(frozen=True, slots=True)
class Finished(Frozen):
    """The answer, and the fixes that make its text of what was written."""

    fixes: tuple[Verification, ...]
    answer: Answer


async def finish(
    context: Context,
    found: Read,
    written: Written,
    verdict: Verdict,
    encoder: Encoder,
    checking: Checking,
) -> Finished:
    """Return the answer that a draft becomes.

    A sentence that is its own quote is verified by that. Any other one gets its quotes, is judged,
    cited anew where others carry more of it, and treated by the policy where nothing carries it. A
    passage that gives orders is evidence for nothing but its own quotes.

    Args:
        context: what it was written from.
        found: the lines of the context.
        written: the draft.
        verdict: of the gates before it was written.
        encoder: of sentences.
        checking: see there.
    """
    draft = written.draft
    if all(_verbatim(claim) for claim in draft.claims):
        sentences = [_quoted(claim) for claim in draft.claims]
        return _answered(context, found, written, verdict, sentences, (), (), ())
    with timed("verify") as clock:
        shown = {one.candidate.chunk.id for one in showable(context.passages).passages}
        packed = [one for one in quotable(context) if one.chunk_id in shown]
        carries = await judging(draft.claims, packed, found, encoder)
        stage, now = Stage("verify", 0.0), _settled(draft.claims, packed, carries)
        if checking.ask is not None:
            try:
                now, cost = await heard_out(now, checking.ask)
                stage = replace(stage, cost=cost)
            except RagError as error:  # facts and overlap have judged already
                stage = stopped(stage, error)
        after = _treated(draft.claims, now, packed, carries, checking)
        fixes = tuple(_fix(i, one, after[i]) for i, one in enumerate(now))
        detail = _told(stage, draft.claims, now, fixes)
        stage = clock.stage(replace(stage, detail=detail))
    lost = [
        claim.text
        for claim, before, kept in zip(draft.claims, now, after, strict=True)
        if kept is None and claim.whole and before.support not in _CARRIED
    ]
    return _answered(context, found, written, verdict, after, lost, fixes, (stage,))


def _verbatim(claim: Claim) -> bool:
    return len(claim.quotes) == 1 and " ".join(claim.quotes[0].quote.split()) == claim.text


def _quoted(claim: Claim) -> Sentence:
    return Sentence(claim.text, claim.start, claim.end, claim.quotes)


def _settled(
    claims: Sequence[Claim], packed: Sequence[Citation], carries: Carries
) -> tuple[Sentence, ...]:
    return tuple(
        _quoted(claim) if _verbatim(claim) else settled(claim, packed, carries) for claim in claims
    )


_CARRIED: frozenset[Support] = frozenset({"full", "partial"})


def _treated(
    claims: Sequence[Claim],
    sentences: Sequence[Sentence],
    packed: Sequence[Citation],
    carries: Carries,
    checking: Checking,
) -> list[Sentence | None]:
    """Return what becomes of each sentence: itself, another one, or None.

    What was written from quotes that do not carry it becomes the quote, whatever the policy; what
    repeats an earlier sentence, or was not written to its end, goes.
    """
    free = zip(claims, sentences, strict=True)
    whole = [one for claim, one in free if claim.whole and not claim.quotes]
    if sum(one.support in _CARRIED for one in whole) < checking.least * len(whole):
        return [None] * len(sentences)
    said: set[tuple[str, ...]] = set()
    after: list[Sentence | None] = []
    for claim, one in zip(claims, sentences, strict=True):
        kept = one if claim.whole else None
        if kept is not None and one.support not in _CARRIED:
            treat = POLICIES[checking.policy]
            kept = _as_quoted(one, claim) if claim.quotes else treat(one, packed, carries)
        if kept is not None and words(kept.text) in said:
            kept = None
        if kept is not None:
            said.add(words(kept.text))
        after.append(kept)
    return after


def _as_quoted(sentence: Sentence, claim: Claim) -> Sentence:
    """Return the quote that a sentence was to tell, in its place."""
    text = " ".join(claim.quotes[0].quote.split())
    return replace(sentence, text=text, citations=claim.quotes[:1], support="full", faults=())


def _fix(number: int, before: Sentence, after: Sentence | None) -> Verification:
    score = max((one.score for one in (after or before).citations), default=0.0)
    if after is None:
        return Verification(number, before.support, "drop", score=score)
    action: Action = "keep" if after.text == before.text else "rewrite"
    text = after.text if action == "rewrite" else ""
    return Verification(number, after.support, action, text, score)


def _told(
    stage: Stage, claims: Sequence[Claim], now: Sequence[Sentence], fixes: Sequence[Verification]
) -> str:
    kept = [fix for fix in fixes if fix.action != "drop"]
    counts = {
        "repaired": sum(map(_repaired, claims, now)),
        "rewritten": sum(fix.action == "rewrite" for fix in kept),
        "without support": sum(fix.support not in _CARRIED for fix in kept),
    }
    told = (f"{count} {name}" for name, count in counts.items() if count)
    parts = (f"{len(kept)} of {len(fixes)} sentences kept", *told)
    return ", ".join((*parts, f"no model was heard: {stage.detail}") if stage.detail else parts)


def _repaired(claim: Claim, sentence: Sentence) -> bool:
    """Whether a sentence cites what its writer did not."""
    cited = {passage.candidate.chunk.id for passage in claim.passages}
    cited |= {quote.chunk_id for quote in claim.quotes}
    return any(citation.chunk_id not in cited for citation in sentence.citations)


def _answered(
    context: Context,
    found: Read,
    written: Written,
    verdict: Verdict,
    sentences: Sequence[Sentence | None],
    lost: Sequence[str],
    fixes: tuple[Verification, ...],
    stages: tuple[Stage, ...],
) -> Finished:
    claims = written.draft.claims
    text, places = placed(written.draft.text, [(c.start, c.end) for c in claims], fixes)
    kept = tuple(
        replace(one, start=places[i][0], end=places[i][1])
        for i, one in enumerate(sentences)
        if one is not None
    )
    trace = (*context.trace, written.stage, *stages)
    if not kept:
        reason = _none(lost)
        return Finished(fixes, Answer(context.query, text, (), (), reason, trace, "no"))
    opposed = opposing(kept, context, found)
    unsaid = [one.text for one in kept if one.support == "none"]
    doubts = [verdict.reason, _named("not carried by what was found", [*lost, *unsaid])]
    whole = verdict.answerable == "yes" and not lost and not unsaid
    answer = Answer(
        query=context.query,
        text=text,
        sentences=kept,
        references=_cited(context, kept, opposed),
        reason="; ".join(filter(None, doubts)),
        trace=trace,
        answerable="yes" if whole else "partial",
        contradictions=opposed,
    )
    return Finished(fixes, answer)


def _none(lost: Sequence[str]) -> str:
    if not lost:
        return "nothing was written to its end"
    return _named("too little of what was written is carried by what was found", lost)


_SHOWN, _CHARACTERS = 3, 80  # chosen: of unsupported sentences in a reason


def _named(what: str, sentences: Sequence[str]) -> str:
    if not sentences:
        return ""
    shown = (
        one if len(one) <= _CHARACTERS else f"{one[:_CHARACTERS].rstrip()} …"
        for one in sentences[:_SHOWN]
    )
    more = f" and {len(sentences) - _SHOWN} more" if len(sentences) > _SHOWN else ""
    return f"{what}: {', '.join(f'“{one}”' for one in shown)}{more}"


def _cited(
    context: Context, sentences: Sequence[Sentence], opposed: Sequence[Contradiction]
) -> tuple[Reference, ...]:
    """Return the references that are cited, by their numbers."""
    known: Mapping[str, Reference] = references(context.passages)
    cited = {one.document_id for sentence in sentences for one in sentence.citations}
    cited |= {one.document_id for pair in opposed for one in (pair.one, pair.other)}
    return tuple(one for one in known.values() if one.document_id in cited)
