"""Prompts of the methods that look at one passage at a time, as frozen rows.

Another wording is another row: a method takes what it is given.
"""

from dataclasses import dataclass

from rag.values import Frozen, Message, Prompt


@dataclass(frozen=True, slots=True)
class YesNo(Frozen):
    """A question whose answer is yes or no; `{query}` and `{passage}` stand in its messages.

    `yes` and `no` are spellings of the labels, whose probabilities are added up.
    """

    messages: Prompt
    yes: tuple[str, ...] = ("yes", "Yes")
    no: tuple[str, ...] = ("no", "No")


@dataclass(frozen=True, slots=True)
class Likelihood(Frozen):
    """How a passage asks for its query: `{passage}` in the messages, `{query}` in what follows."""

    messages: Prompt
    continuation: str = "{query}"


@dataclass(frozen=True, slots=True)
class Level(Frozen):
    """A grade in words, and what it is worth."""

    label: str
    value: float


YES_NO = YesNo(  # our wording of the question in "Holistic Evaluation of Language Models" (2022)
    (
        Message(
            "user",
            "Decide whether a passage helps to answer a query.\n\nQuery: {query}\n\n"
            "Passage: {passage}\n\nDoes this passage help to answer the query? Reply with yes or "
            "no.",
        ),
    )
)

QWEN3_RERANKER = YesNo(  # word for word: the model was trained on it (its model card)
    (
        Message(
            "system",
            "Judge whether the Document meets the requirements based on the Query and the Instruct "
            'provided. Note that the answer can only be "yes" or "no".',
        ),
        Message(
            "user",
            "<Instruct>: Given a web search query, retrieve relevant passages that answer the "
            "query\n<Query>: {query}\n<Document>: {passage}",
        ),
    ),
    yes=("yes",),
    no=("no",),
)

CHAT = Likelihood(
    (Message("user", "Passage: {passage}\n\nWrite a question that this passage answers."),)
)
PLAIN = Likelihood((Message("assistant", "Passage: {passage}\nQuestion:"),), " {query}")

# The prompts of graded relevance: our wording of the structure in Zhuang et al., NAACL 2024.
LEVELS = (Level("Not Relevant", 0), Level("Somewhat Relevant", 1), Level("Highly Relevant", 2))
GRADE = (
    Message(
        "user",
        "Say how relevant a passage is to a query: {choices}.\n\nQuery: {query}\n\n"
        "Passage: {passage}\n\nThe passage is",
    ),
)
RATE = (
    Message(
        "user",
        "Rate how relevant a passage is to a query, from 0 (not relevant) to {top} (perfectly "
        "relevant).\n\nQuery: {query}\n\nPassage: {passage}\n\nReply with the rating alone.",
    ),
)


def filled(messages: Prompt, forced: bool, **texts: str) -> Prompt:
    """Return the messages with the texts in their places.

    Where no turn of the assistant can be begun, one at the end is left out, or if there is no other
    message, put as the user's.

    >>> begun = (Message("assistant", "Passage: {passage}"),)
    >>> filled(begun, False, passage="{x}")
    (Message(role='user', content='Passage: {x}'),)
    """
    written = tuple(Message(m.role, m.content.format(**texts)) for m in messages)
    if forced or not written or written[-1].role != "assistant":
        return written
    return written[:-1] or (Message("user", written[-1].content),)
