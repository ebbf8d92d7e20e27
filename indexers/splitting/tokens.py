"""Sizes of texts in the encoder's own tokens."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

from tokenizers import Encoding, Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer, Lowercase
from tokenizers.pre_tokenizers import BertPreTokenizer

TOGETHER = 1 << 18  # characters that are tokenised together: chosen, some 10 MB of tokens


class Tokens:
    """Counts tokens as a tokenizer does, but for its limits: a copy without them does it.

    `special` are those that the tokenizer puts around a text; they are not counted.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = Tokenizer.from_str(tokenizer.to_str())
        self.tokenizer.no_truncation()
        self.tokenizer.no_padding()
        self.special = self.tokenizer.num_special_tokens_to_add(is_pair=False)
        self._by_words = _by_words(self.tokenizer)

    def count(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each text."""
        encoded = self.tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return [len(one.ids) for one in encoded]

    def rulers(self, texts: Iterable[str]) -> "Iterator[Ruler]":
        """Yield what counts the tokens of parts of each text."""
        if not self._by_words:
            yield from (Ruler(self, text) for text in texts)
            return
        for group in _groups(texts):
            encoded = self.tokenizer.encode_batch(group, add_special_tokens=False)
            for text, encoding in zip(group, encoded, strict=True):
                yield Ruler(self, text, encoding)

    def shortened(self, text: str, most: int) -> str:
        """Return the beginning of a text that has at most so many tokens."""
        ends = [end for _, end in self.tokenizer.encode(text, add_special_tokens=False).offsets]
        if len(ends) <= most:
            return text
        return text[: ends[most - 1]] if most > 0 else ""


class Ruler:
    """Counts the tokens of parts of a text, which are found in the text's own where they can be.

    Splitters try many parts; to tokenise each anew is two thirds of the work of splitting. The
    count is the same as for the part alone, because such tokenizers read every word by itself; a
    part that begins or ends within a word is tokenised.

    Args:
        tokens: counts what cannot be looked up.
        text: the whole.
        encoding: its tokens, by a tokenizer that reads every word by itself; None is another one.
    """

    def __init__(self, tokens: Tokens, text: str, encoding: Encoding | None = None) -> None:
        self._tokens, self._text = tokens, text
        offsets = encoding.offsets if encoding else []
        self._starts = [start for start, _ in offsets]
        self._ends = [end for _, end in offsets]
        self._words = encoding.word_ids if encoding else None
        self._near = 0  # where the part before was: splitters go through a text from its beginning

    def size(self, part: str) -> int:
        """Return the number of tokens of a part of the text."""
        if self._words is not None:
            start = self._text.find(part, self._near)
            start = self._text.find(part) if start < 0 else start
            first, after = self._before(start), self._before(start + len(part))
            if start >= 0 and first is not None and after is not None:
                self._near = start
                return after - first
        return self._tokens.count([part])[0]

    def _before(self, place: int) -> int | None:
        """Return how many tokens are before a place; None within a word."""
        at = bisect_left(self._starts, place)
        assert self._words is not None  # noqa: S101 - `size` asks only then
        if at and self._ends[at - 1] > place:
            return None
        inside = 0 < at < len(self._words) and self._words[at - 1] == self._words[at]
        return None if inside else at


def _by_words(tokenizer: Tokenizer) -> bool:
    """Whether the number of a text's tokens is the sum of its words': BERT's tokenizer does so."""
    return (
        isinstance(tokenizer.model, WordPiece)
        and isinstance(tokenizer.pre_tokenizer, BertPreTokenizer)
        and isinstance(tokenizer.normalizer, BertNormalizer | Lowercase | None)
    )


def _groups(texts: Iterable[str]) -> Iterator[list[str]]:
    group: list[str] = []
    size = 0
    for text in texts:
        group.append(text)
        size += len(text)
        if size >= TOGETHER:
            yield group
            group, size = [], 0
    if group:
        yield group
