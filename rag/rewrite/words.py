"""Words of a text, those that say what it is about, and its script and language, without a model.

Made for one purpose: to tell whether what a model wrote can be about what was asked. Rough on
purpose, for what is wrongly taken for another subject or language is only not used.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping

HAN = r"\u3005\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
HIRAGANA, KATAKANA = r"\u3041-\u309f", r"\u30a0-\u30ff"
UNSPACED = rf"[{HAN}]|[{HIRAGANA}]+|[{KATAKANA}]+"
"""Words of texts that are written without spaces, as far as signs tell."""
# Signs above and below letters, which `\w` leaves out: of Hebrew, Arabic, India, Thailand, Burma…
_MARKS = r"\u0300-\u036f\u0483-\u0489\u0591-\u05c7\u0610-\u0670\u06d6-\u06ed"
_MARKED = r"\u0900-\u0963\u0966-\u0e3a\u0e40-\u109f\u1780-\u17d3"
_WORD = re.compile(
    rf"{UNSPACED}|(?:(?![{HAN}{HIRAGANA}{KATAKANA}])(?:[^\W_]|[{_MARKS}{_MARKED}]))+"
)
_HIRAGANA = re.compile(rf"[{HIRAGANA}]+")
_FUNCTION_WORDS: Mapping[str, frozenset[str]] = {
    language: frozenset(words.split())
    for language, words in {
        "en": "the an of in on at to for from by with about into and or not but if as is are was "
        "were be been being am do does did done don doesn didn isn aren wasn has have had can "
        "could would should will shall may might must what which who whom whose when where why "
        "how that this these those there here it its he she they them his her hers their we our "
        "you your me my than then so such some any all both each more most much many other also "
        "between during after before over under please tell give find search look know want need "
        "explain describe list show question query answer information details",
        "de": "der die das den dem des ein eine einer eines einem einen und oder nicht ist sind "
        "waren wird werden wurde hat haben kann wie wer wo wann warum welche welcher welches von "
        "mit für auf aus bei nach zu zum zur im auch sich über unter es er sie wir ich",
        "fr": "le la les un une des du de et ou est sont était été qui que quoi quel quelle "
        "quels quelles où quand comment pourquoi dans sur pour par avec sans ce cette ces il elle "
        "ils elles nous vous je ne pas au aux se sa ses leur",
        "es": "el la los las un una unos unas de del y es son fue era qué que quién quien cuál "
        "cual cuándo cuando dónde donde cómo como por para con sin en su sus se al lo ella ellos "
        "está están este esta estos estas más",
        "it": "il lo la gli le un una di del della dei delle degli ed è sono era che chi cosa "
        "quale quali quando dove perché per con senza nel nella su suo sua si al alla da dal",
        "pt": "o os as um uma uns umas de do da dos das e é são foi era que quem qual quais "
        "quando onde como por para com sem em no na nos nas seu sua se ao não mais",
        "nl": "de het een van en of niet is zijn was werd wordt heeft hebben kan wat wie waar "
        "wanneer waarom hoe welke met voor op uit bij naar te in ook zich over onder hij zij wij",
    }.items()
}
_ALL_FUNCTION_WORDS = frozenset().union(*_FUNCTION_WORDS.values())
_LEAD = 2  # chosen: function words by which a language must be ahead of all others
_STEM = 5  # chosen: "founded", "founder" and "foundation" begin with the same five letters
_SHORT_STEM = 4  # "swim" begins "swimming"; shorter words must be equal
_HAN_WEIGHT = 3  # chosen: a Chinese word has two signs, an English one five or six letters
_MAIN = 0.25  # chosen: a script with that share of a text may be the main one of another
_REFRAIN = 12  # chosen: of 1,500 relevant passages of DL19, one repeats itself more
_STRAY = 0.2  # chosen: "α-synuclein" is still Latin


def plain(text: str) -> str:
    """Return a text in which letters of different looks are the same (NFKC, folded case)."""
    return unicodedata.normalize("NFKC", text).casefold()


def words(text: str) -> tuple[str, ...]:
    """Return the words in order, in folded case; a Han sign is a word, so is a run of kana.

    >>> words("Who's Dürer?"), words("电池 とは")
    (('who', 's', 'dürer'), ('电', '池', 'とは'))
    """
    return tuple(_WORD.findall(plain(text)))


def content(text: str) -> frozenset[str]:
    """Return the words that say what a text is about: no function words, no single letters.

    >>> sorted(content("Who was the founder of SAP in 1972?"))
    ['1972', 'founder', 'sap']
    """
    return frozenset(word for word in words(text) if _says_something(word))


def shared(ours: Iterable[str], theirs: Collection[str]) -> int:
    """Return how many of our words are among theirs, but for their endings.

    >>> shared({"founder", "car", "swimming"}, {"founded", "care", "swim"})
    2
    """
    stems = {word[:_STEM] for word in theirs}
    begun = {word[:_SHORT_STEM] for word in theirs if len(word) > _SHORT_STEM}
    return sum(
        word[:_STEM] in stems
        or (len(word) > _SHORT_STEM and word[:_SHORT_STEM] in stems)
        or (len(word) == _SHORT_STEM and word in begun)
        for word in ours
    )


def language(text: str) -> str:
    """Return "en", "de", "fr", "es", "it", "pt" or "nl", "" where function words do not tell.

    >>> language("What is the plot of the film?"), language("Das Kapital"), language("die casting")
    ('en', '', '')
    """
    counts = Counter(words(text))
    told = {
        name: sum(n for word, n in counts.items() if word in known)
        for name, known in _FUNCTION_WORDS.items()
    }
    (best, most), (_, second) = Counter(told).most_common(2)
    return best if most >= second + _LEAD else ""


def foreign(text: str, original: str) -> bool:
    """Whether a text is in another script or language than the original.

    Its main script must make up a quarter of the original; at most a fifth of its letters may be of
    scripts that the original does not have at all. Without letters it is not foreign.

    >>> foreign("кто основал Apple", "who founded Apple"), foreign("电池", "iPhone 电池")
    (True, False)
    """
    ours, theirs = scripts(text), scripts(original)
    if ours and theirs:
        main = max(ours, key=lambda script: (ours[script], script))
        stray = sum(weight for script, weight in ours.items() if script not in theirs)
        if theirs[main] < _MAIN * theirs.total() or stray > _STRAY * ours.total():
            return True
    mine, other = language(text), language(original)
    return bool(mine and other and mine != other)


def scripts(text: str) -> Counter[str]:
    """Return the scripts of a text's letters, each with its weight.

    >>> scripts("GPU что 电池")
    Counter({'CJK': 6, 'LATIN': 3, 'CYRILLIC': 3})
    """
    found: Counter[str] = Counter()
    for letter in filter(str.isalpha, plain(text)):
        name = unicodedata.name(letter, "UNKNOWN").split()[0]
        script = "CJK" if name in {"HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA"} else name
        found[script] += _HAN_WEIGHT if name == "CJK" else 1
    return found


def repeats(text: str) -> bool:
    """Whether a text goes round in circles: three words in a row that come again and again.

    Again and again is three times, or more than one in twelve of a long text's words.

    >>> repeats("spam " * 5), repeats("the capital of France and the capital of Spain")
    (True, False)
    """
    each = words(text)
    triples = Counter(zip(each, each[1:], each[2:], strict=False))
    most = max(triples.values(), default=0)
    return most >= 3 and most > len(each) / _REFRAIN


def _says_something(word: str) -> bool:
    if word in _ALL_FUNCTION_WORDS or _HIRAGANA.fullmatch(word):
        return False
    return len(word) > 1 or word.isdigit() or "CJK" in unicodedata.name(word, "")
