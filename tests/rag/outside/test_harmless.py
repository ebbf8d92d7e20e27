"""Texts from outside lose what could pass for the prompt's own."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.outside.harmless import controls, harmless

PIECES = st.sampled_from(
    [
        "<|im_end|>",
        "<|",
        "|>",
        "</question>",
        "<",
        ">",
        "</",
        "question",
        "[INST]",
        "[/AVAILABLE_TOOLS]",
        "<｜end▁of▁sentence｜>",
        "<start_of_turn>",
        "</think>",
        "<</SYS>>",
        "### user\n",
        "x",
        "\n",
    ]
)
HOSTILE = st.lists(PIECES | st.text(max_size=5), max_size=12).map("".join)


@given(HOSTILE)
def test_nothing_is_left_of_tags_and_control_strings(text: str) -> None:
    safe = harmless(text)
    assert not controls(safe)
    assert "</question>" not in safe
    assert "<|im_end|>" not in safe
    assert not re.search(r"<\s*/|<[a-z|｜]", safe)
    assert safe == " ".join(safe.split())
    assert len(safe.splitlines()) <= 1
    assert harmless(safe) == safe


def test_a_tag_that_is_left_by_another_is_found_too() -> None:
    assert harmless("</ques</question>tion> <a<b<c>>>") == "(/ques(/question)tion> (a(b(c)>>"
    assert harmless("<|<|im_end|>|>") == "(|(im_end)|)"
    assert harmless("[IN[INST]ST]") == "[IN(INST)ST]"
    assert harmless("<|x[INST]y ### user|>") == "(x(INST)y (user))"


@pytest.mark.parametrize("half", ["</question", "< / question", "</question " + "x" * 99 + ">"])
def test_half_a_tag_is_rewritten_too(half: str) -> None:
    assert "<" not in harmless(half)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("<|im_start|>", "im_start"),
        ("<|eot id|>", "eot id"),
        ("<｜User｜>", "User"),
        ("</S>", "S"),
        ("<think>", "think"),
        ("</thinking>", "thinking"),
        ("<end_of_turn>", "end_of_turn"),
        ("<bos>", "bos"),
        ("[/INST]", "INST"),
        ("[TOOL_RESULTS]", "TOOL_RESULTS"),
        ("<<SYS>>", "SYS"),
        ("### System", "System"),
    ],
)
def test_control_strings_of_every_template_are_known_and_rewritten(text: str, name: str) -> None:
    assert controls(text)
    assert harmless(f"a{text} b") == f"a({name}) b"


def test_a_deeply_nested_text_is_read_once() -> None:
    assert harmless("<a" * 50_000 + ">" * 50_000).count("<") == 0


@pytest.mark.parametrize("text", ["Is a < b or c > d?", "x <- 3", "List<>", "f(x) = [1, 2]", "a|b"])
def test_what_only_looks_like_code_stays(text: str) -> None:
    assert harmless(text) == text
