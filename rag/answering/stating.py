"""One sentence of an answer, written from the quotes that it will cite."""

from collections.abc import Sequence

from rag.answering.prompting import mark, question
from rag.citing.markers import read
from rag.citing.sentences import written
from rag.citing.structure import Claim
from rag.outside.harmless import controls, harmless
from rag.outside.orders import orders
from rag.outside.refusals import gives_up
from rag.outside.words import repeats
from rag.prompts import prompt
from rag.rewrite.replies import unthought
from rag.values import Citation, Complete, Context

TOKENS = 80  # chosen: twice a long sentence; what is longer is cut, and then not used


def statement(context: Context, quotes: Sequence[Citation]) -> Complete:
    """Return the request for a sentence that says what the quotes say."""
    shown = "\n".join(f"- {mark(one.superseded)}{harmless(one.quote)}" for one in quotes)
    asked = prompt("answer-sentence").fill(quotes=shown, question=question(context.query.text))
    return Complete(asked, TOKENS)


def said(reply: str, quotes: Sequence[Citation], cut: bool = False) -> str:
    """Return the sentence of a reply; where it cannot be used, the first quote itself.

    Args:
        reply: what the model wrote; of several sentences the first one counts.
        quotes: what it was written from.
        cut: whether the reply ended for want of tokens.
    """
    text = " ".join(read(unthought(reply), ()).text.split())
    spans = written(text)
    if spans:
        one = text[spans[0].start : spans[0].end]
        whole = not cut or len(spans) > 1
        if whole and not (gives_up(one) or orders(one) or repeats(one) or controls(one)):
            return one
    return " ".join(quotes[0].quote.split())


def placed(text: str, start: int, quotes: Sequence[Citation]) -> Claim:
    """Return a sentence as a claim; one that is the first quote itself cites it alone."""
    verbatim = text == " ".join(quotes[0].quote.split())
    cited = tuple(quotes[:1]) if verbatim else tuple(quotes)
    return Claim(text, start, start + len(text), (), cited)
