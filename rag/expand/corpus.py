"""Expansions by what a model makes of the passages that a plain search found.

The passages supply the corpus's own words: with small models these two gain most of all expansions.
Where the search finds nothing, there is nothing to expand with.
"""

import re
from collections.abc import Sequence

from rag.expand.asked import Asked
from rag.expand.generated import boosted
from rag.flows import Flow, Reply
from rag.outside.orders import orders
from rag.outside.words import words
from rag.rewrite.asking import asked as about
from rag.rewrite.asking import written
from rag.rewrite.passages import clean, samples, shown
from rag.rewrite.replies import unthought
from rag.values import Branch, Candidate, Search, Searched

_SENTENCES = 5  # chosen: asked for per sample
_SENTENCE_TOKENS = 50
_MOST_QUOTES = 20  # chosen: read of one reply, and of one line
_LEAST_WORDS = 4  # chosen: a shorter quote stands in passages by chance
_MARKS = '"“”„«»'
_ANY_MARK = re.compile(r"[\"'“”„‘’«»]")
_QUOTE = re.compile(rf"[{_MARKS}]([^{_MARKS}\n]{{1,600}})[{_MARKS}]")
_OUTERMOST = re.compile(rf"[{_MARKS}](.{{1,600}})[{_MARKS}]")


def lamer(asked: Asked, depth: int = 10, count: int = 5) -> Flow[tuple[Branch, ...]]:
    """Return "bm25+lamer": the question before each of five answers drawn at temperature 1.

    Shen et al., ACL Findings 2024 (arXiv 2304.14233). The model sees the ten best passages and is
    warned that most are wrong. The question's weight is the number of answers.
    """
    best = candidates((yield (plain_search(asked.text, depth),)))
    if not best:
        return ()
    prompt = about("grounded_passage", asked.text, passages=shown(best))
    answers = clean(asked.text, written((yield samples(prompt, count, 1.0, asked.seed))))
    return boosted("lamer", asked, float(len(answers)), answers)


def csqe(asked: Asked, depth: int = 10, count: int = 2) -> Flow[tuple[Branch, ...]]:
    """Return "bm25+csqe": sentences that the model picks from the corpus, and its own passages.

    Lei et al., EACL 2024 (arXiv 2402.18031): two samples of each, at temperature 1, and twice the
    question. Only what stands in a passage word for word counts as picked, as it stands there; what
    both samples pick counts twice.
    """
    best = candidates((yield (plain_search(asked.text, depth),)))
    if not best:
        return ()
    picking = about("key_sentences", asked.text, passages=shown(best), most=str(_SENTENCES))
    batch = (
        *samples(picking, count, 1.0, asked.seed, _SENTENCES * _SENTENCE_TOKENS),
        *samples(about("passage", asked.text), count, 1.0, asked.seed),
    )
    replies = written((yield batch))
    texts = [candidate.chunk.indexed_text for candidate in best]
    picked = (one for reply in replies[:count] for one in quoted(reply, texts))
    passages = clean(asked.text, replies[count:])
    return boosted("csqe", asked, float(count), (*passages, *picked))


def plain_search(text: str, depth: int) -> Search:
    """Return the lexical search that feeds these expansions."""
    return Search(text, depth, branches=("bm25",))


def candidates(replies: Sequence[Reply]) -> tuple[Candidate, ...]:
    """Return what the searches among replies found, one after another."""
    return tuple(
        one for reply in replies if isinstance(reply, Searched) for one in reply.candidates
    )


def quoted(reply: str, texts: Sequence[str]) -> tuple[str, ...]:
    r"""Return the sentences in double quotes that stand in a text, as they stand there.

    White space, case and the kind of quotation marks may differ. Left out are quotes of fewer than
    four words, those that give orders, those that come again, and all after 20.

    >>> quoted('It says "the wall FELL in 1989." and "nobody knows why it fell".',
    ...        ["So the Wall fell\n in 1989."])
    ('the Wall fell in 1989',)
    """
    lines = unthought(reply).splitlines()[:_MOST_QUOTES]
    found = dict.fromkeys(one for line in lines for one in _standing(line, texts))
    kept = [one for one in found if len(words(one)) >= _LEAST_WORDS and not orders(one)]
    return tuple(kept[:_MOST_QUOTES])


def _standing(line: str, texts: Sequence[str]) -> tuple[str, ...]:
    """Return what a line quotes: all between its outermost marks, or else between any two."""
    outermost = _OUTERMOST.search(line)
    whole = _found(outermost[1], texts) if outermost else ""
    if whole:
        return (whole,)
    quotes = _QUOTE.findall(line)[:_MOST_QUOTES]
    return tuple(filter(None, (_found(quote, texts) for quote in quotes)))


def _found(quote: str, texts: Sequence[str]) -> str:
    """Return the first text's words that are those of a quote; "" where no text has them."""
    each = [re.escape(word) for word in quote.strip(" .…").split()]
    pattern = _ANY_MARK.sub(lambda _: _ANY_MARK.pattern, r"\s+".join(each))
    spelled = re.compile(pattern, re.IGNORECASE)
    matches = (spelled.search(text) for text in texts) if each else iter(())
    return next((" ".join(match[0].split()) for match in matches if match), "")
