"""What the tests of verification begin with: a harbour's rules, a judge that reads them."""

import asyncio
from collections.abc import Sequence

from indexers.encoders.hashed import HashedEncoder
from rag.values import Candidate, Chunk, Citation, Context, Passage, Query, Sentence
from rag.verify.ladder import Carries

COLD = "The sample freezer stays cold for 36 hours without power."
DOGS = "Dogs are not allowed on the ferry to the island."
FERRY = "The ferry to the island leaves at 9:30 from the northern pier."
PIER = "Ada Lovelace built the northern pier of the harbour in 1843."
RULES = (COLD, DOGS, FERRY, PIER)


def context(*texts: str) -> Context:
    """Return passages, one document each."""
    passages = tuple(
        Passage(
            ref,
            Candidate(
                Chunk(f"chunk-{ref}", f"document-{ref}", text, 0, len(text)), 1.0, {"bm25": ref}
            ),
        )
        for ref, text in enumerate(texts, start=1)
    )
    return Context(Query("What are the rules?"), passages)


def judge(sentences: Sequence[str], packed: Sequence[str] = RULES) -> Carries:
    texts = list(dict.fromkeys([*sentences, *packed]))
    rows = asyncio.run(HashedEncoder().encode(texts, "document"))  # (n, h)
    return Carries(dict(zip(texts, rows, strict=True)), packed)


def citing(quote: str, ref: int = 1) -> Citation:
    return Citation(ref, f"chunk-{ref}", f"document-{ref}", quote, 0, len(quote), 0.0)


def sentence(text: str, *quotes: str) -> Sentence:
    cited = tuple(citing(quote, ref) for ref, quote in enumerate(quotes, start=1))
    return Sentence(text, 0, len(text), cited, "unknown")
