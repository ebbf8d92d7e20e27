"""Which splitters there are, what each is made of, and how a collection names them."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from tokenizers import Tokenizer

from indexers.splitting.cutting import Cuts, by_structure
from indexers.splitting.hierarchical import nested
from indexers.splitting.late import late
from indexers.splitting.packing import packing, recursive
from indexers.splitting.pieces import Split, whole
from indexers.splitting.sentences import by_sentences
from indexers.splitting.splitter import Splitter
from indexers.splitting.stretches import STRETCH
from indexers.splitting.tokens import Tokens
from rag.errors import BadSettings
from rag.sections import IndexSettings
from rag.values import Frozen

_UNLIMITED = 2**31  # tokens, where an encoder reads any number
ABOVE = 4  # chosen: the outermost pieces of hierarchical hold so many of chunk_tokens

Make: TypeAlias = Callable[[Tokens, IndexSettings], Cuts]


@dataclass(frozen=True, slots=True)
class Row(Frozen):
    """A splitter: its cuts, and the settings that decide its chunks, last the size of a chunk."""

    sizes: tuple[str, ...]
    make: Make


def _recursive(tokens: Tokens, settings: IndexSettings) -> Cuts:
    return recursive(tokens, settings.chunk_tokens)


def _sentences(tokens: Tokens, settings: IndexSettings) -> Cuts:
    most = settings.chunk_tokens
    return by_sentences(tokens, most, recursive(tokens, most))


def _structure(tokens: Tokens, settings: IndexSettings) -> Cuts:
    most = settings.chunk_tokens
    return packing(tokens, most, by_structure(tokens, most))


def _hierarchical(tokens: Tokens, settings: IndexSettings) -> Cuts:
    sizes = (ABOVE * settings.chunk_tokens, settings.chunk_tokens, settings.leaf_tokens)
    return nested([recursive(tokens, size) for size in sizes])


SPLITTERS: Mapping[str, Row] = {
    "recursive": Row(("chunk_tokens",), _recursive),
    "sentences": Row(("chunk_tokens",), _sentences),
    "structure": Row(("chunk_tokens",), _structure),
    "hierarchical": Row(("chunk_tokens", "leaf_tokens"), _hierarchical),
}
"""All that cut; "none" does not."""


def make_split(
    settings: IndexSettings,
    tokenizer: Tokenizer,
    max_tokens: int | None = None,
    stretch: int = STRETCH,
) -> Split:
    """Return the splitter that the settings describe.

    Args:
        settings: its name and sizes.
        tokenizer: the encoder's; sizes are counted with it.
        max_tokens: that the encoder reads of a text, its own marks included; None is no limit.
        stretch: characters that are split at a time.

    Raises:
        BadSettings: leaves would be larger than what they are leaves of, or chunks are to be read
            with others and each with a context of its own.
    """
    if settings.late and (settings.contextual or settings.splitter == "none"):
        raise BadSettings(
            "index.late lets the encoder read chunks with their neighbours, and the first one's "
            "context alone: it does not go with index.contextual or the splitter none"
        )
    if settings.splitter == "none":
        return whole
    if settings.leaf_tokens > settings.chunk_tokens and settings.splitter == "hierarchical":
        raise BadSettings(
            f"index.leaf_tokens is {settings.leaf_tokens}, more than index.chunk_tokens, which is "
            f"{settings.chunk_tokens}: set it lower"
        )
    tokens = Tokens(tokenizer)
    fit = fitting(settings, tokenizer, max_tokens)
    split = Splitter(SPLITTERS[settings.splitter].make(tokens, settings), fit, stretch)
    if not settings.late:
        return split
    return late(split, tokens.count, (max_tokens or _UNLIMITED) - tokens.special)


def fitting(
    settings: IndexSettings, tokenizer: Tokenizer, max_tokens: int | None = None
) -> Callable[[str], str]:
    """Return what cuts a context to the room that the largest chunk leaves in the encoder.

    An encoder that truncates would otherwise drop the end of the chunk for the sake of a long
    heading. Args as for `make_split`; documents that are kept whole leave no room to count on, and
    their contexts are not cut.
    """
    largest = dict(sizes(settings)[-1:])
    if max_tokens is None or not largest:
        return str
    tokens = Tokens(tokenizer)
    (size,) = largest.values()
    return partial(tokens.shortened, most=max_tokens - size - tokens.special)


def sizes(settings: IndexSettings) -> tuple[tuple[str, int], ...]:
    """Return the settings that decide the chunks, the last of them the size of the largest chunk.

    >>> sizes(IndexSettings(splitter="none")), sizes(IndexSettings())
    ((), (('chunk_tokens', 192),))
    """
    row = SPLITTERS.get(settings.splitter)
    return tuple((name, getattr(settings, name)) for name in row.sizes) if row else ()


def described(settings: IndexSettings) -> str:
    """Return the splitter with all that decides its chunks, as a collection keeps it.

    >>> described(IndexSettings()), described(IndexSettings(splitter="none"))
    ('recursive/192', 'none')
    >>> described(IndexSettings(splitter="hierarchical"))
    'hierarchical/192/64'
    >>> described(IndexSettings(contextual=True))
    'recursive/192+contextual/100'
    >>> described(IndexSettings(late=True))
    'recursive/192+late'
    """
    split = "/".join([settings.splitter, *(str(size) for _, size in sizes(settings))])
    split += "+late" if settings.late else ""
    return f"{split}+contextual/{settings.context_tokens}" if settings.contextual else split


def named(description: str) -> str:
    """Return the name of a described splitter.

    >>> named("sentences/192"), named("none+contextual/100")
    ('sentences', 'none')
    """
    return re.split("[/+]", description, maxsplit=1)[0]
