"""Texts whose writer says that it cannot, will not or does not know."""

import re

_UNABLE = (
    r"i (?:do not|don't|cannot|can't|can not|could not|couldn't) "
    r"(?:know|answer|say|provide|help|assist|find|determine|tell|have)"
    r"|(?:i am|i'm) (?:not sure|not able|unable|sorry)|as an ai"
    r"|not enough information|no information (?:about|on)"
    r"|unable to (?:answer|provide|help|determine)"
)
_SOMEWHERE = re.compile(rf"\b(?:{_UNABLE})\b", re.IGNORECASE)
_AT_FIRST = re.compile(
    rf"(?:{_UNABLE}|(?:i'?m|i am|we are)?\s*(?:very |so |really )?sorry"
    r"|(?:my )?apologies|(?:i|we) apologi[sz]e"
    r"|i (?:can ?not|can'?t|could(?: not|n't)|will not|won't|do not|don't|refuse to"
    r"|am (?:not |un)able)"
    r"|(?:i'm|i am|as) an? (?:ai|assistant|(?:\w+ )?language model)|i'm (?:not |un)able"
    r"|unfortunately,? (?:i|we|there)"
    r"|(?:es )?tut mir leid|(?:je suis )?désolé|lo siento|mi dispiace|desculpe)\b",
    re.IGNORECASE,
)


def refuses(text: str) -> bool:
    """Whether a text begins with saying that its writer cannot or will not.

    For queries and passages, which may themselves speak of what cannot be done.

    >>> refuses("I'm sorry, I cannot help."), refuses("The sorry state of the roads")
    (True, False)
    """
    return bool(_AT_FIRST.match(_straight(text).strip(" \t\n\"'*")))


def gives_up(answer: str) -> bool:
    """Whether an answer says anywhere that there is none; an empty one does.

    >>> gives_up("It is a film, but I do not know whose."), gives_up("…"), gives_up("Paris.")
    (True, True, False)
    """
    said = _straight(answer)
    return not any(map(str.isalnum, said)) or refuses(said) or bool(_SOMEWHERE.search(said))


def _straight(text: str) -> str:
    return text.replace("’", "'")
