"""Polarity: what a text denies, and in which direction it says that things go."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from rag.outside.words import content
from rag.values import Frozen
from rag.verify.contraries import contraries
from rag.verify.words import folded, plainly, stem

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?|[.,;:!?()]", re.UNICODE)
_VERBAL = "not never cannot hardly barely scarcely neither nor unable"
_NOMINAL = "no none without lack lacks lacked lacking absence absent fail fails failed failing"
_CUES: Mapping[str, int] = dict.fromkeys(_VERBAL.split(), 1) | dict.fromkeys(_NOMINAL.split(), 3)
"""What denies, and how many of the words after it may be what it denies."""
_NO_DENIAL = re.compile(
    r"\b(?:not only|not just|not merely|no longer than|no more than|no less than|no later than"
    r"|no doubt|whether or not|if not|no one knows|not to mention|no\. ?\d)\b",
    re.IGNORECASE,
)
_BORDERS = frozenset(".,;:!?()") | {"but", "although", "whereas", "while", "because", "however"}
_SAYS_LITTLE = (
    "able any appear appeared appears been being does did do done ever get having seem seemed "
    "seems show showed shown shows such yet"
)
_LIGHT = frozenset(_SAYS_LITTLE.split())

_NEAR = 2  # chosen: words on each side that say of what a direction is said


@dataclass(frozen=True, slots=True)
class Said(Frozen):
    """A text read for its denials.

    `denials` are the cues with the positions of what each denies. `pairs` holds for the position of
    each word that says something its stem after that of the last one: by such pairs, two places
    that use the same word are told apart.
    """

    words: tuple[str, ...]
    denials: tuple[tuple[str, tuple[int, ...]], ...]
    stems: Mapping[int, str]
    pairs: Mapping[int, str]

    @property
    def denied(self) -> frozenset[int]:
        """The positions of the words that are denied."""
        return frozenset(i for _, targets in self.denials for i in targets)

    def keys(self, at: Mapping[int, str], *, denied: bool) -> frozenset[str]:
        """Return the stems, or pairs, that are denied somewhere, or are not somewhere."""
        there = self.denied
        return frozenset(key for i, key in at.items() if (i in there) is denied)


@lru_cache(2_048)  # a sentence is held against every sentence that was packed
def said(text: str) -> Said:
    """Return a text's words and what it denies."""
    plain = _NO_DENIAL.sub(lambda match: " " * len(match[0]), plainly(text))
    plain = re.sub(r"\bcan(?:'t|not)\b", "can not", plain, flags=re.IGNORECASE)
    plain = re.sub(r"(?<=[a-z])n't\b", " not", plain, flags=re.IGNORECASE)
    plain = re.sub(r"\b(up|down)-(?=regulat)", r"\1", plain, flags=re.IGNORECASE)
    each = tuple(folded(word) for word in _WORD.findall(plain))
    cues = [(i, word) for i, word in enumerate(each) if word in _CUES]
    stems = {i: stem(word) for i, word in enumerate(each) if _says(word)}
    places = [None, *stems]
    pairs = {
        i: f"{stems[last] if last is not None else ''} {stems[i]}"
        for last, i in zip(places, stems, strict=False)
    }
    denials = tuple((word, tuple(_targets(each, i, _CUES[word]))) for i, word in cues)
    return Said(each, denials, stems, pairs)


def _targets(words: Sequence[str], cue: int, most: int) -> Iterator[int]:
    """Yield what a cue denies: the next words that say something, else the last one before."""
    found = 0
    for i in range(cue + 1, len(words)):
        if words[i] in _BORDERS or found >= most:
            break
        if _says(words[i]):
            yield i
            found += 1
    if not found:
        before = (i for i in range(cue - 1, -1, -1) if _says(words[i]))
        yield from (i for i, _ in zip(before, "1", strict=False))


@lru_cache(8_192)
def _says(word: str) -> bool:
    return bool(content(word)) and word not in _LIGHT and word not in _CUES and word[-2:] != "ly"


def turned(sentence: str, evidence: str) -> tuple[str, ...]:
    """Return what the sentence turns round: denials added or lost, directions, contraries.

    Only words that both texts have are compared; a paraphrase without them is not judged here.

    >>> turned("Dogs are not allowed.", "Dogs are allowed."), turned("It fell.", "It rose.")
    (('not',), ('fell',))
    """
    mine, theirs = said(sentence), said(evidence)
    return tuple(
        dict.fromkeys([*_added(mine, theirs), *_lost(mine, theirs), *_opposed(mine, theirs)])
    )


def unheard(sentence: str, evidence: str) -> str:
    """Return the cue of a denial in the sentence where the evidence denies nothing at all, else "".

    >>> unheard("Dogs must not sail.", "Cats sail."), unheard("No dog sails.", "Dogs never sail.")
    ('not', '')
    """
    mine = said(sentence).denials
    return mine[0][0] if mine and not said(evidence).denials else ""


def _added(mine: Said, theirs: Said) -> Iterator[str]:
    """Yield the cues that deny what the evidence only affirms."""
    for ours, others in ((mine.stems, theirs.stems), (mine.pairs, theirs.pairs)):
        only = theirs.keys(others, denied=False) - theirs.keys(others, denied=True)
        for cue, targets in mine.denials:
            if any(ours[first] in only for first in targets[:1]):
                yield cue


def _lost(mine: Said, theirs: Said) -> Iterator[str]:
    """Yield the cues whose denial the sentence leaves out."""
    for ours, others in ((mine.stems, theirs.stems), (mine.pairs, theirs.pairs)):
        only = mine.keys(ours, denied=False) - mine.keys(ours, denied=True)
        only -= theirs.keys(others, denied=False)
        for cue, targets in theirs.denials:
            if any(others[i] in only for i in targets):
                yield cue


def _opposed(mine: Said, theirs: Said) -> Iterator[str]:
    """Yield the words of the sentence of which the evidence has the contrary, said of the same.

    Denied words do not count: "does not rise" may well be said of what falls. Said of the same is
    what stands near a word that both texts have.
    """
    for word, contrary in contraries(_undenied(mine), _undenied(theirs)):
        ours, others = _near(mine, word), _near(theirs, contrary)
        if word not in theirs.words and (ours & others or not ours or not others):
            yield word


def _near(text: Said, word: str) -> frozenset[str]:
    """Return the stems of the words around each place of a word that say something."""
    places = [i for i, one in enumerate(text.words) if one == word]
    found: set[str] = set()
    for place in places:
        before = [text.stems[i] for i in text.stems if i < place]
        after = [text.stems[i] for i in text.stems if i > place]
        found.update(before[-_NEAR:] + after[:_NEAR])
    return frozenset(found)


def _undenied(text: Said) -> tuple[str, ...]:
    denied = text.denied
    kept = (word for i, word in enumerate(text.words) if i not in denied)
    return tuple(dict.fromkeys(kept))
