"""A query that wants its very words is left alone; names of everyday life are no identifiers."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.expand.gates import MAX_WORDS, why_not

SHUT = {
    "it is empty": ["", "  \n\t", "\u3000"],
    "it holds no word": ["42", "3.14 + 2", "?!", "1, 2, 3", "__", "🙂", "2024-11-21"],
    "it has more than 25 words": ["why " * 26, "是" * 60],
    "it quotes a phrase": [
        'who said "to be or not to be"',
        "who said “to be or not to be”",
        "qui a dit «je pense, donc je suis»",
        "qui a dit « je pense »",
        "wer sagte „ich denke“",
        "wer sagte »ich denke«",
        "gdzie jest „tak”",
        "谁说「我思故我在」",
        'a lone " before "a phrase"',
    ],
    "it holds a URL": ["what is https://example.com about", "ftp://host", "see www.example for it"],
    "it holds an e-mail address": ["who is jane.doe@example.com", "mail to a@b.co"],
    "it holds a file path": [
        "what is in /etc/hosts",
        "edit ~/.bashrc or not",
        "run ./configure first",
        "open (../README)",
        r"delete C:\Windows\Temp",
        r"the share \\server",
        r"why is src\main empty",
        "the folder C:/Users",
    ],
    "it holds a command-line flag": ["what does --force-with-lease do", "git push (--tags)"],
    "it holds a version number": [
        "changes in python 3.11.4",
        "is 10.0.0.1 local",
        "upgrade to v2.1",
        "what broke in 1.2.3-rc1?",
    ],
    "it holds a hash": [
        "commit e20cbd7 broke it",
        "9e107d9d372bb6826bd81d3542a419d6 belongs to whom",
        "job 123e4567-e89b-12d3-a456-426614174000 hangs",
        "job 12345678-1234-1234-1234-123456789012 hangs",
    ],
    "it holds an identifier": [
        "what does snake_case mean",
        "set MAX_WORDS to 3",
        "what is __init__ for",
        "why is _private hidden",
        "what does camelCase mean",
        "where is userId set",
        "what does toString return",
        "what does getURLs or parseTree do",
        "why a NullPointerException",
        "what raises ValueError here",
        "IOException while reading",
        "how to use os.path",
        "is Node.js fast",
        "see example.com",
        "the class System.Collections.Generic",
        "std::vector or array",
        "ORA-00942 on select",
        "windows update fails with 0x80070005",
        "the paper PMC4312",
        "install KB5034441",
        "the paper PMC2004512",
        "the colour 0xFF",
        "an IndexOutOfBounds",
        "why class_ and not class",
        "what is CVE-2021-44228",
        "variant rs1234567",
        "fehler ISO-9001",
    ],
    "it holds code": ["what does print() do", "what does `ls -l` show"],
}
OPEN = [
    "Does vitamin B12 help against COVID-19?",
    "5G and 4G towers, H2O and CO2",
    "IL-6 and CD4 cells in H1N1, BRCA1, TP53, Cas9, CYP2C19 and SARS-CoV-2",
    "the iPhone, eBay and macOS; YouTube, GitHub, LaTeX, PhD, McDonald",
    "mRNA, siRNA, miRNA and lncRNA at pH 7; mmHg or kWh",
    "what's the dog's name, and the dogs' owner's ‘friend’",
    "e.g. the U.S. at 5 p.m., i.e. now, says Ph.D. Smith",
    "it ended.Then what? E. coli or c.elegans",
    "TCP/IP, and/or, km/h, 24/7, his/her/their",
    "a 3.5 percent rise since 12.05.2020, or on 1.2.1999.",
    "1.200.000 people in the 1990s ran 10000m",
    "Covid-2019, Euro2016 and Windows2000",
    "well-known state-of-the-art mother-in-law -- a dash",
    "document(s) and gene(s) in TiO(2)",
    "C++ and C# in the A380 and the Boeing-747",
    'a lone " mark',
    "fill in the ____ please",
    "grüße aus Köln über naïve Ideen",
    "как дела сегодня",
    "为什么天空是蓝色的",
    "is AT&T @home",
    "the decade of effaced facades",
    "wait--really, is it 1234567",
]


@pytest.mark.parametrize(
    ("reason", "text"), [(reason, text) for reason, texts in SHUT.items() for text in texts]
)
def test_what_wants_its_very_words_is_shut_for_a_reason(reason: str, text: str) -> None:
    assert why_not(text) == reason


@pytest.mark.parametrize("text", OPEN)
def test_words_of_everyday_life_pass(text: str) -> None:
    assert why_not(text) == ""


def test_the_last_word_that_is_allowed() -> None:
    assert why_not("why " * MAX_WORDS) == ""


@given(st.text(st.characters()))
def test_any_text_gets_an_answer(text: str) -> None:
    assert isinstance(why_not(text), str)


TEXTS = st.text(max_size=40)
PHRASES = st.text(max_size=20).map(lambda text: f"{text}x")
PAIRS = st.sampled_from(['""', "“”", "«»", "„“", "»«", "「」"])


@given(TEXTS, PAIRS, PHRASES, TEXTS)
def test_a_quoted_phrase_anywhere_shuts_the_gate(
    before: str, marks: str, phrase: str, after: str
) -> None:
    assert why_not(f"{before}{marks[0]}{phrase}{marks[1]}{after}")


WORDS = st.text("abcdefghijklmnopqrstuvwxyzäöüßéи'", min_size=1, max_size=12)


@given(st.lists(WORDS.filter(lambda word: word.strip("'")), min_size=1, max_size=MAX_WORDS))
def test_plain_words_pass(words: list[str]) -> None:
    assert why_not(" ".join(words)) == ""


NASTY = [
    '"',
    "“ ",
    "«a",
    "a_",
    "_" * 2,
    "aA",
    "Aa",
    "a.",
    "1.",
    "1.234.",
    "a@",
    "a-",
    "e",
    "9",
    "`",
]


@pytest.mark.parametrize("piece", NASTY)
def test_a_hostile_text_takes_no_longer_than_its_length(piece: str) -> None:
    """20,000 characters are the most that a query may have; quadratic time would be a minute."""
    started = time.process_time()
    why_not("a" + piece * (20_000 // len(piece)))
    assert time.process_time() - started < 0.5
