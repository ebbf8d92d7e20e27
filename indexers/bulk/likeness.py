"""Sketches: how alike two documents are, told from 512 bytes of each.

Texts are alike by the Jaccard similarity of their sets of word shingles, the share of all shingles
that both have. MinHash estimates it (Broder 1997, "On the resemblance and containment of
documents"): slot by slot, two sketches are equal with this probability. The slots are filled as in
Dahlgaard, Knudsen and Thorup 2017, "Fast similarity sketching": a shingle is thrown into one slot a
round, and the least of the first round that reached a slot stays. So a long text is read once, not
once per slot, and the sketch of a text is the minimum of the sketches of its pieces.

Sketches are stored. Whatever changes one here, `VERSION` must change with it.
"""

import base64
import hashlib
import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from rag.values import Document

Words: TypeAlias = NDArray[np.uint64]

VERSION = "1"
EXACT = VERSION + "="
SLOTS = 256  # a standard error of .025 at a similarity of .8
SHINGLE = 3  # chosen: words; of the threshold .8 a change of 4 % of the words is left
ROUNDS = 64  # chosen: what is not full by then has less than about 24 different shingles
PIECE = 1 << 15  # characters read together; what goes over a cut is one shingle in thousands
BLOCK = 1 << 17  # bytes of pieces hashed together, and more of one of them: fits a core's cache

_DEDUPE = 16  # rounds after which it pays to look at each different shingle once
_BASE = 0x9E3779B97F4A7C15
_EMPTY = np.uint64(2**64 - 1)
_MARK = re.compile(r"[^\w\x00-\x7f]")
_ALONE = re.compile(  # scripts without spaces: each character is a word
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\U00020000-\U0003ffff]"
)


def sketches(documents: Sequence[Document]) -> list[str]:
    """Return the sketch of each document's title and text; an empty one of nothing at all.

    Case, white space, punctuation and the forms of a character are not told apart. A document of
    few shingles has the digest of its title and text instead: a single word changed makes a short
    text another. A sketch has at most 700 characters.
    """
    slots = np.full((len(documents), SLOTS), _EMPTY)
    for owners, texts in _blocks(documents):
        _throw(slots, *_shingles(owners, texts))
    full = slots.max(axis=1, initial=0) < _EMPTY
    low = (slots & np.uint64(0xFFFF)).astype("<u2")
    return [
        VERSION + base64.b64encode(low[n].tobytes()).decode() if full[n] else _exact(document)
        for n, document in enumerate(documents)
    ]


def slots_of(sketch: str) -> NDArray[np.uint16]:
    """Return the slots of a sketch, shape (SLOTS,), or (0,) where it is a digest."""
    if not sketch or sketch.startswith(EXACT):
        return np.empty(0, np.uint16)
    return np.frombuffer(base64.b64decode(sketch[1:]), "<u2").astype(np.uint16)


def resemblance(one: str, other: str) -> float:
    """Return the estimated Jaccard similarity of two sketches, 0 to 1.

    >>> resemblance("1=one", "1=one"), resemblance("1=one", "1=two"), resemblance("", "")
    (1.0, 0.0, 0.0)
    """
    left, right = slots_of(one), slots_of(other)
    if not left.size or not right.size:
        return float(one == other != "")
    return float(np.mean(left == right))


def _exact(document: Document) -> str:
    if not document.title and not document.text:
        return ""
    hashed = hashlib.blake2b(repr(document.title).encode(), digest_size=16)
    for start in range(0, len(document.text), PIECE):
        hashed.update(document.text[start : start + PIECE].encode())
    return EXACT + base64.b64encode(hashed.digest()).decode()


def _blocks(documents: Sequence[Document]) -> Iterator[tuple[list[int], list[bytes]]]:
    """Yield pieces of folded texts, with the number of the document of each."""
    owners: list[int] = []
    texts: list[bytes] = []
    size = 0
    for owner, document in enumerate(documents):
        for text in (document.title, document.text):
            for start in range(0, len(text), PIECE):
                owners.append(owner)
                texts.append(_folded(text[start : start + PIECE]))
                size += len(texts[-1])
                if size >= BLOCK:
                    yield owners, texts
                    owners, texts, size = [], [], 0
    if texts:
        yield owners, texts


def _folded(text: str) -> bytes:
    """Return a text in which words are runs of letters and digits, and of bytes beyond ASCII."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text).casefold()
        text = _ALONE.sub(r" \g<0> ", _MARK.sub(" ", text))
    return text.encode()


def _shingles(owners: Sequence[int], texts: Sequence[bytes]) -> tuple[NDArray[np.intp], Words]:
    """Return the hash of every shingle, and whose it is."""
    letters = np.frombuffer(b" " + b" ".join(texts), np.uint8)
    values = _letters()[letters]
    inside = values != 0
    starts = np.flatnonzero(inside[1:] > inside[:-1]) + 1
    if len(starts) < SHINGLE:
        return np.empty(0, np.intp), np.empty(0, np.uint64)
    powers, inverses = _powers(1 << (len(letters) - 1).bit_length())
    words = np.add.reduceat(values * powers[: len(values)], starts) * inverses[starts]
    ends = np.cumsum([len(text) + 1 for text in texts])
    piece = np.searchsorted(ends, starts - 1, side="right")
    words = _mixed(words)
    several = sum(
        words[n : len(words) - SHINGLE + 1 + n] * np.uint64(2 * n + 1) for n in range(SHINGLE)
    )
    within = piece[: 1 - SHINGLE] == piece[SHINGLE - 1 :]
    return np.asarray(owners)[piece[: 1 - SHINGLE][within]], _mixed(np.asarray(several)[within])


def _throw(slots: Words, owners: NDArray[np.intp], hashes: Words) -> None:
    """Throw shingles into the slots of their owners, round by round, until no slot can change."""
    if not len(owners):
        return
    flat = slots.reshape(-1)
    for number, factor in enumerate(_factors()):
        before = np.uint64(number << 32)
        if number == _DEDUPE:
            _, once = np.unique(hashes + owners.astype(np.uint64), return_index=True)
            once.sort()
            owners, hashes = owners[once], hashes[once]
        thrown = hashes * factor
        slot = owners * SLOTS + (thrown >> np.uint64(56)).astype(np.intp)
        np.minimum.at(flat, slot, (thrown >> np.uint64(24)) & np.uint64(0xFFFFFFFF) | before)
        first, last = owners[0], owners[-1] + 1  # they ascend
        undone = slots[first:last].max(axis=1)[owners - first] >= np.uint64((number + 1) << 32)
        if not undone.any():
            return
        owners, hashes = owners[undone], hashes[undone]


def _mixed(values: Words) -> Words:
    """Return hashes of 64 bits: the end of SplitMix64 (Steele, Lea and Flood 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _random(count: int, stream: int) -> Words:
    numbers = np.arange(1, count + 1, dtype=np.uint64) + np.uint64(stream << 32)
    return _mixed(numbers * np.uint64(_BASE))


@cache
def _letters() -> Words:
    """Return a value for each byte: none for a mark or white space, the same for both cases."""
    values = _random(256, 0)
    for byte in range(128):
        values[byte] = values[ord(chr(byte).lower())] if chr(byte).isalnum() else 0
    return values


@cache
def _factors() -> Words:
    return _random(ROUNDS, 1) | np.uint64(1)


@cache
def _powers(count: int) -> tuple[Words, Words]:
    """Return the powers of the base and of its inverse, modulo 2⁶⁴."""

    def powers(base: int) -> Words:
        factors = np.full(count, base, np.uint64)
        factors[0] = 1
        return np.multiply.accumulate(factors)

    return powers(_BASE), powers(pow(_BASE, -1, 2**64))
