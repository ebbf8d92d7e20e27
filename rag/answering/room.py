"""How much of the passages fits into the window of the model that reads them."""

import math
from collections.abc import Callable
from dataclasses import replace

from rag.answering.inline import ask
from rag.answering.prompting import Shown
from rag.errors import BadPrompt
from rag.packing import Packing
from rag.seams import LLM
from rag.values import Message, Query

MARGIN = 0.05  # of the window: what making texts harmless adds
HEAD = 32  # chosen: tokens of a passage's number and title


def room(query: Query, usual: Packing, llm: LLM, written: int, sentences: int) -> Packing:
    """Return a packing whose passages, with prompt, history and answer, fit the model's window.

    Counted with the model's own tokenizer. `answer.tokens` still holds where it allows less.

    Raises:
        BadPrompt: the window is too small for the question alone.
    """

    def tokens(text: str) -> int:
        return llm.count_tokens((Message("user", text),))

    around = llm.count_tokens(ask(query, Shown((), 0), sentences))
    window = llm.spec.context_window
    left = math.floor(window * (1 - MARGIN)) - around - written
    if left < HEAD:
        raise BadPrompt(
            f"{llm.spec.name} holds {window:,} tokens, of which question, prompt and answer need "
            f"{around + written:,}: lower answer.max_tokens"
        )
    empty = tokens("")
    budget = min(left, usual.budget) if usual.budget else left
    count: Callable[[str], int] = lambda text: tokens(text) - empty + HEAD  # noqa: E731
    return replace(usual, budget=budget, count=count)
