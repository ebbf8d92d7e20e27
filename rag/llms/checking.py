"""Whether a model can write what is asked of it: one of given texts, a mixture of prompts."""

import math

from rag.errors import BadPrompt
from rag.seams import LLMSpec
from rag.values import Complete

REMEDY = "take a local model, or another answer.generator"


def check(request: Complete, spec: LLMSpec) -> None:
    """Check a request against itself and against what the model can do.

    Raises:
        BadPrompt: the model can do no such thing, or nobody could.
    """
    if request.among:
        _check_texts(request, spec)
    if request.is_mixture:
        _check_mixture(request, spec)


def _check_texts(request: Complete, spec: LLMSpec) -> None:
    if not spec.constrains:
        raise BadPrompt(f"{spec.name} cannot be held to given texts: {REMEDY}")
    if request.is_mixture:
        raise BadPrompt("one of given texts is written from one prompt: leave out beside, weights")
    if request.temperature:
        raise BadPrompt(
            f"one of given texts is written at temperature 0, not at {request.temperature}"
        )
    if not all(request.among):
        raise BadPrompt("one of the texts to choose among is empty: leave it out")


def _check_mixture(request: Complete, spec: LLMSpec) -> None:
    if not spec.mixes:
        raise BadPrompt(f"{spec.name} cannot mix what follows several prompts: {REMEDY}")
    weights, prompts = request.weights, len(request.prompts)
    if weights and len(weights) != prompts:
        raise BadPrompt(f"{len(weights)} weights for {prompts} prompts: give one each, or none")
    if not all(0 < weight < math.inf for weight in weights):
        raise BadPrompt(f"the weights {weights} are not all above 0: leave out those prompts")
