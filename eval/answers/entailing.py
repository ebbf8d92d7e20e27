"""Claims by a language model: taken out of a text, and held against evidence.

The labels are those of TREC RAG's support task (Thakur et al., arXiv 2504.15205): full, partial,
no support. Claims are those of RAGChecker (Ru et al., NeurIPS 2024): one fact each.
"""

from collections.abc import Mapping, Sequence

from eval.answers.nuggetizing import ANSWER, asked
from eval.answers.replies import labelled, parse_list, written
from rag.flows import Flow
from rag.outside.harmless import harmless
from rag.outside.size import shortened, size
from rag.prompts import prompt
from rag.values import Support
from rag.verify.entailment import STATEMENT, Claimed, shown

MOST, WORDS = 20, 40  # chosen: claims of an answer of 400 words, and the words of one
_LIST_TOKENS, _FEW, _EACH = 800, 64, 4  # chosen: most and fewest tokens, those for one of the text

SUPPORTS: Mapping[str, Support] = {
    **dict.fromkeys(("fs", "full", "full support", "fully supported"), "full"),
    **dict.fromkeys(("ps", "partial", "partial support", "partially supported"), "partial"),
    **dict.fromkeys(("ns", "none", "no", "no support", "not supported"), "none"),
}


def supports(claims: Sequence[Claimed]) -> Flow[tuple[Support, ...]]:
    """Return how far each claim's evidence carries it, asked in one batch; "unknown" if unread.

    What has no evidence is not carried, and nobody is asked.

    Raises:
        RagError: the model failed, or may not be asked.
    """
    known = [i for i, (evidence, _) in enumerate(claims) if any(map(str.strip, evidence))]
    prompts = [
        (
            prompt("support-label").fill(
                evidence=shown(claims[i][0]),
                statement=shortened(harmless(claims[i][1]), STATEMENT),
            ),
            1,
        )
        for i in known
    ]
    found = yield from labelled(prompts, SUPPORTS)
    said = {i: label or "unknown" for i, (label,) in zip(known, found, strict=True)}
    return tuple(said.get(i, "none") for i in range(len(claims)))


def extracted(told: Sequence[tuple[str, str]]) -> Flow[tuple[tuple[str, ...] | None, ...]]:
    """Return the claims of texts, each with its question, asked in one batch; None if unread.

    Raises:
        RagError: the model failed, or may not be asked.
    """
    known = [i for i, (_, text) in enumerate(told) if text.strip()]
    prompts = [
        prompt("claims-extract").fill(
            question=asked(told[i][0]),
            text=shortened(harmless(told[i][1]), ANSWER),
            most=str(MOST),
        )
        for i in known
    ]
    longest = max((size(text) for _, text in told), default=0)
    tokens = min(_LIST_TOKENS, _FEW + _EACH * longest)
    found = yield from written(prompts, tokens, lambda reply: parse_list(reply, MOST, WORDS))
    said = dict(zip(known, found, strict=True))
    return tuple(said.get(i, ()) for i in range(len(told)))
