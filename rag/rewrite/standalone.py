"""A question of a conversation, as it would be asked without the conversation.

A wrong rewrite costs more than none: the model is only asked where the question seems to lean on
what was said, and its reply must be made of the question's and the conversation's own words.
"""

import re

from rag.flows import Flow
from rag.outside.harmless import harmless
from rag.outside.size import shortened
from rag.outside.words import content, language, shared, words
from rag.rewrite.asking import asked, said
from rag.rewrite.checks import checked, matter
from rag.values import Complete, Prompt

MOST_WORDS = 25  # longer questions bring their own context
CLEAR_WORDS = 8  # chosen: a question of more words, with nothing that points back, stands alone
_TURNS = 4  # the last two pairs of question and answer
_TURN = 75  # chosen: four such turns have 350 tokens
_TOKENS = 64
_LEAST_SHARE = 0.5  # chosen: of a rewrite's content words that must have been said
_POINTS_BACK = re.compile(
    r"\b(?:it|its|itself|he|him|his|she|her|hers|they|them|their|theirs|this|that|these|those"
    r"|there|then|here|ones?|such|former|latter|same|another|others?|else|again|above|earlier"
    r"|previous|mentioned|instead|too|more)\b"
    r"|^(?:and|but|or|so|also|what about|how about|why|what if|the)\b|\.\.\.|…",
    re.IGNORECASE,
)


def standalone(text: str, history: Prompt) -> Flow[str]:
    """Return a question as it stands without the conversation, or unchanged.

    Unchanged where nothing was said before, where it has more than 25 words, where it is English of
    more than 8 words none of which points back, and where the reply does not pass: one clean line
    (`checked`), half of whose content words were said in the question or the last four turns.

    Args:
        text: the last question.
        history: what was said before, the oldest first.

    Raises:
        RagError: whatever is thrown into it; the caller still has the question.
    """
    turns = _last(history)
    if not turns or not leans(text):
        return text
    conversation = "\n".join(f"{role.capitalize()}: {content}" for role, content in turns)
    request = Complete(asked("standalone", text, conversation=conversation), _TOKENS)
    spoken = tuple(content for _, content in turns)
    found = checked(text, (yield from said(request)), spoken, most=1)
    return found[0] if found and _was_said(found[0], text, spoken) else text


def leans(text: str) -> bool:
    """Whether a question seems to need what was said before it.

    >>> leans("When was it built?"), leans("In which year was the tower of Pisa built in Italy?")
    (True, False)
    """
    count = len(words(text))
    if count > MOST_WORDS:
        return False
    english = language(text) == "en"  # of other languages the words that point back are not known
    return count <= CLEAR_WORDS or not english or bool(_POINTS_BACK.search(text))


def _last(history: Prompt) -> tuple[tuple[str, str], ...]:
    """Return role and text of the last turns that say something, short and harmless."""
    turns = [
        (turn.role, shortened(harmless(turn.content), _TURN))
        for turn in history
        if turn.role != "system"
    ]
    return tuple(turn for turn in turns if turn[1])[-_TURNS:]


def _was_said(rewrite: str, text: str, spoken: tuple[str, ...]) -> bool:
    ours = content(rewrite)
    return shared(ours, matter(text, spoken).words) >= _LEAST_SHARE * len(ours)
