r"""Gates: which queries no model may rewrite or expand.

Whoever quotes a phrase, pastes an identifier or writes a paragraph wants these very words: a model
spells them wrong, or adds nothing. What looks like a name of everyday life passes. They are told
apart by form alone; where one cannot tell, the gate is shut, which costs no more than an expansion.
All rules are chosen:

- an apostrophe is no quotation mark, the inch is one;
- a letter, perhaps a hyphen, then four digits or more are an identifier (PMC4312, ORA-00942), but
  not where they are a year from 1900 to 2099: COVID-19, IL-6, B12, H2O and Covid-2019 pass;
- humps are one after two small letters and before as many, or after three (userId, toString), but
  iPhone, mRNA, macOS pass; of capitalised parts three (NullPointerException) or two of which the
  last is Error or Exception, but YouTube passes;
- dots join names of two letters and more, the second a small one (os.path, Node.js), but e.g. and
  an end.Without a space pass; three numbers that are no date (3.11.4), or two after a v (v2.1);
- a path begins with a slash, ~ or a drive, or has a backslash: TCP/IP and and/or pass.
"""

import re
from re import Pattern

MAX_WORDS = 25
"""Chosen: of long questions, such as ArguAna's, expansion finds no more than BM25 alone."""

_HEX = "[0-9A-Fa-f]"
_MARK = '"“”„‟«»「」『』＂'
_DATE = r"\d{1,2}\.\d{1,2}\.\d{4}(?!\.?\w)"
_THOUSANDS = r"\d{1,3}(?:\.\d{3})+(?!\.?\w)"
_LETTER = re.compile(r"[^\W\d_]")
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]")  # kana, ideographs

# Each takes time linear in the text: whatever repeats ends at what it does not contain.
_GATES: tuple[tuple[str, Pattern[str]], ...] = tuple(
    (reason, re.compile("|".join(patterns)))
    for reason, patterns in (
        ("it quotes a phrase", [rf"[{_MARK}]\s*[^\s{_MARK}][^{_MARK}]*[{_MARK}]"]),
        ("it holds a URL", [r"\w://\S", r"\bwww\.\w"]),
        ("it holds an e-mail address", [r"[^\s@]@[\w-]+\.\w"]),
        (
            "it holds a file path",
            [
                r"(?<![^\s(\[{<'`])(?:~|\.{1,2})?/\.?[^\W\d]",
                r"\b[A-Za-z]:[\\/]\w",
                r"\w\\\w",
                r"\\\\\w",
            ],
        ),
        ("it holds a command-line flag", [r"(?<![\w-])--[A-Za-z]"]),
        (
            "it holds a version number",
            [
                r"\b[vV]\d+\.\d",
                rf"(?<![\w.])(?!{_DATE}|{_THOUSANDS})\d+(?:\.\d+){{2}}",
            ],
        ),
        (
            "it holds a hash",
            [
                rf"\b{_HEX}{{8}}-(?:{_HEX}{{4}}-){{3}}{_HEX}{{12}}\b",
                rf"\b(?=\w*\d)(?=\w*[A-Fa-f]){_HEX}{{7,}}\b",
            ],
        ),
        (
            "it holds an identifier",
            [
                r"[^\W_]_|_[^\W_]",
                r"\b(?:[a-z]{3,}[A-Z][a-z]|[a-z]{2}[A-Z][a-z]{2})",
                r"\b(?:[A-Z][a-z]+){3}",
                r"\b\w+(?:Error|Exception)\b",
                r"\b[^\W\d]\w+\.[a-z]\w",
                r"\b[^\W\d]\w+(?:\.[^\W\d]\w+){2}",
                r"\w::\w",
                rf"\b0[xX]{_HEX}+\b",
                r"[^\W\d_]-?(?!(?:19|20)\d\d(?!\d))\d{4}",
                r"[A-Z]-\d+-\d\d",  # CVE-2021-44228
            ],
        ),
        ("it holds code", [r"\w\(\)", r"`[^`]+`"]),
    )
)


def why_not(text: str) -> str:
    """Return why a query must not be rewritten or expanded by a model; "" where it may.

    Of ideographs and kana, two count as a word.

    >>> why_not("What does ORA-00942 mean?"), why_not("Who said “to be or not to be”?")
    ('it holds an identifier', 'it quotes a phrase')
    >>> why_not("Does vitamin B12 help against COVID-19?")
    ''
    """
    if not text.strip():
        return "it is empty"
    if not _LETTER.search(text):
        return "it holds no word"
    if len(text.split()) + len(_UNSPACED.findall(text)) // 2 > MAX_WORDS:
        return f"it has more than {MAX_WORDS} words"
    return next((reason for reason, pattern in _GATES if pattern.search(text)), "")
