"""A model's family is read from its name, and where that tells nothing from its architecture."""

import pytest

from rag.llms.family import family


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Qwen/Qwen3-0.6B", "qwen"),
        ("HuggingFaceTB/SmolLM2-135M-Instruct", "smollm"),
        ("meta-llama/Llama-3.2-1B", "llama"),
        ("gpt-4o-mini", "gpt"),
        ("mistralai/Mixtral-8x7B", "mistral"),
        ("deepseek-r1-distill-qwen-7b", "deepseek"),
        ("org/Command_R-v1", "command"),
        ("", ""),
    ],
)
def test_the_family_is_read_from_the_name(name: str, kind: str) -> None:
    assert family(name) == kind


@pytest.mark.parametrize(
    ("name", "architecture", "kind"),
    [
        ("SmolLM2-135M-Instruct-b179c9523d0e", "llama", "smollm"),
        ("our-model", "qwen2", "qwen"),
        ("our-model", "bloom", "bloom"),
        ("our-model", "", "our"),
    ],
)
def test_the_name_comes_before_the_architecture(name: str, architecture: str, kind: str) -> None:
    assert family(name, architecture) == kind
