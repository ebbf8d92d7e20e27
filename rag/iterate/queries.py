"""What a model writes in an iteration is a query, a sentence of reasoning, or an answer.

All of it passes the one gate (`rag.rewrite.checks`) before it is searched with. A model that read a
hostile passage may write what the passage wants: so it must share a word with the question or with
a document that gives no orders (`rag.iterate.reading.trusted`).
"""

import re
from collections.abc import Sequence

from rag.iterate.reading import trusted
from rag.outside.words import words
from rag.rewrite import checks
from rag.rewrite.replies import lines
from rag.values import Candidate

# No more than a label: "So the answer is: 1975" is a sentence that says what it says.
_LABEL = re.compile(
    r"^(?:next |search |sub-?)?(?:query|question|search|thought|answer|sentence|plan)"
    r"(?: \d+)?\s*:\s*",
    re.IGNORECASE,
)


def cleaned(reply: str) -> str:
    """Return the first line with words in it, without a label, a list mark and quotes around it.

    >>> cleaned('Query: "Where was Jane Doe born?"'), cleaned("...")
    ('Where was Jane Doe born?', '')
    """
    return next((line for line in lines(reply, _LABEL) if words(line)), "")


def joined(reply: str) -> str:
    """Return all lines of a reply on one, each as `cleaned` would have it; 60 words at most."""
    return " ".join(" ".join(lines(reply, _LABEL)).split()[: checks.MOST_WORDS])


def fault(query: str, question: str, found: Sequence[Candidate]) -> str:
    """Return why a query that a model wrote is not to be searched with; "" where it may be.

    Args:
        query: what was written, after `cleaned`.
        question: what was asked; its words are trusted.
        found: what was found so far; those that give orders are not counted.
    """
    documents = (one.chunk.indexed_text for one in trusted(found))
    return checks.fault(query, checks.matter(question, documents))
