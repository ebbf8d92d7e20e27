"""Is what was found enough? The check that decides whether another round runs."""

from collections.abc import Sequence

from rag.flows import Flow
from rag.iterate.asking import affirmed
from rag.iterate.reading import asked, documents, trusted
from rag.prompts import prompt
from rag.values import Candidate


def sufficient(
    question: str, candidates: Sequence[Candidate], threshold: float = 0.0
) -> Flow[bool]:
    """Return whether the documents hold all that is needed to answer, as the model sees it.

    In doubt they do not: where nothing was found that may be read, or a label was not reported.

    Args:
        question: as it stands for itself.
        candidates: best first; those that fit are read.
        threshold: log-odds of yes against no that must be exceeded; 0 is a probability of .5.

    Raises:
        RagError: the model failed, or may not be asked.
    """
    if not trusted(candidates):
        return False
    wanted = prompt("iterate-sufficient").fill(
        documents=documents(candidates), question=asked(question)
    )
    (odds,) = yield from affirmed([wanted])
    return odds is not None and odds > threshold
