"""What verification does to a sentence: it is quoted for, cited anew, and treated by a policy.

Everything is pure over a judge (`rag.verify.ladder.Carries`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Literal, TypeAlias

from rag.citing.sentences import cite, sentences
from rag.citing.structure import Claim, references
from rag.values import Citation, Context, Sentence
from rag.verify.ladder import PARTIAL, RANK, Carries, Verdict

Policy: TypeAlias = Literal["mark", "drop", "rewrite"]
Treat: TypeAlias = Callable[[Sentence, Sequence[Citation], Carries], Sentence | None]


def quotable(context: Context) -> tuple[Citation, ...]:
    """Return every sentence of the passages as a citation, in the order they are shown."""
    numbers = references(context.passages)
    return tuple(
        replace(cite(passage, span, 0.0), ref=numbers[passage.candidate.chunk.document_id].ref)
        for passage in context.passages
        for span in sentences(passage.candidate.chunk.text)
    )


def evident(claim: Claim, packed: Sequence[Citation], carries: Carries) -> Sentence:
    """Return a claim as a sentence: its own quotes, or of each cited passage what carries most."""
    quotes = claim.quotes or tuple(
        _strongest(mine, claim.text, carries)
        for passage in claim.passages
        if (mine := [one for one in packed if one.chunk_id == passage.candidate.chunk.id])
    )
    return checked(Sentence(claim.text, claim.start, claim.end, quotes), carries)


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
    strengths = [_judge(one, sentence.text, carries).strength for one in kept]
    for i in sorted(range(len(kept)), key=lambda i: (strengths[i], -i)):
        one = sentence.citations[i]
        others = [other for other in kept if other is not one]
        alone = _judge(one, sentence.text, carries).support == "full"
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
    best = _strongest(packed, sentence.text, carries)
    found = _judge(best, sentence.text, carries)
    if RANK[found.support] <= max(RANK["none"], RANK[now.support]):
        return now
    return checked(replace(now, citations=(best,)), carries)


def settled(claim: Claim, packed: Sequence[Citation], carries: Carries) -> Sentence:
    """Return a claim as a sentence with the citations that it keeps.

    One that was written from quotes cites no others: what they do not carry is wrong.
    """
    cited = evident(claim, packed, carries)
    return pruned(cited if claim.quotes else repaired(cited, packed, carries), carries)


def _mark(sentence: Sentence, _packed: Sequence[Citation], _carries: Carries) -> Sentence | None:
    return sentence


def _drop(_sentence: Sentence, _packed: Sequence[Citation], _carries: Carries) -> Sentence | None:
    return None


def _rewrite(sentence: Sentence, packed: Sequence[Citation], carries: Carries) -> Sentence | None:
    """Return the nearest quote as a sentence of its own; None where none is about the same."""
    if not packed:
        return None
    best = max(packed, key=lambda one: carries.score((one.quote,), sentence.text))
    near = carries.score((best.quote,), sentence.text)
    if near < PARTIAL:
        return None
    quote = replace(best, score=near, support="full", method="verbatim")
    text = " ".join(best.quote.split())
    return replace(sentence, text=text, citations=(quote,), support="full", faults=())


POLICIES: Mapping[Policy, Treat] = {"mark": _mark, "drop": _drop, "rewrite": _rewrite}
"""What becomes of a sentence that nothing carries; None where it goes.

It is marked by its support, dropped, or replaced by the quote nearest to it.
"""


def _strongest(packed: Sequence[Citation], sentence: str, carries: Carries) -> Citation:
    return packed[carries.strongest([one.quote for one in packed], sentence)]


def _judge(citation: Citation, sentence: str, carries: Carries) -> Verdict:
    return carries((citation.quote,), sentence)


def _verdict(citations: Sequence[Citation], sentence: str, carries: Carries) -> Verdict:
    return carries([one.quote for one in citations], sentence)


def _judged(citation: Citation, sentence: str, carries: Carries) -> Citation:
    found = carries((citation.quote,), sentence)
    return replace(citation, score=found.score, support=found.support, method=found.method)
