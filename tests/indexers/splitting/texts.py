"""Nasty texts, and splitters that count words."""

from collections.abc import Sequence
from typing import get_args

from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers

from indexers.splitting.pieces import Split
from indexers.splitting.splitters import make_split
from indexers.splitting.stretches import STRETCH
from rag.sections import IndexSettings, Splitters
from rag.values import Chunk, Document, Markup

LIMIT, LEAF = 24, 16
TOKENIZER = Tokenizer(models.WordLevel({"[UNK]": 0, "word": 1}, unk_token="[UNK]"))  # noqa: S106
TOKENIZER.pre_tokenizer = pre_tokenizers.Whitespace()

MARKUPS = st.sampled_from(get_args(Markup))
CUTTING: tuple[Splitters, ...] = ("recursive", "sentences", "structure", "hierarchical")
PIECES = (
    *(
        "word ",
        "Freezer. ",
        "é",
        "日本語。",
        "😀",
        "👩\u200d👩\u200d👧",
        "e\u0301",
        "\x00",
        "a" * 500,
    ),
    *("\n", "\n\n", "\r\n", "\r\n\r\n", "\r", "\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c"),
    *(" ", "\t", "\u00a0", "\u200b", " " * 500, "\n" * 500, "    ", "\ufeff", "."),
    *("# ", "## A\n", "### B #\n", "Title\n===\n", "Sub\n---\n", "- ", "1. ", "> ", "```\n", "|"),
    *("`x`", "*", "[a](b)", "<p>", "---\n", "\\", "&amp;", "&#35;", "# *C*\n", "#\n", "~~~~\n"),
    *("|a|b|\n|-|-|\n|c|d|\n", "[a]: /b\n", "<!--", "-->", "def f(x):\n", "class A {\n", "}\n"),
)
TEXTS = st.text(max_size=300) | st.lists(st.sampled_from(PIECES), max_size=60).map("".join)
LANGUAGES = st.sampled_from(["", "python", "go", "cobol"])


def words(name: Splitters = "recursive", most: int = LIMIT, stretch: int = STRETCH) -> Split:
    """A splitter whose tokens are words."""
    settings = IndexSettings(splitter=name, chunk_tokens=most, leaf_tokens=min(LEAF, most))
    return make_split(settings, TOKENIZER, stretch=stretch)


def chunked(split: Split, documents: Sequence[Document]) -> list[tuple[Chunk, ...]]:
    """The chunks of documents, all of them made."""
    return [tuple(chunks) for chunks in split(documents)]


def texts_of(
    name: Splitters, text: str, markup: Markup = "markdown", most: int = LIMIT
) -> list[str]:
    """The texts of the chunks of a text."""
    (chunks,) = chunked(words(name, most), [Document("d", text, markup=markup)])
    return [chunk.text for chunk in chunks]


def black(text: str) -> str:
    """The text without its white space."""
    return "".join(text.split())
