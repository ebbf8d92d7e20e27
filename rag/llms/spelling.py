"""How tokens read: one alone, and a text that grows token by token."""

from collections.abc import Callable

from transformers import PreTrainedTokenizerBase
from transformers.convert_slow_tokenizer import bytes_to_unicode

_BROKEN = "\ufffd"  # how the bytes of half a character decode
_BYTE_OF = {sign: byte for byte, sign in bytes_to_unicode().items()}


class Spelling:
    """The text of single tokens of one tokenizer, a space before them included."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._tokenizer = tokenizer
        # A tokenizer may drop the space of the first token: each is read after another one.
        self._before = tokenizer.encode("a", add_special_tokens=False)
        self._skipped = len(self._decode([]))

    def text(self, id_: int) -> str:
        """Return the token as it reads in the middle of a text; part of a character as "�"."""
        return self._decode([id_])[self._skipped :]

    def bytes(self, id_: int) -> bytes:
        """Return the token's bytes, also where they are only a part of a character's."""
        text = self.text(id_)
        if _BROKEN not in text:
            return text.encode()
        piece = str(self._tokenizer.convert_ids_to_tokens(id_))
        if piece.startswith("<0x"):  # byte fallback, "<0xE2>"
            return bytes.fromhex(piece[3:5])
        if all(sign in _BYTE_OF for sign in piece):  # byte-level BPE: a sign for every byte
            return bytes(_BYTE_OF[sign] for sign in piece)
        return text.encode()

    def _decode(self, ids: list[int]) -> str:
        return str(
            self._tokenizer.decode([*self._before, *ids], clean_up_tokenization_spaces=False)
        )


class Unfolding:
    """A text that is shown as its tokens come; halves of characters wait for the rest."""

    def __init__(self, decode: Callable[[list[int]], str]) -> None:
        self.ids: list[int] = []
        self._decode = decode
        self._shown = ""

    def add(self, id_: int) -> str:
        """Take a token and return what can be shown now."""
        self.ids.append(id_)
        text = self._decode(self.ids)
        return "" if text.endswith(_BROKEN) else self._show(text)

    def rest(self) -> str:
        """Return what was not shown when the tokens ended."""
        return self._show(self._decode(self.ids))

    @property
    def text(self) -> str:
        """The text of all tokens."""
        return self._decode(self.ids)

    def _show(self, text: str) -> str:
        piece, self._shown = text[len(self._shown) :], text
        return piece
