"""Answers, passages and a scripted judge, small enough to check by eye."""

from collections.abc import Callable

from eval.answers.asking import Checked, Told, citation_scores
from eval.answers.judge import Asked
from eval.answers.lexical import carried
from rag.llms.scripted import ScriptedLLM
from rag.values import Answer, Citation, Complete, Query, Reference, Sentence

FREEZER = "The freezer stays cold for 48 hours without power."
DOOR = "Keep the door of the freezer shut."
DESK = "The desk opens at nine."


def cited(quote: str, ref: int = 1) -> Citation:
    return Citation(ref, "c", f"d{ref}", quote, 0, len(quote), 1.0)


def checked(
    *sentences: tuple[str, tuple[str, ...]],
    query_id: str = "q",
    passages: tuple[str, ...] = (f"{FREEZER} {DOOR}", DESK),
) -> Checked:
    """Return an answer of sentences and the quotes they cite, its citations judged by words."""
    said, start = [], 0
    for text, quotes in sentences:
        said.append(Sentence(text, start, start + len(text), tuple(map(cited, quotes))))
        start += len(text) + 1
    text = " ".join(text for text, _ in sentences)
    references = (Reference(1, "d1", "", ""),) if sentences else ()
    answer = Answer(Query("?"), text, tuple(said), references)
    shown = sum(len(quotes) for _, quotes in sentences)
    scores = citation_scores(answer, set(), carried)
    return Checked(Told(query_id, answer, 0.1, passages), shown, (), (), scores)


def asking(reply: Callable[[str], str]) -> tuple[Asked, ScriptedLLM]:
    """Return a judge whose model answers the text of a prompt, and the model."""
    llm = ScriptedLLM(complete=lambda request: reply(request.prompt[-1].content))
    return Asked(llm), llm


def prompts(llm: ScriptedLLM) -> list[str]:
    return [one.prompt[-1].content for one in llm.history if isinstance(one, Complete)]


def between(text: str, tag: str) -> str:
    """Return what stands in a prompt between a tag and its end."""
    return text.split(f"<{tag}>\n")[1].split(f"\n</{tag}>")[0]
