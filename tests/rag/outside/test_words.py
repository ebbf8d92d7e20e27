"""Words, subjects, scripts and languages are told well enough to drop what is beside the point."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.outside.words import (
    content,
    count,
    foreign,
    language,
    plain,
    repeats,
    same,
    scripts,
    shared,
    words,
)

TEXTS = st.text(max_size=200)


@given(TEXTS)
def test_any_text_has_words_scripts_and_perhaps_a_language(text: str) -> None:
    assert all(word and not word.isspace() for word in words(text))
    assert all(word in plain(text) for word in content(text))
    assert 0 <= count(text) <= len(words(text))
    assert all(weight > 0 for weight in scripts(text).values())
    assert language(text) in {"", "en", "de", "fr", "es", "it", "pt", "nl"}
    assert not repeats(text) or len(words(text)) >= 5


@given(TEXTS)
def test_no_text_is_foreign_to_itself(text: str) -> None:
    assert not foreign(text, text)
    assert not foreign("", text)
    assert shared(content(text), content(text)) == len(content(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),
        ("naïve ＡＩ", ["naïve", "ai"]),
        ("東京タワーはどこ", ["東", "京", "タワー", "はどこ"]),
        ("ใครก่อตั้ง", ["ใครก่อตั้ง"]),
        ("snake_case, don’t", ["snake", "case", "don", "t"]),
    ],
)
def test_words_are_cut_as_their_script_has_them(text: str, expected: list[str]) -> None:
    assert list(words(text)) == expected


@pytest.mark.parametrize(
    ("one", "other", "akin"),
    [
        ("founder", "foundation", True),
        ("swim", "swimming", True),
        ("swim", "swing", False),
        ("industry", "indigo", False),
        ("car", "care", False),
        ("sap", "sap", True),
        ("죠스는", "죠스를", True),
        ("죠스는", "영화를", False),
    ],
)
def test_words_are_akin_by_their_beginning_both_ways(one: str, other: str, akin: bool) -> None:
    assert bool(shared({one}, {other})) == bool(shared({other}, {one})) == akin


def test_function_words_and_runs_of_hiragana_say_nothing() -> None:
    assert content("What is it that they would have?") == frozenset()
    assert content("それはどこですか") == frozenset()
    assert content("Wer hat die SAP gegründet?") == {"sap", "gegründet"}


@pytest.mark.parametrize(
    ("text", "original"),
    [
        ("кто основал Apple", "who founded Apple"),
        ("who founded Apple", "кто основал компанию эппл"),
        ("谁创立了苹果", "who founded Apple"),
        ("τι είναι", "what is alpha"),
        ("Wer hat die Firma mit welchem Geld gegründet", "who was the founder of the company"),
        ("who founded Apple биткоин казино", "who founded Apple"),
    ],
)
def test_another_script_or_language_is_foreign(text: str, original: str) -> None:
    assert foreign(text, original)


@pytest.mark.parametrize(
    ("text", "original"),
    [
        ("α-synuclein in neurons", "alpha synuclein"),
        ("电池", "iPhone 电池"),
        ("电池寿命", "iPhone 电池寿命"),
        ("東京のホテル", "ホテル 東京"),
        ("plot of Das Leben der Anderen", "What is the plot of Das Leben der Anderen?"),
        ("1989", "when did the wall fall"),
    ],
)
def test_names_signs_and_figures_are_not_foreign(text: str, original: str) -> None:
    assert not foreign(text, original)


@pytest.mark.parametrize(
    "text",
    ["no " * 6, "the best of the best of the best of the best of", "电池 电池 电池 电池 电池"],
)
def test_going_round_in_circles_is_noticed(text: str) -> None:
    assert repeats(text)


def test_a_loop_at_the_end_of_a_long_text_is_noticed_but_a_refrain_is_not() -> None:
    prose = " ".join(f"word{i}" for i in range(90))
    assert repeats(f"{prose} {'round and round ' * 14}")
    assert not repeats(f"the wall fell {prose} the wall fell and when the wall fell")


def test_scripts_without_spaces_share_pairs_of_signs() -> None:
    film = content("这部电影的导演是谁")
    assert shared(content("导演出生地"), film)
    assert not shared(content("便宜的药片"), film)
    assert shared(content("คนกำกับหนัง"), content("ใครกำกับหนังเรื่องนี้"))
    assert count("这部电影的导演是谁") == 5


@given(st.text(alphabet="abc ü北é.,!'\n", max_size=30))
def test_saying_the_same_ignores_case_space_and_punctuation(text: str) -> None:
    assert same(f"  {text.upper().lower()} !") == same(text)
    assert same(same(text)) == same(text)
