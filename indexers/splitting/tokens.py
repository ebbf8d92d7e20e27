"""Sizes of texts in the encoder's own tokens."""

from collections.abc import Sequence

from tokenizers import Tokenizer


class Tokens:
    """Counts tokens as a tokenizer does, but for its limits: a copy without them does it.

    `special` are those that the tokenizer puts around a text; they are not counted.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = Tokenizer.from_str(tokenizer.to_str())
        self.tokenizer.no_truncation()
        self.tokenizer.no_padding()
        self.special = self.tokenizer.num_special_tokens_to_add(is_pair=False)

    def count(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each text."""
        encoded = self.tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return [len(one.ids) for one in encoded]

    def shortened(self, text: str, most: int) -> str:
        """Return the beginning of a text that has at most so many tokens."""
        ends = [end for _, end in self.tokenizer.encode(text, add_special_tokens=False).offsets]
        if len(ends) <= most:
            return text
        return text[: ends[most - 1]] if most > 0 else ""
