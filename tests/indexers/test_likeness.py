"""A sketch tells how alike two texts are, on every machine and in every version."""

import gzip
import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexers.bulk.likeness import EXACT, PIECE, SHINGLE, SLOTS, resemblance, sketches
from rag.values import Document


def sketch(text: str, title: str = "") -> str:
    (made,) = sketches([Document("d", text, title)])
    return made


def words(start: int, count: int) -> str:
    return " ".join(f"w{n}" for n in range(start, start + count))


@given(st.integers(60, 400), st.floats(0, 1), st.integers(0, 10**9))
@settings(max_examples=40, deadline=None)
def test_the_estimate_is_within_five_standard_errors(count: int, common: float, seed: int) -> None:
    shared = int(count * common)
    one, other = words(seed, count), words(seed + count - shared, count)
    both = max(shared - SHINGLE + 1, 0)
    true = both / (2 * (count - SHINGLE + 1) - both)
    error = (true * (1 - true) / SLOTS) ** 0.5
    assert abs(resemblance(sketch(one), sketch(other)) - true) <= 5 * error + 0.005


@given(st.text(max_size=300), st.text(max_size=20))
@settings(max_examples=50, deadline=None)
def test_equal_documents_have_equal_sketches_of_bounded_length(text: str, title: str) -> None:
    made = sketch(text, title)
    assert len(made) <= 700
    assert made == sketch(text, title)
    assert resemblance(made, made) == (1.0 if text or title else 0.0)


@given(st.permutations([words(n * 1000, 10 * n) for n in range(8)]))
@settings(max_examples=20, deadline=None)
def test_what_else_is_sketched_with_a_document_does_not_matter(texts: list[str]) -> None:
    together = sketches([Document(str(n), text) for n, text in enumerate(texts)])
    assert together == [sketch(text) for text in texts]


@pytest.mark.parametrize(
    "other",
    [
        words(0, 60).upper(),
        words(0, 60).replace(" ", ",\r\n\t "),
        f"“{words(0, 60)}” … — !",
        words(0, 60).replace("w", "ｗ"),
    ],
)
def test_case_space_marks_and_forms_of_characters_are_not_told_apart(other: str) -> None:
    assert sketch(other) == sketch(words(0, 60))


def test_composed_and_decomposed_letters_are_not_told_apart() -> None:
    text = words(0, 60)
    assert sketch(text.replace("w", "é")) == sketch(text.replace("w", "e\u0301"))
    assert resemblance(sketch(text.replace("w", "é")), sketch(text.replace("w", "e"))) < 0.1


def test_the_order_of_words_matters() -> None:
    backwards = " ".join(reversed(words(0, 60).split()))
    assert resemblance(sketch(backwards), sketch(words(0, 60))) < 0.1


def test_scripts_without_spaces_have_words_too() -> None:
    text = "".join(chr(0x4E00 + 7 * n) for n in range(100))
    assert resemblance(sketch(text), sketch(text[:50] + "新" + text[50:])) > 0.9
    assert resemblance(sketch(text), sketch(text[::-1])) < 0.1


def test_a_giant_text_resembles_itself_with_a_line_put_before_it() -> None:
    text = words(0, PIECE)  # several pieces
    assert len(text) > 4 * PIECE
    assert resemblance(sketch(text), sketch(f"another line\n{text}")) > 0.99
    assert resemblance(sketch(text), sketch(text[len(text) // 2 :])) == pytest.approx(0.5, abs=0.16)


@pytest.mark.parametrize(
    "text", ["nine hours", words(0, 12), "spam spam spam " * 1_000, "- " * 1_000, "\n"]
)
def test_texts_of_few_shingles_have_a_digest(text: str) -> None:
    assert sketch(text).startswith(EXACT)
    assert sketch(text) != sketch(f"{text}.")
    assert sketch(text) != sketch(text, "Title")


def test_titles_count() -> None:
    assert resemblance(sketch("", words(0, 60)), sketch(words(0, 60))) == 1.0


def test_sketches_are_the_same_in_every_version() -> None:
    """They are stored: when this fails, VERSION has to change."""
    assert sketch("nine hours", "Title") == "1=kP1D12nAIvcs01Wx+gYCFA=="
    assert sketch("Über “鯨” " + words(0, 80))[:41] == "1YdksRWwlGKXbwR3Z9XWGLqTfnWNveEwfh2iRz7rI"


def edited(text: str, share: float, chance: np.random.Generator) -> str:
    words = np.array(text.split(), object)
    changed = chance.random(len(words)) < share
    words[changed] = [f"new{n}" for n in chance.integers(10**9, size=changed.sum())]
    return " ".join(words)


@pytest.mark.parametrize(("changed", "low", "high"), [(0.01, 0.97, 1.0), (0.1, 0.0, 0.03)])
def test_texts_with_few_changed_words_are_near_duplicates(
    changed: float, low: float, high: float
) -> None:
    chance = np.random.default_rng(0)
    texts = [" ".join(f"v{n}" for n in chance.integers(5_000, size=200)) for _ in range(100)]
    after = [edited(text, changed, chance) for text in texts]
    found = sum(resemblance(sketch(a), sketch(b)) >= 0.8 for a, b in zip(texts, after, strict=True))
    assert low <= found / len(texts) <= high
    assert re.fullmatch(r"1[A-Za-z0-9+/]{683}=", sketch(texts[0]))


def shingles(text: str) -> set[tuple[str, ...]]:
    found = re.findall(r"[^\W_]+", text.casefold())
    return {tuple(found[n : n + SHINGLE]) for n in range(len(found) - SHINGLE + 1)}


FIGURES = [(0.0, 1.0), (0.01, 1.0), (0.02, 0.95), (0.03, 0.78), (0.04, 0.52), (0.05, 0.28)]
FIGURES += [(0.07, 0.06), (0.1, 0.01), (0.2, 0.0), (0.3, 0.0)]


@pytest.mark.collections
def test_the_figures_of_the_documentation_hold(collections: Path) -> None:
    chance = np.random.default_rng(0)
    with gzip.open(collections / "scifact" / "corpus.jsonl.gz", "rt") as file:
        texts = [json.loads(line)["text"] for line in file][::5]
    marked: list[tuple[bool, bool]] = []
    for share, documented in FIGURES:
        after = [edited(text, share, chance) for text in texts]
        made = [sketches([Document("d", text) for text in side]) for side in (texts, after)]
        found = [resemblance(*pair) >= 0.8 for pair in zip(*made, strict=True)]
        assert np.mean(found) == pytest.approx(documented, abs=0.02)
        for pair, near in zip(zip(texts, after, strict=True), found, strict=True):
            one, other = map(shingles, pair)
            marked.append((near, len(one & other) >= 0.8 * len(one | other)))
    right = sum(near and true for near, true in marked)
    precision, recall = right / sum(n for n, _ in marked), right / sum(t for _, t in marked)
    assert [precision, recall] == pytest.approx([0.97, 0.97], abs=0.01)
