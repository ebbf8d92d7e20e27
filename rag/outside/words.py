"""Words of a text, those that say what it is about, and its script and language, without a model.

Made for one purpose: to tell whether what a model wrote can be about what was asked. Rough on
purpose, for what is wrongly taken for another subject or language is only not used.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping

_HAN = r"\u3005\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_HIRAGANA, _KATAKANA = r"\u3041-\u309f", r"\u30a0-\u30ff"
# Words of texts that are written without spaces, as far as signs tell.
_UNSPACED = rf"[{_HAN}]|[{_HIRAGANA}]+|[{_KATAKANA}]+"
# Signs above and below letters, which `\w` leaves out: of Hebrew, Arabic, India, Thailand, Burma…
_MARKS = r"\u0300-\u036f\u0483-\u0489\u0591-\u05c7\u0610-\u0670\u06d6-\u06ed"
_MARKED = r"\u0900-\u0963\u0966-\u0e3a\u0e40-\u109f\u1780-\u17d3"
_WORD = re.compile(
    rf"{_UNSPACED}|(?:(?![{_HAN}{_HIRAGANA}{_KATAKANA}])(?:[^\W_]|[{_MARKS}{_MARKED}]))+"
)
_HAN_SIGN = re.compile(rf"[{_HAN}]")
_ALL_HIRAGANA = re.compile(rf"[{_HIRAGANA}]+")
# Where no spaces stand and a sign alone says little: Chinese, Thai, Lao, Burmese, Khmer.
_RUN = re.compile(rf"[{_HAN}]{{2,}}|[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]{{2,}}")
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
# What two unrelated texts share although it tells no language: figures, the talk about searching.
_FILLERS = re.compile(
    "again|because|documents?|either|few|first|get|given|him|ignore|instead|just|last|let|made|make"
    "|new|next|no|nor|now|off|one|only|out|passages?|same|see|several|through|too|two|until|up|very"
    "|while|write"
)
_ALL_FUNCTION_WORDS = frozenset().union(*_FUNCTION_WORDS.values())
_LEAD = 2  # chosen: function words by which a language must be ahead of all others
_STEM = 5  # chosen: "founded", "founder" and "foundation" begin with the same five letters
_HANGUL_STEM = 2  # chosen: in Korean, what ends a word is written on to it
_SHORT_STEM = 4  # "swim" begins "swimming"; shorter words must be equal
_HAN_WEIGHT = 3  # chosen: a Chinese word has two signs, an English one five or six letters
_MAIN = 0.25  # chosen: a script with that share of a text may be the main one of another
_REFRAIN = 12  # chosen: of 1,500 relevant passages of DL19, one repeats itself more
_STRAY = 0.2  # chosen: "α-synuclein" is still Latin
_ENDS = ".,;:!?…。、()\"'“”„‘’«»「」"


def plain(text: str) -> str:
    """Return a text in which letters of different looks are the same (NFKC, folded case)."""
    return unicodedata.normalize("NFKC", text).casefold()


def same(text: str) -> str:
    """Return what two texts have in common when they say the same in the same words.

    Signs inside and at words count, but for punctuation: "C++" is not "C#".

    >>> same("Who is  “Jane”?") == same("who is jane"), same("C++?") == same("C#?")
    (True, False)
    """
    each = (word.strip(_ENDS) for word in plain(text).split())
    return " ".join(filter(None, each))


def words(text: str) -> tuple[str, ...]:
    """Return the words in order, in folded case; a Han sign is a word, so is a run of kana.

    >>> words("Who's Dürer?"), words("电池 とは")
    (('who', 's', 'dürer'), ('电', '池', 'とは'))
    """
    return tuple(_WORD.findall(plain(text)))


def count(text: str) -> int:
    """Return about how many words a text has; two Han signs are one.

    >>> count("电池 life"), count("one two")
    (2, 2)
    """
    return len(words(text)) - len(_HAN_SIGN.findall(plain(text))) // 2


def content(text: str) -> frozenset[str]:
    """Return the words that say what a text is about: no function words, no single letters.

    Of scripts without spaces, pairs of signs: a single one is shared by chance.

    >>> sorted(content("Who was the founder of SAP in 1972?")), sorted(content("电池寿"))
    (['1972', 'founder', 'sap'], ['池寿', '电池'])
    """
    text = plain(text)
    pairs = {run[i : i + 2] for run in _RUN.findall(text) for i in range(len(run) - 1)}
    spaced = _WORD.findall(_RUN.sub(" ", text))
    return frozenset(pairs.union(word for word in spaced if _says_something(word)))


def shared(ours: Iterable[str], theirs: Collection[str]) -> int:
    """Return how many of our words are among theirs, but for their endings.

    >>> shared({"founder", "car", "swimming"}, {"founded", "care", "swim"})
    2
    """
    stems = set(map(_stem, theirs))
    begun = {word[:_SHORT_STEM] for word in theirs if len(word) > _SHORT_STEM}
    return sum(
        _stem(word) in stems
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
    for letter, times in Counter(filter(str.isalpha, plain(text))).items():
        name = unicodedata.name(letter, "UNKNOWN").split()[0]
        script = "CJK" if name in {"HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA"} else name
        found[script] += times * (_HAN_WEIGHT if name == "CJK" else 1)
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
    if word in _ALL_FUNCTION_WORDS or _FILLERS.fullmatch(word) or _ALL_HIRAGANA.fullmatch(word):
        return False
    return len(word) > 1 or word.isdigit() or "CJK" in unicodedata.name(word, "")


def _stem(word: str) -> str:
    return word[: _HANGUL_STEM if "\uac00" <= word[0] <= "\ud7a3" else _STEM]
