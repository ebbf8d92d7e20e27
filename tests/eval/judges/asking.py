"""Cases, and a scripted model that a judge asks about them."""

from collections.abc import Callable, Sequence

from eval.judges.judge import AskedJudge, Room
from eval.judges.ledger import Ledger
from eval.judges.opening import make_judge
from rag.llms.scripted import ScriptedLLM
from rag.values import Case, Choose, Chosen, Complete, Prompt


def case(document_id: str, text: str = "", query_id: str = "q1") -> Case:
    return Case(query_id, f"what about {query_id}", document_id, text or f"text {document_id}")


def said(prompt: Prompt) -> str:
    """What a prompt's only turn says."""
    (turn,) = prompt
    return turn.content


def writes(reply: Callable[[str], str]) -> ScriptedLLM:
    """A model that writes what a function of the prompt says."""
    return ScriptedLLM(complete=lambda request: reply(said(request.prompt)))


def likes(digit: Callable[[str], Sequence[float | None]]) -> ScriptedLLM:
    """A model that reports these log-probabilities of the digits, and writes nothing valid."""

    def choose(request: Choose) -> Chosen:
        return Chosen(tuple(digit(said(request.prompt))))

    return ScriptedLLM(choose, complete=lambda _: "I cannot say.")


def judge(
    name: str, llm: ScriptedLLM, ledger: Ledger | None = None, room: Room | None = None
) -> AskedJudge:
    """The judge of that name over a scripted model."""
    return make_judge(name, llm, ledger or Ledger(), None, room)


def completes(llm: ScriptedLLM) -> list[Complete]:
    """What a model was asked to write."""
    return [request for request in llm.history if isinstance(request, Complete)]
