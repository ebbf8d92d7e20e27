"""The names that people know from RAGAS, and which of our figures stands for each, and why."""

from collections.abc import Mapping
from dataclasses import dataclass

from rag.values import Frozen


@dataclass(frozen=True, slots=True)
class Alias(Frozen):
    """Figures that stand for a name of RAGAS 0.4, none where it is refused, and what differs."""

    ours: tuple[str, ...]
    differs: str


RAGAS: Mapping[str, Alias] = {
    "faithfulness": Alias(
        ("faithfulness",),
        "The same share; each chunk is read by itself, and what could not be judged is left out.",
    ),
    "answer_relevancy": Alias(
        (),
        "Refused: a cosine with questions made from the answer rewards repeating the question. "
        "Coverage says whether what was asked for is there, the abstention table who refused.",
    ),
    "context_precision": Alias(
        ("context precision",),
        "Theirs divides by the relevant chunks that were found, so one found of ten has 1 if it "
        "comes first. Ours is the share of all chunks given to the generator; ranks are measured "
        "by AP over all relevant documents (`firstcite eval run`).",
    ),
    "context_recall": Alias(
        ("claim recall",),
        "The same share, of the reference's claims.",
    ),
    "answer_correctness": Alias(
        ("F1",),
        "The claims' F1 alone; theirs adds a quarter of a cosine, by a weight without a source.",
    ),
    "factual_correctness": Alias(
        ("precision", "recall", "F1"),
        "The same shares.",
    ),
    "noise_sensitivity": Alias(
        ("noise, relevant", "noise, irrelevant"),
        "The same shares, and a wrong claim that no chunk holds is told apart: hallucination.",
    ),
}


def known_as(figure: str) -> list[str]:
    """Return the names of RAGAS that a figure stands for.

    >>> known_as("claim recall")
    ['context_recall']
    """
    return [name for name, alias in RAGAS.items() if figure in alias.ours]
