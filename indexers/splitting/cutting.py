"""Cuts: where texts of a kind come apart, as semantic-text-splitter and grammars tell."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from importlib import import_module
from typing import Protocol, TypeAlias

from semantic_text_splitter import CodeSplitter, MarkdownSplitter, TextSplitter

from indexers.splitting.pieces import Piece
from indexers.splitting.tokens import Tokens
from rag.values import Markup

Cut: TypeAlias = Callable[[Sequence[str]], list[list[Piece]]]
"""Texts to the pieces of each: they ascend, and leave out nothing but white space.

Their families are ranges of the pieces of their own text.
"""

Cuts: TypeAlias = Callable[[Markup, str], Cut]
"""Gives the cut for a markup and, of code, a language."""

CHARACTERS = 16  # a chunk has at most so many for each of its tokens; chosen

GRAMMARS: Mapping[str, tuple[str, str]] = {
    "bash": ("tree_sitter_bash", "language"),
    "c": ("tree_sitter_c", "language"),
    "cpp": ("tree_sitter_cpp", "language"),
    "go": ("tree_sitter_go", "language"),
    "java": ("tree_sitter_java", "language"),
    "javascript": ("tree_sitter_javascript", "language"),
    "python": ("tree_sitter_python", "language"),
    "ruby": ("tree_sitter_ruby", "language"),
    "rust": ("tree_sitter_rust", "language"),
    "tsx": ("tree_sitter_typescript", "language_tsx"),
    "typescript": ("tree_sitter_typescript", "language_typescript"),
}
"""Where the grammar of a language is: a module, loaded when first wanted, and its function."""


class _Splitter(Protocol):
    def chunk_indices(self, text: str) -> list[tuple[int, str]]: ...


_Make: TypeAlias = Callable[[Callable[[str], int], int], _Splitter]
"""Makes a splitter of what tells sizes, and the largest size."""


def by_structure(tokens: Tokens, most: int) -> Cuts:
    """Return the cuts along structure: sections, syntax, paragraphs, sentences, words.

    Code in a language without a grammar is cut as plain text. Pieces have at most `most` tokens. A
    text without borders (base64, a minified file) may be a single unknown token however long it is;
    such a piece is cut every `CHARACTERS * most` characters.
    """
    plain = _cut(TextSplitter.from_callback, tokens, most)
    markdown = _cut(MarkdownSplitter.from_callback, tokens, most)
    code: dict[str, Cut] = {}

    def cuts(markup: Markup, language: str) -> Cut:
        if markup != "code" or language not in GRAMMARS:
            return markdown if markup == "markdown" else plain
        if language not in code:
            code[language] = _cut(_by_grammar(language), tokens, most)
        return code[language]

    return cuts


def _by_grammar(language: str) -> _Make:
    module, function = GRAMMARS[language]
    return partial(CodeSplitter.from_callback, getattr(import_module(module), function)())


def _cut(make: _Make, tokens: Tokens, most: int) -> Cut:
    def cut(texts: Sequence[str]) -> list[list[Piece]]:
        return [
            [piece for first, part in found for piece in bounded(first, part, most)]
            for text, ruler in zip(texts, tokens.rulers(texts), strict=True)
            for found in [make(ruler.size, most).chunk_indices(text)]
        ]

    return cut


def bounded(first: int, text: str, most: int) -> Iterator[Piece]:
    """Yield a text at an offset in pieces that are not too long, without those that are blank."""
    for offset in range(0, len(text), CHARACTERS * most):
        piece = text[offset : offset + CHARACTERS * most]
        if piece.strip():  # a long run of white space says nothing
            yield Piece(first + offset, first + offset + len(piece))


def exactly(
    text: str, spans: Iterable[tuple[int, int]], tokens: Tokens, most: int, finer: Cut
) -> list[Piece]:
    """Return the spans as pieces without the white space at their ends, too long ones cut finer."""
    trimmed = [piece for start, end in spans for piece in _trimmed(text, start, end)]
    texts = [text[piece.start : piece.end] for piece in trimmed]
    sizes = tokens.count(texts)
    large = [i for i, size in enumerate(sizes) if size > most or len(texts[i]) > CHARACTERS * most]
    cut = dict(zip(large, finer([texts[i] for i in large]), strict=True))
    return [
        part
        for i, piece in enumerate(trimmed)
        for part in (moved(cut[i], piece.start) if i in cut else [piece])
    ]


def moved(pieces: Iterable[Piece], offset: int) -> list[Piece]:
    """Return pieces of a text that stands at an offset of another; they have no family."""
    return [Piece(piece.start + offset, piece.end + offset) for piece in pieces]


def _trimmed(text: str, start: int, end: int) -> Iterator[Piece]:
    body = text[start:end]
    if body.strip():
        left = start + len(body) - len(body.lstrip())
        yield Piece(left, end - (len(body) - len(body.rstrip())))
