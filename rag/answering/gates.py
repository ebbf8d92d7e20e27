"""The gate that asks a model whether what was found suffices.

Sufficient Context (arXiv 2411.06037): with too little of it models answer wrongly rather than not.
"""

from dataclasses import replace

from rag.abstain import Gate, Verdict
from rag.answering.model import Model
from rag.answering.prompting import showable
from rag.errors import RagError
from rag.flows import Flow, stopped
from rag.iterate.asking import affirmed
from rag.iterate.reading import asked, documents
from rag.logistic import sigmoid
from rag.prompts import prompt
from rag.quoting.lines import Read, ranked
from rag.spans import timed
from rag.values import Context, Stage


def sufficient(model: Model, least: float) -> Gate:
    """Return the gate that a model keeps.

    Args:
        model: is asked for yes or no.
        least: probability of "yes" that is answered. Where it could not be read or asked, the
            question is answered, and the reason says that nobody knows.
    """

    async def gate(context: Context, found: Read) -> Verdict:
        del found
        stage = Stage("sufficient", 0.0)
        with timed(stage.name) as clock:
            try:
                driven = await model.drive(_likely(context))
            except RagError as error:
                trace = (clock.stage(stopped(stage, error)),)
                why = f"whether the passages suffice is not known: {error}"
                return Verdict("partial", why, trace)
            likely = driven.result
            detail = "not reported" if likely is None else f"probability {likely:.2f}"
            trace = (clock.stage(replace(stage, detail=detail, cost=driven.cost)),)
        if likely is None:
            return Verdict("partial", "whether the passages suffice is not known", trace)
        if likely >= least:
            return Verdict("yes", "", trace)
        return Verdict(
            "no",
            "the passages do not hold all that is needed to answer: with probability "
            f"{likely:.2f}, less than {least:.2f}",
            trace,
        )

    return gate


def _likely(context: Context) -> Flow[float | None]:
    """Return the probability that the passages suffice, None where it was not reported."""
    candidates = [
        one.candidate for one in ranked(context) if one in showable(context.passages).passages
    ]
    wanted = prompt("iterate-sufficient").fill(
        documents=documents(candidates), question=asked(context.query.text)
    )
    (odds,) = yield from affirmed([wanted])
    return None if odds is None else sigmoid(odds)
