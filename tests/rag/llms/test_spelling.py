"""Tokens read alone as they read in a text."""

import pytest

from rag.llms.spelling import Spelling, Unfolding
from tests.rag.llms.tiny import Kind, tokenizer

pytestmark = pytest.mark.model

KINDS = pytest.mark.parametrize("kind", ["bytes", "pieces"])
TEXT = "a [A] or B: Die Fähre, 北海の灯台 😀.\n  x"


@KINDS
def test_the_bytes_of_the_tokens_are_those_of_the_text(kind: Kind) -> None:
    spelling = Spelling(tokenizer(kind))
    ids = tokenizer(kind).encode(TEXT, add_special_tokens=False)
    assert len(ids) >= 20
    assert b"".join(map(spelling.bytes, ids)).decode().strip() == TEXT


@KINDS
def test_a_space_before_a_token_is_part_of_it_and_control_tokens_can_be_read(kind: Kind) -> None:
    tok = tokenizer(kind)
    spelling = Spelling(tok)
    assert "".join(map(spelling.text, tok.encode("x or A B", add_special_tokens=False))).endswith(
        "x or A B"
    )
    known = tok.get_vocab()
    assert spelling.text(known["<|im_end|>"]) == "<|im_end|>"
    assert spelling.text(known["ĠA" if kind == "bytes" else "▁"]).startswith(" ")


@KINDS
def test_a_text_unfolds_by_whole_characters(kind: Kind) -> None:
    tok = tokenizer(kind)
    unfolding = Unfolding(lambda ids: str(tok.decode(ids)))
    pieces = [unfolding.add(id_) for id_ in tok.encode(TEXT, add_special_tokens=False)]
    assert "\ufffd" not in "".join(pieces)
    assert "".join([*pieces, unfolding.rest()]) == unfolding.text == TEXT


def test_half_a_character_at_the_end_is_shown_as_broken() -> None:
    tok = tokenizer("bytes")
    unfolding = Unfolding(lambda ids: str(tok.decode(ids)))
    half = tok.encode("x😀", add_special_tokens=False)[:-1]
    assert [unfolding.add(id_) for id_ in half][1:] == [""] * (len(half) - 1)
    assert unfolding.rest() == "\ufffd"
