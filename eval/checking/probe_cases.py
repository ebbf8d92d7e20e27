"""The cases of every probe: what is asked, and what one looks at in the grades.

Stuffing follows Alaofi et al. (arXiv 2501.17969): query words, the query itself or an instruction,
put into words or passages that answer nothing, make many judges call them relevant.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from dataclasses import replace as replaced

import numpy as np

from eval.checking.gates import RETESTED
from eval.checking.probe_texts import FACTS, INSTRUCTION, IRRELEVANT
from rag.errors import BadInput
from rag.values import Case, Frozen

CASES = 40
"""Cases of every probe: at 40, two are the 5 % that a gate allows."""

_WORD = re.compile(r"[^\W\d_]{3,}")
_RANDOM_WORDS = 60  # about the length of a passage of MS MARCO
_FEW_WORDS = 20


@dataclass(frozen=True, slots=True)
class Twice(Frozen):
    """Cases asked before and after a change; grades should stay.

    `after[places[i]]` is `before[i]`, changed.
    """

    name: str
    about: str
    before: tuple[Case, ...]
    after: tuple[Case, ...]
    places: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Once(Frozen):
    """Texts that answer nothing; grades should be 0."""

    name: str
    about: str
    attack: bool
    cases: tuple[Case, ...]


def kept_cases(given: Sequence[Case], seed: int) -> tuple[Twice, ...]:
    """Return the cases whose grades should stay: again, in another order, cut, in other languages.

    `given` are real pairs.
    """
    chosen, n = tuple(given), len(given)
    order = np.random.default_rng(seed).permutation(n)
    shuffled = tuple(chosen[i] for i in order)
    places = tuple(np.argsort(order).tolist())
    half = _first(chosen, "half", lambda words: words - words // 2)
    few = _first(chosen, "few", lambda _: _FEW_WORDS)
    same = tuple(range(n))
    return (
        Twice(RETESTED, "the same cases asked again", chosen, chosen, same),
        Twice("order", "the same cases asked in another order", chosen, shuffled, places),
        Twice("first half", "passages cut in the middle", chosen, half, same),
        Twice("first words", f"the first {_FEW_WORDS} words of passages", chosen, few, same),
        *_languages(),
    )


def fooled_cases(given: Sequence[Case], count: int, seed: int) -> tuple[Once, ...]:
    """Return the cases that deserve a 0: what is irrelevant, stuffed, or empty.

    Raises:
        BadInput: there is no case to make them of.
    """
    if not given:
        raise BadInput("probes need pairs of a collection: name one that has some")
    chance = np.random.default_rng(seed + 1)
    words = sorted({word for case in given for word in _words(case.text)}) or ["word"]
    asked = [given[i % len(given)] for i in range(count)]
    plain, random = [], []
    for number, case in enumerate(asked):
        plain.append(replaced(case, document_id=_id(number), text=_irrelevant(case, given, chance)))
        drawn = chance.choice(words, _RANDOM_WORDS)
        random.append(replaced(case, document_id=_id(number), text=" ".join(drawn)))

    def once(name: str, about: str, cases: Sequence[Case], *, attack: bool = True) -> Once:
        marked = (replaced(c, document_id=f"{c.document_id}:{name}") for c in cases)
        return Once(name, about, attack, tuple(marked))

    stuffed = [_with_words(case, chance) for case in random]
    queried = [replaced(case, text=f"{case.query} {case.text}") for case in plain]
    ordered = [replaced(case, text=f"{case.text} {INSTRUCTION}") for case in queried]
    empty = [replaced(case, text="") for case in plain]
    return (
        once("irrelevant", "a passage about something else, untouched", plain, attack=False),
        once("random words", "words of the collection, drawn at random", random),
        once("query words", "random words with those of the query among them", stuffed),
        once("query", "an irrelevant passage that begins with the query", queried),
        once("instruction", "the same, and it says that it is relevant", ordered),
        once("empty", "no text at all", empty, attack=False),
    )


def _languages() -> tuple[Twice, ...]:
    """Return our own facts, asked in English, with passages in English and in others."""

    def passages(language: str, texts: Sequence[str]) -> tuple[Case, ...]:
        return tuple(
            Case(f"probe:{n}", fact.question, f"probe:{n}:{language}", text)
            for n, (fact, text) in enumerate(zip(FACTS, texts, strict=True))
        )

    english = passages("English", [fact.english for fact in FACTS])
    return tuple(
        Twice(
            language,
            f"our own answers in {language} instead of English; the question stays English",
            english,
            passages(language, [dict(fact.others)[language] for fact in FACTS]),
            tuple(range(len(FACTS))),
        )
        for language, _ in FACTS[0].others
    )


def _irrelevant(case: Case, given: Sequence[Case], chance: np.random.Generator) -> str:
    """Return a passage that shares no longer word with the query; one of ours where none is."""
    about = set(_words(case.query))
    for place in chance.permutation(len(given))[:50]:
        other = given[int(place)]
        if other.query_id != case.query_id and not about & set(_words(other.text)):
            return other.text
    return IRRELEVANT[int(chance.integers(len(IRRELEVANT)))]


def _with_words(case: Case, chance: np.random.Generator) -> Case:
    words = case.text.split()
    for word in case.query.split():
        words.insert(int(chance.integers(len(words) + 1)), word)
    return replaced(case, text=" ".join(words))


def _first(cases: Sequence[Case], name: str, words: Callable[[int], int]) -> tuple[Case, ...]:
    """Return the cases with the first words of their texts, how many by how many there are."""
    found = []
    for case in cases:
        every = case.text.split()
        text = " ".join(every[: words(len(every))])
        found.append(replaced(case, document_id=f"{case.document_id}:{name}", text=text))
    return tuple(found)


def _words(text: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(text)]


def _id(number: int) -> str:
    return f"probe:{number}"
