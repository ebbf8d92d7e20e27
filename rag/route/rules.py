"""Level 0: what a question's wording alone makes certain.

Small talk needs no search, and some questions say that they are made of several. The rules know
English; about everything else, another language included, they say nothing.
"""

import re
import unicodedata
from collections.abc import Mapping

from rag.route.english import AROUND, COMPARATIVE, ORDINAL, RELATIVE, SMALL_TALK
from rag.route.routes import Route

_MOST_CHARS = 300  # chosen: a longer text is no plain question
_MOST_WORDS = 16  # chosen: small talk is shorter

_EDGES = ",.!?;:…–—-~()*"  # not quotes: who quotes a word looks for it
_ORNAMENT = ("P", "So", "Sk", "Mn", "Cf", "Cc")  # punctuation, emoji and what dresses them

_TALK = re.compile(
    rf"(?:{AROUND} )*(?:{'|'.join(f'({words})' for words in SMALL_TALK.values())}) "
    rf"(?:(?:{AROUND}|{'|'.join(SMALL_TALK.values())}) )*"
)

# Words between an article and a capital say what is named: "the tower of Pisa". Without an article
# none may stand there: "or by Post" names no second thing.
_NAME = r"(?:(?i:the|an?) (?:[\w'’-]+ ){0,5})?[\"'“‘]?[A-ZÀ-ÖØ-Þ][\w.'’&-]*"
_DEGREE = rf"(?i:{COMPARATIVE}|{ORDINAL})"
_HEAD = r"(?!(?i:name|title|kind|type|part|list|number|size|end|rest|text|one|some|most|all)\b)\w+"
_US = r"(?!\s+(?i:i|we|you|my|our|your)\b)"  # "the form that I need" is one thing, well described

_COMPOSED: Mapping[str, re.Pattern[str]] = {
    "it compares": re.compile(
        r"(?i)^(?:please |can you |could you )*(?:compare|contrast)\b"
        r".+\s(?:and|with|to|against|vs)\s"
    ),
    "it asks how two things differ": re.compile(
        rf"(?i:\b(?:differences?|comparison|similarities)) between {_NAME}.*\sand\s+{_NAME}"
        r"|(?i:^how (?:do|does|did)\s.+\sdiffer(?:ent)? from\s)"
        rf"|(?i:^what (?:do|did)) {_NAME}.*\sand\s+{_NAME}.*\s(?i:have in common)"
    ),
    "it holds one thing against another": re.compile(
        rf"^(?i:is|are|was|were|do|does|did|has|have) {_NAME}.*\s(?i:{COMPARATIVE})\b"
        rf".*\sthan {_NAME}"
        rf"|^(?i:is|are|was|were|do|does|did|has|have) {_NAME}.*\sand\s+{_NAME}.*\s"
        r"(?i:both|the same)\b"
    ),
    "it asks for what two things share": re.compile(
        rf"(?i:\bboth) (?:\w+, )?{_NAME}.*\sand\s+{_NAME}"
    ),
    "it chooses between two things": re.compile(
        rf"^(?i:which|who|what|whose)\b.*\b{_DEGREE}\b[^,:?–—]*[\s,:?–—]+{_NAME}.*\sor\s+{_NAME}"
        rf"|^(?i:which|who)\b[^,]*\s(?i:is|was|are|were) (?i:an? |not )?\w+, {_NAME}.*"
        rf"\sor\s+{_NAME}"
        rf"|^(?i:between) {_NAME}.*\sand\s+{_NAME}.*,\s*(?i:which|who)\b"
    ),
    "it asks about something found by another question": re.compile(
        rf"\b(?i:the) {_HEAD}(?: \w+)? (?i:of the) {_HEAD}(?: \w+){{0,2}} (?i:{RELATIVE})\b{_US}"
    ),
}


def rules(text: str) -> Route | None:
    """Return the route of a question whose wording makes it certain, None for any other.

    A is for small talk and texts without content, C for clear signs that a question is made of
    several; the first sign in the order of the table counts.

    >>> rules("Hi there!"), rules("hi there, what is BM25?")
    (Route(kind='A', by='rules', why='a greeting', probabilities={}), None)
    >>> rules("Who was born first, Ada Lovelace or Charles Babbage?").kind
    'C'
    """
    if len(text) > _MOST_CHARS:
        return None
    words = _words(text)
    if not words:
        return Route("A", "rules", "nothing is asked")
    talk = _TALK.fullmatch(" ".join(words) + " ") if len(words) <= _MOST_WORDS else None
    if talk:
        return Route("A", "rules", list(SMALL_TALK)[(talk.lastindex or 1) - 1])
    line = " ".join(text.split())
    for why, sign in _COMPOSED.items():
        if sign.search(line):
            return Route("C", "rules", why)
    return None


def _words(text: str) -> list[str]:
    """Return the words, lower case, without apostrophes and what only decorates them."""
    plain = unicodedata.normalize("NFKC", text).casefold().replace("'", "").replace("’", "")
    stripped = (word.strip(_EDGES) for word in plain.split())
    return [word for word in stripped if not all(map(_ornament, word))]


def _ornament(sign: str) -> bool:
    return unicodedata.category(sign).startswith(_ORNAMENT)
