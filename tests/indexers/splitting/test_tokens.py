"""Sizes of parts are looked up in the tokens of the whole, and are those of the parts alone."""

import json
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers

from indexers.splitting.splitters import make_split
from indexers.splitting.tokens import Tokens
from rag.sections import IndexSettings
from rag.values import Document, Markup
from tests.indexers.splitting.texts import MARKUPS, PIECES, TOKENIZER, chunked

LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789.,-[]日本語।αω"
ODD = (*PIECES, "[SEP]", "[MASK]", " [MASK] ", "word", "Wörd", "ΣΑΣ", "각", "ß", "İ", "ﬁ", "ก็", "½")
TEXTS = st.text(max_size=80) | st.lists(st.sampled_from(ODD), max_size=30).map("".join)

SHORT = st.text(max_size=80) | st.lists(
    st.sampled_from([piece for piece in ODD if len(piece) < 10]), max_size=10
).map("".join)
"""Words of fewer than 100 letters: larger ones are a single token, until they are cut."""


def bert(**how: bool) -> Tokenizer:
    """A tokenizer like BERT's, of few pieces."""
    pieces = ["[UNK]", *LETTERS, *(f"##{letter}" for letter in LETTERS), "wo", "##rd", "free"]
    vocabulary = {piece: i for i, piece in enumerate(pieces)}
    made = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))  # noqa: S106
    made.normalizer = normalizers.BertNormalizer(**how)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.decoder = decoders.WordPiece()
    made.add_special_tokens(["[SEP]", "[MASK]"])
    return made


MADE = {
    "bert": Tokens(bert()),
    "cased": Tokens(bert(lowercase=False, strip_accents=False, clean_text=False)),
    "words": Tokens(TOKENIZER),
}


class Counting(Tokens):
    """Tells how much had to be tokenised part by part."""

    asked = 0

    def count(self, texts: Sequence[str]) -> list[int]:
        self.asked += len(texts)
        return super().count(texts)


@pytest.mark.parametrize("name", MADE)
@given(TEXTS, st.lists(st.tuples(st.integers(0, 90), st.integers(0, 90)), max_size=12))
@settings(max_examples=400, deadline=None)
def test_a_part_has_as_many_tokens_in_the_text_as_alone(
    name: str, text: str, ranges: list[tuple[int, int]]
) -> None:
    tokens = MADE[name]
    (ruler,) = tokens.rulers([text])
    for start, end in ranges:
        part = text[start:end]
        assert ruler.size(part) == tokens.count([part])[0]


@given(st.lists(SHORT, max_size=5), MARKUPS)
@settings(max_examples=100, deadline=None)
def test_chunks_hold_no_more_tokens_than_they_may(texts: list[str], markup: Markup) -> None:
    tokens = MADE["bert"]
    split = make_split(IndexSettings(chunk_tokens=12), tokens.tokenizer)
    documents = [Document(str(i), text, markup=markup) for i, text in enumerate(texts)]
    for chunks in chunked(split, documents):
        assert all(size <= 12 for size in tokens.count([chunk.text for chunk in chunks]))


def test_parts_that_end_with_words_are_not_tokenised_again() -> None:
    tokens = Counting(bert())
    text = "The freezer stays cold, word for word. " * 50
    (ruler,) = tokens.rulers([text])
    assert ruler.size(text[:39].strip()) == ruler.size(text[39:78].strip())
    assert ruler.size(text[4:11]) == 4  # free, ##z, ##e, ##r, and no more
    assert tokens.asked == 0
    ruler.size(text[5:11])  # begins within a word
    assert tokens.asked == 1
    assert ruler.size("rd, word") == 5  # r, ##d: alone it is not the ##rd of the text
    assert tokens.asked == 2


def test_tokenizers_that_read_beyond_words_are_asked_for_every_part() -> None:
    made = bert()
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    tokens = Counting(made)
    (ruler,) = tokens.rulers(["word for word"])
    sizes = [ruler.size("word for"), ruler.size("for word")]
    assert tokens.asked == 2
    assert sizes == tokens.count(["word for", "for word"])


@pytest.mark.model
def test_so_it_is_with_the_packaged_tokenizer() -> None:
    from indexers.encoders.packaged import packaged_model

    path = packaged_model() / "tokenizer.json"
    assert json.loads(path.read_text("utf-8"))["model"]["type"] == "WordPiece"
    tokens = Tokens(Tokenizer.from_file(str(path)))

    @given(TEXTS, st.integers(0, 90), st.integers(0, 90))
    @settings(max_examples=400, deadline=None)
    def same(text: str, start: int, end: int) -> None:
        (ruler,) = tokens.rulers([text])
        assert ruler.size(text[start:end]) == tokens.count([text[start:end]])[0]

    same()
