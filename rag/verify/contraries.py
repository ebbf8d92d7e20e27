"""Words that say the contrary of each other: "increase" and "decrease", "stable" and "unstable"."""

import re
from collections.abc import Collection

from rag.outside.words import content

# One direction, the other; * stands for any ending.
_DIRECTIONS = """
increas* rais* rise rises rising rose risen elevat* enhanc* upregulat* boost* augment* grow grows \
growing grew grown gain* accelerat* stimulat* strengthen* expand* heighten* potentiat* \
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
hyper* | hypo*
many | few
"""
_PREFIXES = ("un", "in", "im", "il", "ir", "dis", "non", "a")
_PREFIX = re.compile(rf"(?:{'|'.join(_PREFIXES)})(?=[a-z]{{4}})")
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


def _pattern(words: str) -> re.Pattern[str]:
    return re.compile("|".join(word.replace("*", "[a-z]*") for word in words.split()))


_PAIRS = tuple(
    (_pattern(one), _pattern(other))
    for line in _DIRECTIONS.strip().splitlines()
    for one, _, other in [line.partition("|")]
)
_BOTH_WAYS = (*_PAIRS, *((other, one) for one, other in _PAIRS))


def reversed_words(ours: Collection[str], theirs: Collection[str]) -> tuple[str, ...]:
    """Return those of our words of which the others have the contrary, but neither them nor a kin.

    Args:
        ours: in folded case, in order.
        theirs: likewise.

    >>> reversed_words(["raised", "stable"], ["decreased", "unstable"])
    ('raised', 'stable')
    >>> reversed_words(["raised", "inform"], ["rise", "fall", "form"])
    ()
    """
    turned = [
        next(word for word in ours if mine.fullmatch(word))
        for mine, contrary in _BOTH_WAYS
        if any(map(mine.fullmatch, ours))
        and any(map(contrary.fullmatch, theirs))
        and not any(map(mine.fullmatch, theirs))
    ]
    return tuple(dict.fromkeys([*turned, *(word for word in ours if _negated(word, theirs))]))


def _negated(word: str, theirs: Collection[str]) -> bool:
    """Whether the others have the word with "un-", "in-" … put before it or taken off, not it."""
    if word in theirs or word in _LOOKALIKES or not content(word):
        return False
    begun = _PREFIX.match(word)
    if begun and word[begun.end() :] in theirs:
        return True
    made = (prefix + word for prefix in _PREFIXES)
    return len(word) > 3 and any(one in theirs and one not in _LOOKALIKES for one in made)
