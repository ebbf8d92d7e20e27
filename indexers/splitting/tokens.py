"""Sizes of texts in the encoder's own tokens."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

from tokenizers import Encoding, Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer, Lowercase
from tokenizers.pre_tokenizers import BertPreTokenizer

TOGETHER = 1 << 18  # characters that are tokenised together: chosen, some 40 MB of tokens
PARTS = 8  # a part of a window or less moves it; a longer one is tokenised by itself


class Tokens:
    """Counts tokens as a tokenizer does, but for its limits: a copy without them does it.

    `special` are those that the tokenizer puts around a text; they are not counted. At most
    `together` characters are tokenised at a time to look up the sizes of their parts.
    """

    def __init__(self, tokenizer: Tokenizer, together: int = TOGETHER) -> None:
        self.together = together
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
        for group in _groups(texts, self.together):
            windows = self.windows([text[: self.together] for text in group])
            for text, window in zip(group, windows, strict=True):
                yield Ruler(self, text, window)

    def windows(self, texts: Sequence[str], start: int = 0) -> "list[Window]":
        """Return the tokens of texts that stand at an offset of larger ones."""
        encoded = self.tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return [
            Window(text, encoding, start) for text, encoding in zip(texts, encoded, strict=True)
        ]

    def shortened(self, text: str, most: int) -> str:
        """Return the beginning of a text that has at most so many tokens."""
        ends = [end for _, end in self.tokenizer.encode(text, add_special_tokens=False).offsets]
        if len(ends) <= most:
            return text
        return text[: ends[most - 1]] if most > 0 else ""


class Window:
    """The tokens of a stretch of a text, by a tokenizer that reads every word by itself.

    Args:
        text: the stretch.
        encoding: its tokens.
        start: where it stands in the text.
    """

    def __init__(self, text: str, encoding: Encoding, start: int = 0) -> None:
        self._start, self._end = start, start + len(text)
        offsets = encoding.offsets
        self._starts = [first for first, _ in offsets]
        self._ends = [end for _, end in offsets]
        self._words = encoding.word_ids

    def covers(self, start: int, end: int) -> bool:
        """Whether a part of the text is one of the stretch."""
        return self._start <= start and end <= self._end

    def size(self, start: int, end: int) -> int | None:
        """Return the number of tokens of a part of the stretch; None: it cuts a word."""
        first, after = self._before(start - self._start), self._before(end - self._start)
        return None if first is None or after is None else after - first

    def _before(self, place: int) -> int | None:
        """Return how many tokens are before a place; None within a word."""
        at = bisect_left(self._starts, place)
        if at and self._ends[at - 1] > place:
            return None
        inside = 0 < at < len(self._words) and self._words[at - 1] == self._words[at]
        return None if inside else at


class Ruler:
    """Counts the tokens of parts of a text, which are found in the text's own where they can be.

    Splitters try many parts; to tokenise each anew is two thirds of the work of splitting. The
    count is the same as for the part alone, because such tokenizers read every word by itself; a
    part that begins or ends within a word is tokenised. A window goes through a long text with the
    parts: the tokens of 200 MB at once would take eight gigabytes.

    Args:
        tokens: counts what cannot be looked up.
        text: the whole.
        window: the tokens of its beginning; None: no tokenizer that reads every word by itself.
    """

    def __init__(self, tokens: Tokens, text: str, window: Window | None = None) -> None:
        self._tokens, self._text, self._window = tokens, text, window
        self._near = 0  # where the part before was: splitters go through a text from its beginning

    def size(self, part: str) -> int:
        """Return the number of tokens of a part of the text."""
        found = self._looked_up(part) if self._window else None
        return self._tokens.count([part])[0] if found is None else found

    def _looked_up(self, part: str) -> int | None:
        start = self._text.find(part, self._near)
        start = self._text.find(part) if start < 0 else start
        end = start + len(part)
        if start < 0 or self._window is None:
            return None
        if not self._window.covers(start, end):
            if len(part) * PARTS > self._tokens.together:
                return None
            stretch = self._text[start : start + self._tokens.together]
            (self._window,) = self._tokens.windows([stretch], start)
        size = self._window.size(start, end)
        self._near = self._near if size is None else start
        return size


def _by_words(tokenizer: Tokenizer) -> bool:
    """Whether the number of a text's tokens is the sum of its words': BERT's tokenizer does so."""
    return (
        isinstance(tokenizer.model, WordPiece)
        and isinstance(tokenizer.pre_tokenizer, BertPreTokenizer)
        and isinstance(tokenizer.normalizer, BertNormalizer | Lowercase | None)
    )


def _groups(texts: Iterable[str], together: int) -> Iterator[list[str]]:
    group: list[str] = []
    size = 0
    for text in texts:
        group.append(text)
        size += len(text)
        if size >= together:
            yield group
            group, size = [], 0
    if group:
        yield group
