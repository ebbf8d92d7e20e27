"""What verification does to an answer: superfluous citations go, unsupported sentences are mended.

Everything is pure over a judge (`rag.verify.ladder.Carries`).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Literal, TypeAlias

from rag.citing.sentences import cite, sentences
from rag.values import Answer, Citation, Context, Reference, Sentence, Stage
from rag.verify.ladder import PARTIAL, RANK, Carries, Verdict

Policy: TypeAlias = Literal["mark", "drop", "rewrite"]
Mend: TypeAlias = Callable[[Sentence, Sequence[Citation], Carries], Sentence | None]


def quotable(context: Context) -> tuple[Citation, ...]:
    """Return every sentence of the passages as a citation, in rank order."""
    return tuple(
        cite(passage, span, 0.0)
        for passage in context.passages
        for span in sentences(passage.candidate.chunk.text)
    )


def checked(sentence: Sentence, carries: Carries) -> Sentence:
    """Return the sentence with what its citations carry of it, each alone and all together."""
    whole = _verdict(sentence.citations, sentence.text, carries)
    each = tuple(_judged(one, sentence.text, carries) for one in sentence.citations)
    return replace(sentence, citations=each, support=whole.support, faults=whole.faults)


def pruned(sentence: Sentence, carries: Carries) -> Sentence:
    """Return the sentence without its superfluous citations.

    By ALCE's rule (Gao et al., EMNLP 2023) a citation is superfluous where it does not carry the
    sentence alone and the others do without it. The weakest are tried first, the last of equals;
    what is left is judged anew after each.
    """
    kept = list(sentence.citations)
    strengths = [_judge(one, sentence, carries).strength for one in kept]
    for i in sorted(range(len(kept)), key=lambda i: (strengths[i], -i)):
        one = sentence.citations[i]
        others = [other for other in kept if other is not one]
        alone = _judge(one, sentence, carries).support == "full"
        if not alone and _verdict(others, sentence.text, carries).support == "full":
            kept = others
    return checked(replace(sentence, citations=tuple(kept)), carries)


def repaired(sentence: Sentence, packed: Sequence[Citation], carries: Carries) -> Sentence:
    """Return the sentence, cited anew where another packed sentence carries more of it.

    Args:
        sentence: kept as it is where its own citations carry it fully.
        packed: what may be cited (`quotable`); the strongest is taken, of equals the first.
        carries: the judge.
    """
    now = checked(sentence, carries)
    if now.support == "full" or not packed:
        return now
    best = max(packed, key=lambda one: _judge(one, sentence, carries).strength)
    found = _judge(best, sentence, carries)
    if RANK[found.support] <= max(RANK["none"], RANK[now.support]):
        return now
    return checked(replace(now, citations=(best,)), carries)


def mended(answer: Answer, context: Context, carries: Carries, policy: Policy = "mark") -> Answer:
    """Return the answer with every sentence checked, repaired, pruned, and treated by the policy.

    Sentences that nothing carries are marked by their support, dropped, or replaced by the quote
    nearest to them (dropped where none is near, or the answer quotes it already). Where nothing is
    left, it is an abstention. References are numbered in order of appearance.

    Args:
        answer: spans and references are made anew.
        context: what the answer was written from.
        carries: knows all sentences of the answer and of the context (`ladder.reading`).
        policy: what becomes of a sentence without support.
    """
    if answer.abstained:
        return answer
    packed = quotable(context)
    kept: list[Sentence] = []
    for sentence in answer.sentences:
        one = pruned(repaired(sentence, packed, carries), carries)
        after = one if one.support != "none" else _POLICIES[policy](one, packed, carries)
        if after is not None and not (after is not one and after.text in {k.text for k in kept}):
            kept.append(after)
    return _written(answer, context, kept)


def _mark(sentence: Sentence, _packed: Sequence[Citation], _carries: Carries) -> Sentence | None:
    return sentence


def _drop(_sentence: Sentence, _packed: Sequence[Citation], _carries: Carries) -> Sentence | None:
    return None


def _rewrite(sentence: Sentence, packed: Sequence[Citation], carries: Carries) -> Sentence | None:
    """Return the nearest quote as a sentence of its own; None where none is about the same."""
    if not packed:
        return None
    best = max(packed, key=lambda one: _judge(one, sentence, carries).score)
    near = _judge(best, sentence, carries).score
    if near < PARTIAL:
        return None
    text = " ".join(best.quote.split())
    quote = replace(best, score=near, support="full", method="verbatim")
    return Sentence(text, 0, len(text), (quote,))


_POLICIES: Mapping[Policy, Mend] = {"mark": _mark, "drop": _drop, "rewrite": _rewrite}


def _written(answer: Answer, context: Context, kept: Sequence[Sentence]) -> Answer:
    """Return the answer made of these sentences."""
    before = len(answer.sentences)
    weak = sum(one.support != "full" for one in kept)
    stage = Stage("verify", 0.0, detail=f"{len(kept)} of {before} sentences kept, {weak} in doubt")
    trace = (*answer.trace, stage)
    if not kept:
        reason = "no sentence that was written is carried by the passages"
        return Answer(answer.query, "", reason=reason, trace=trace, answerable="no")
    references = _references(answer, context, kept)
    numbers = {one.document_id: one.ref for one in references}
    whole = len(kept) == before and not weak and answer.answerable == "yes"
    return replace(
        answer,
        text=" ".join(one.text for one in kept),
        sentences=tuple(_placed(kept, numbers)),
        references=references,
        trace=trace,
        answerable="yes" if whole else "partial",
    )


def _placed(kept: Sequence[Sentence], numbers: Mapping[str, int]) -> Iterator[Sentence]:
    position = 0
    for one in kept:
        cited = tuple(replace(c, ref=numbers[c.document_id]) for c in one.citations)
        yield replace(one, start=position, end=position + len(one.text), citations=cited)
        position += len(one.text) + 1


def _references(
    answer: Answer, context: Context, kept: Sequence[Sentence]
) -> tuple[Reference, ...]:
    chunks = [passage.candidate.chunk for passage in context.passages]
    known = {c.document_id: Reference(0, c.document_id, c.title, c.source) for c in chunks}
    known |= {one.document_id: one for one in answer.references}
    cited = dict.fromkeys(c.document_id for sentence in kept for c in sentence.citations)
    return tuple(replace(known[id_], ref=ref) for ref, id_ in enumerate(cited, start=1))


def _judge(citation: Citation, sentence: Sentence, carries: Carries) -> Verdict:
    return carries((citation.quote,), sentence.text)


def _verdict(citations: Sequence[Citation], sentence: str, carries: Carries) -> Verdict:
    return carries([one.quote for one in citations], sentence)


def _judged(citation: Citation, sentence: str, carries: Carries) -> Citation:
    found = carries((citation.quote,), sentence)
    return replace(citation, score=found.score, support=found.support, method=found.method)
