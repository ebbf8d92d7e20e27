"""What a model writes is looked at before it is searched with.

A model that read a hostile passage may write what the passage wants. So a query must share a word
with the question or with a document that does not speak to models (`rag.iterate.reading`).
"""

import re
from collections.abc import Callable, Sequence

from rag.iterate.reading import controls, speaks, trusted
from rag.values import Candidate

WORDS = 60  # chosen: a long sentence
_CHARACTERS = 600  # where no spaces are written, or one word never ends

_LABEL = re.compile(
    r"^(?:(?:next |search |sub-?)?(?:query|question|search|thought|answer|sentence|plan)"
    r"(?: \d+)?\s*:|[-*•>]|\(?\d{1,2}[.):](?=\s))\s*",
    re.IGNORECASE,
)
QUOTES = "\"'`*“”„«»"
_REFUSAL = re.compile(
    r"^(?:i(?:'|’)?m sorry|i am sorry|(?:we|i) apologi[sz]e|sorry\b|as an? (?:ai|language model)"
    r"|(?:unfortunately,? )?i(?: am|(?:'|’)m)? (?:cannot|can(?:'|’)t|can not|could not|unable to"
    r"|not able to|won(?:'|’)t|will not|do not|don(?:'|’)t|refuse to) (?:answer|help|assist|provide"
    r"|find|determine|comply|fulfil+|search|write|tell|access|know|have|see|engage|do|be)\b)",
    re.IGNORECASE,
)
_WORD = re.compile(r"\w+")
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
# Words that two unrelated texts share: function words, and those of the talk about searching.
_EMPTY_WORDS = frozenset(
    _WORD.findall("""
    a about after again all also an and answer any are as at be because been before being between
    both but by can could did do does document documents done each either few find first for from
    get given had has have he her here him his how i if ignore in information instead into is it its
    just know last let list look made make many may me more most much must my need new next no nor
    not now of off on one only or other our out over passage passages please query question same
    search see several shall she should so some such tell than that the their them then there these
    they this those through to too two under until up very was we were what when where which while
    who whom whose why will with would write you your
    """)
)


def cleaned(reply: str) -> str:
    """Return the first line with words in it, without a label, a list mark and quotes around it.

    >>> cleaned('Query: "Where was Jane Doe born?"'), cleaned("...")
    ('Where was Jane Doe born?', '')
    """
    for line in reply.splitlines():
        text = " ".join(line.split()).strip(QUOTES).strip()
        before = ""
        while before != text:
            before = text
            text = _LABEL.sub("", text).strip(QUOTES).strip()
        if _WORD.search(text):
            return text
    return ""


def fault(query: str, question: str, found: Sequence[Candidate]) -> str:
    """Return why a query that a model wrote is not to be searched with; "" where it may be.

    Args:
        query: what was written, after `cleaned`.
        question: what was asked; its words are trusted.
        found: what was found so far; those that speak to models are not counted.
    """
    for why, faulty in _FAULTS:
        if faulty(query):
            return why
    wanted = content_words(query)
    if not wanted & content_words(question) and not any(
        wanted & content_words(one.chunk.indexed_text) for one in trusted(found)
    ):
        return "it shares no word with the question or with what was found"
    return ""


_FAULTS: tuple[tuple[str, Callable[[str], object]], ...] = (
    ("it is empty", lambda query: not _WORD.search(query)),
    ("it has several lines", lambda query: len(query.splitlines()) > 1),
    (f"it has more than {WORDS} words", lambda query: len(query.split()) > WORDS),
    (f"it has more than {_CHARACTERS} characters", lambda query: len(query) > _CHARACTERS),
    ("it holds a control string", controls),
    ("it refuses", _REFUSAL.match),
    ("it speaks to the model", speaks),
)


def content_words(text: str) -> frozenset[str]:
    """Return the words of a text that say what it is about, in lower case.

    In scripts without spaces, pairs of characters.

    >>> sorted(content_words("Where was the U.S. film Foo made in 1999?"))
    ['1999', 'film', 'foo']
    """
    words: set[str] = set()
    for word in _WORD.findall(text.casefold()):
        if _UNSPACED.search(word):
            words.update(word[i : i + 2] for i in range(max(1, len(word) - 1)))
        elif len(word) > 1 and word not in _EMPTY_WORDS:
            words.add(word)
    return frozenset(words)


def same(text: str) -> str:
    """Return what two texts have in common when they say the same in the same words.

    >>> same("Who is  Jane?") == same("who is jane")
    True
    """
    return " ".join(_WORD.findall(text.casefold()))
