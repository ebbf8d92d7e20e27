"""Whether texts carry a claim, by facts and words alone: the judge that needs no model.

The rule: a claim that stands in a text word for word is carried. Else every run of two sentences is
read; a number, date, name or "not" that it lacks settles the matter as on the verification ladder
(`rag.verify.ladder`), and otherwise the share of the claim's words that it holds does (trigrams
stand in for stems, every word weighs the same), with the ladder's thresholds for full and partial.
The best run counts. It misses paraphrases, and takes the same words in another relation for the
same fact.
"""

from collections.abc import Sequence
from functools import lru_cache

from rag.citing.sentences import sentences
from rag.outside.words import same
from rag.values import Support
from rag.verify.ladder import FULL, PARTIAL, RANK, judged
from rag.verify.overlap import Packed, contained

_RUN = 2  # chosen: sentences; a pronoun's name often stands in the one before
_ALIKE = Packed(())  # knows no text, so all words weigh the same


def carried(evidence: Sequence[str], claim: str) -> Support:
    """Return how far texts carry a claim.

    >>> carried(["It is heavy. The lamp burns whale oil."], "The lamp burns oil.")
    'full'
    >>> carried(["The lamp burns oil."], "The lamp burns oil for 9 hours.")
    'none'
    """
    wanted = same(claim)
    if not wanted:
        return "none"
    if any(f" {wanted} " in f" {_same(text)} " for text in evidence):
        return "full"
    best: Support = "none"
    each = {run for text in evidence for run in runs(text)}
    for score, run in sorted(
        ((contained(claim, (run,), _ALIKE), run) for run in each), reverse=True
    ):
        most: Support = "full" if score >= FULL else "partial" if score >= PARTIAL else "none"
        if RANK[most] <= RANK[best]:
            break
        best = max(best, judged(claim, (run,), score).support, key=RANK.__getitem__)
    return best


@lru_cache(4_096)
def runs(text: str) -> tuple[str, ...]:
    """Return the runs of two sentences of a text; of fewer, the text.

    >>> runs("One. Two. Three.")
    ('One. Two.', 'Two. Three.')
    """
    spans = sentences(text)
    pairs = zip(spans, spans[_RUN - 1 :], strict=False)
    return tuple(text[first.start : last.end] for first, last in pairs) or (text,)


@lru_cache(4_096)
def _same(text: str) -> str:
    return same(text)
