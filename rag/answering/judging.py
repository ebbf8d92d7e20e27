"""A judge of drafts over what was read: every sentence is encoded once."""

from collections.abc import Sequence

from rag.citing.structure import Claim
from rag.quoting.lines import Read
from rag.seams import Encoder
from rag.values import Citation
from rag.verify.ladder import Carries


async def judging(
    claims: Sequence[Claim], packed: Sequence[Citation], found: Read, encoder: Encoder
) -> Carries:
    """Return a judge that knows all these sentences; those that were read are known already."""
    known = {line.text: row for line, row in zip(found.lines, found.vectors, strict=True)}
    texts = [*(claim.text for claim in claims), *(one.quote for one in packed)]
    new = [text for text in dict.fromkeys(texts) if text not in known]
    rows = await encoder.encode(new, "document") if new else ()
    return Carries(known | dict(zip(new, rows, strict=True)), [one.quote for one in packed])
