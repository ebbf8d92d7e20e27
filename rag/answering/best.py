"""Which of several drafts is cited best.

Of several answers to the same prompt the one with the highest automatic citation recall is taken:
the strongest cheap lever on citation quality that ALCE (Gao et al., EMNLP 2023) found.
"""

from collections.abc import Mapping, Sequence

from rag.answering.judging import judging
from rag.citing.structure import Draft
from rag.quoting.lines import Read
from rag.seams import Encoder
from rag.values import Citation, Context, Support
from rag.verify.ladder import Carries
from rag.verify.pruning import evident, quotable

WORTH: Mapping[Support, float] = {"full": 1.0, "partial": 0.5, "none": 0.0, "unknown": 0.0}
"""What a sentence counts, as the TREC RAG track weighs support."""


async def best(
    drafts: Sequence[Draft], context: Context, found: Read, encoder: Encoder
) -> tuple[int, float]:
    """Return the place of the draft with the highest citation recall, and that recall.

    It is judged with the citations that the drafts have, before any is repaired. Of equals the one
    that cites less, then the first.
    """
    packed = quotable(context)
    claims = [claim for draft in drafts for claim in draft.claims]
    carries = await judging(claims, packed, found, encoder)
    recalls = [_recall(draft, packed, carries) for draft in drafts]
    cited = [sum(len(claim.passages) for claim in draft.claims) for draft in drafts]
    place = max(range(len(drafts)), key=lambda i: (recalls[i], -cited[i], -i))
    return place, recalls[place]


def _recall(draft: Draft, packed: Sequence[Citation], carries: Carries) -> float:
    """Return the mean support of the sentences by what they cite; without any it is 0."""
    worth = [WORTH[evident(claim, packed, carries).support] for claim in draft.claims]
    return sum(worth) / len(worth) if worth else 0.0
