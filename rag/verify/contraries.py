"""Words that say the contrary of each other: "increase" and "decrease", "stable" and "unstable"."""

import re
from collections.abc import Collection, Iterator

from rag.outside.words import content

# One direction, the other; * stands for any ending but those of agents ("inhibitor").
_DIRECTIONS = """
increas* rais* rise rises rising rose risen elevat* enhanc* upregulat* boost* augment* grow grows \
growing grew grown accelerat* stimulat* strengthen* expand* heighten* potentiat* \
| decreas* reduc* declin* diminish* downregulat* drop drops dropped dropping fall falls falling \
fell fallen lessen* attenuat* slow slows slowed weaken* suppress* inhibit* shrink* shrank shrunk \
lowered lowers lowering impair* decelerat*
high higher highest greater greatest larger largest bigger biggest upper longer longest \
| low lower lowest smaller smallest lesser shorter shortest
more most | less fewer least fewest
above over exceed* surpass* | below under beneath
positive positively | negative negatively
before prior earlier preced* previously | after following later afterwards subsequent*
all every each always everyone everything both | none never neither nobody nothing
best better improv* superior | worst worse worsen* deteriorat* inferior
allow* permit* welcome | forbid* forbidden prohibit* bann* disallow*
includ* | exclud*
activat* agonis* promot* induc* | inactivat* antagonis* inhibit* prevent* block*
present presence | absent absence
maximum maximal maximally | minimum minimal minimally
open opens opened | closed closes shut shuts
early | late
agree agrees agreed | disagree*
accept* | reject* refus*
success* succeed* | fail failed fails failure failures
north northern | south southern
east eastern | west western
hot hotter warm warmer | cold colder cool cooler
start starts started begin begins began | end ends ended stop stops stopped
true | false
win wins won | lose loses lost
many | few
"""
_PREFIXES = ("un", "in", "im", "il", "ir", "dis", "non", "a")
_LEAST = 4  # chosen: letters of what a prefix turns; seven for "a" alone
_LOOK_ALIKE = (
    "information inform informed informal infusion invaluable inflammable inpatient inpatients "
    "unlike unless improve improved impress impression import imported important inside income "
    "incoming incline induct intense intend intended intent invent insight inset instill union "
    "unit unite united uniform universe display disease discover dispose dispatch discount "
    "disclose distinct indeed increase increased increasing individual industry infect infected "
    "influence ingredient initial input inquire instance instant insure interest invest impact "
    "implant imply impose impart across along alike around arise arose apart amount account "
    "address ahead alone about above abroad afford await awake aware away abase amid avoid"
)
_LOOKALIKES = frozenset(_LOOK_ALIKE.split())


_ENDING = r"[a-z]*(?<!or)(?<!ors)(?<!ory)(?<!ter)(?<!ters)"


def _pattern(words: str) -> re.Pattern[str]:
    return re.compile("|".join(word.replace("*", _ENDING) for word in words.split()))


_PAIRS = tuple(
    (_pattern(one), _pattern(other))
    for line in _DIRECTIONS.strip().splitlines()
    for one, _, other in [line.partition("|")]
)
_BOTH_WAYS = (*_PAIRS, *((other, one) for one, other in _PAIRS))


def contraries(ours: Collection[str], theirs: Collection[str]) -> tuple[tuple[str, str], ...]:
    """Return the words of ours, each with the contrary that the others have instead.

    A word is left out where the others have it, too, or another of the same direction.

    Args:
        ours: in folded case, in order.
        theirs: likewise.

    >>> contraries(["raised", "stable"], ["decreased", "unstable"])
    (('raised', 'decreased'), ('stable', 'unstable'))
    >>> contraries(["raised", "inform"], ["rise", "fall", "form"])
    ()
    """
    found = [
        (word, other)
        for mine, contrary in _BOTH_WAYS
        if not any(map(mine.fullmatch, theirs))
        for word in ours
        if mine.fullmatch(word)
        for other in theirs
        if contrary.fullmatch(other)
    ]
    found += [
        (word, other)
        for word in ours
        if word not in theirs
        for other in _turned(word)
        if other in theirs and other not in ours
    ]
    return tuple(dict.fromkeys(found))


def _turned(word: str) -> Iterator[str]:
    """Yield the word with "un-", "in-" … put before it, or taken off."""
    if not word.isalpha() or word in _LOOKALIKES or not content(word):
        return
    for prefix in _PREFIXES:
        least = 7 if prefix == "a" else _LEAST
        if word.startswith(prefix) and len(word) - len(prefix) >= least:
            yield word.removeprefix(prefix)
        if len(word) >= least and prefix + word not in _LOOKALIKES:
            yield prefix + word
    for one, other in (("hyper", "hypo"), ("hypo", "hyper")):
        if word.startswith(one):
            yield other + word.removeprefix(one)
