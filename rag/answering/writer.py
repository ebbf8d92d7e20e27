"""What writes: a draft from the passages, told while it is written."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from rag.citing.structure import Draft
from rag.quoting.lines import Read
from rag.values import Context, Cut, Frozen, Stage


@dataclass(frozen=True, slots=True)
class Written(Frozen):
    """A draft, and what writing it took."""

    draft: Draft
    stage: Stage


Piece: TypeAlias = str | Cut | Written


class Writer(Protocol):
    """Writes from a context; nothing that it writes is verified yet."""

    def write(self, context: Context, found: Read) -> AsyncGenerator[Piece, None]:
        """Yield text without markers and complete sentences, then the draft, last and once.

        The text that was yielded is the draft's, and every claim of it was a `Cut`. Leaving the
        loop stops the writing.

        Raises:
            RagError: nothing can be written; not after something was.
        """
        ...
