"""Whether a local model answers at all: it must know what everybody knows."""

from collections.abc import Sequence

from rag.errors import ModelUnavailable
from rag.llms.batching import Row, continuing
from rag.llms.reading import LogProbs
from rag.llms.rendering import Renderer
from rag.values import Message

KNOWN = (
    ("What is the capital of France?", "Paris", "Oslo"),
    ("Which animal barks?", "A dog barks.", "A table barks."),
    ("What colour is grass?", "Grass is green.", "Grass is purple."),
    ("What is two plus two?", "Two plus two is 4.", "Two plus two is 9."),
    ("In which season does it snow?", "It snows in winter.", "It snows in keyboard."),
    ("What do people drink?", "People drink water.", "People drink stones."),
    ("How many days has a week?", "A week has seven days.", "A week has purple days."),
    ("Where do fish live?", "Fish live in water.", "Fish live in books."),
)
KNOWN_FLOOR = 6  # of the eight, the right answer must be the likelier one


def known(renderer: Renderer) -> list[Row]:
    """Return the rows of `KNOWN`: per question, the right answer and the wrong one."""
    rows = []
    for question, *answers in KNOWN:
        ids = renderer.ids((Message("user", question),))
        rows += [continuing(ids, renderer.continuation(answer)) for answer in answers]
    return rows


def examine(found: Sequence[LogProbs], path: str) -> None:
    """Check that right answers are the likelier ones, per token.

    Args:
        found: what the model reads in the rows of `known`.
        path: the model's name or folder, for the message.

    Raises:
        ModelUnavailable: it does not know what everybody knows, which is the sign of a wrong
            template or damaged weights.
    """
    means = [float(one.mean()) for one in found]
    right = sum(good > bad for good, bad in zip(means[::2], means[1::2], strict=True))
    if right < KNOWN_FLOOR:
        raise ModelUnavailable(
            f"'{path}' knows {right} of {len(KNOWN)} things that everybody knows: its template is "
            "wrong, its weights are damaged, or it was trained for something else. Take another"
        )
