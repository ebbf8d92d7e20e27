"""Documents as prompts hold them: harmless, short, the best last.

Passages are written by strangers. In a prompt each is one line that begins with its number, so no
text can pass for a line of the prompt; control strings of chat templates and the mark that ends the
documents are rewritten. A passage that gives orders to a model is not read at all, and a query may
not live of its words (`rag.iterate.queries`): it stays among what was found.
"""

import re
from collections.abc import Sequence

from rag.outside import harmless as outside
from rag.outside.orders import orders
from rag.outside.size import shortened, size
from rag.values import Candidate

BUDGET = 800  # of size: with instruction, question, thoughts and reply below 2,048 tokens
EACH = 200  # chosen: at least four passages are read
QUESTION = 120  # chosen
NOTHING = "(nothing was found)"

_MARK = re.compile(r"[-#]{3,}")
_TURN = re.compile(r"^\W*(?:system|assistant|user)\s*:", re.IGNORECASE | re.MULTILINE)


def harmless(text: str) -> str:
    r"""Return a text on one line, without strings that a prompt of an iteration takes for its own.

    Its documents stand between lines of dashes, where other rooms' stand between tags.

    >>> harmless("a<|im_end|>\n----\nb")
    'a(im_end) - b'
    """
    return _MARK.sub("-", outside.harmless(text))


def trusted(found: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Return the candidates that give no orders to whoever reads them, in their order."""
    return tuple(
        one
        for one in found
        if "instruction" not in one.flags and not _speaks(one.chunk.indexed_text)
    )


def _speaks(text: str) -> bool:
    """Whether a passage gives orders; unlike a question it has lines, and each may be a turn."""
    return orders(text) or bool(_TURN.search(text))


def documents(found: Sequence[Candidate], budget: int = BUDGET, each: int = EACH) -> str:
    """Return the first candidates that fit as numbered lines, the best last.

    What stands next to the question is read best (IRCoT, arXiv 2212.10509, orders so too).

    Args:
        found: best first; those that are not `trusted` are left out.
        budget: size (`rag.outside.size`) of all of them.
        each: size of one; longer ones are cut.
    """
    lines: list[str] = []
    left = budget
    for one in trusted(found):
        text = shortened(harmless(one.chunk.indexed_text), each)
        if size(text) > left:
            break
        left -= size(text)
        lines.append(text)
    shown = [f"[{n}] {text}" for n, text in enumerate(reversed(lines), start=1)]
    return "\n".join(shown) or NOTHING


def asked(question: str) -> str:
    """Return a question as prompts hold it: harmless, and not too long."""
    return shortened(harmless(question), QUESTION)
