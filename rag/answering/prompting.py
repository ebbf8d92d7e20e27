"""What prompts show of the passages, the question, and what was said before."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from rag.citing.markers import stripped
from rag.outside.harmless import harmless
from rag.outside.orders import orders
from rag.outside.size import shortened
from rag.values import Frozen, Message, Passage, Prompt

QUESTION = 200  # chosen: of size; a question that is longer is cut
TITLE = 24  # chosen
TURN, TURNS = 120, 4  # chosen: what a prompt shows of a turn, and how many


@dataclass(frozen=True, slots=True)
class Shown(Frozen):
    """The passages that a prompt may show, and how many it may not, for they give orders."""

    passages: tuple[Passage, ...]
    kept_back: int


def showable(passages: Sequence[Passage]) -> Shown:
    """Return the passages without those that speak to whoever reads them."""
    kept = tuple(
        passage
        for passage in passages
        if "instruction" not in passage.candidate.flags
        and not orders(passage.candidate.chunk.indexed_text)
    )
    return Shown(kept, len(passages) - len(kept))


def numbered(passages: Sequence[Passage]) -> str:
    """Return passages as a prompt holds them: a line each, under their numbers.

    Markers in their own texts are taken out: a model would copy them.
    """
    legal = {passage.ref for passage in passages}
    return "\n".join(f"[{one.ref}] {told(one, legal)}" for one in passages)


def told(passage: Passage, legal: Collection[int] = ()) -> str:
    """Return title and text of a passage on one harmless line, after its mark if it has one."""
    chunk = passage.candidate.chunk
    text = harmless(stripped(chunk.text, legal))
    title = shortened(harmless(stripped(chunk.title, legal)), TITLE)
    return mark(chunk.valid_to) + (f"{title}: {text}" if title else text)


def mark(superseded: str) -> str:
    """Return what stands before a text that is superseded from this instant on.

    >>> mark("2024-05-01"), mark("")
    ('(superseded on 2024-05-01) ', '')
    """
    return f"(superseded on {superseded}) " if superseded else ""


def question(text: str) -> str:
    """Return a question as a prompt holds it."""
    return shortened(harmless(text), QUESTION)


def history(turns: Prompt, legal: Collection[int]) -> Prompt:
    """Return the last turns of a conversation, without what would pass for this answer's markers.

    Only a whole exchange is shown, user and assistant in turn: templates refuse another order.
    """
    told = [
        Message(turn.role, shortened(harmless(stripped(turn.content, legal)), TURN))
        for turn in turns
        if turn.role != "system" and turn.content.strip()
    ]
    kept: list[Message] = []
    for turn in reversed(told):
        wanted = "user" if len(kept) % 2 else "assistant"
        if turn.role != wanted or len(kept) == TURNS:
            break
        kept.insert(0, turn)
    return tuple(kept if len(kept) % 2 == 0 else kept[1:])
