"""Who is partly its own judge."""

import pytest

from eval.checking.circularity import Conflict, conflicts
from eval.experiments.record import Lineage, Role, SystemRecord

JUDGE = Lineage("judge", "qwen", "Qwen/Qwen3-8B", "prompt-1")


def system(role: Role, family: str, model: str, prompt: str = "") -> SystemRecord:
    return SystemRecord("S", lineage=(Lineage(role, family, model, prompt),))


def only(of: SystemRecord, judge: Lineage = JUDGE) -> Conflict:
    (found,) = conflicts(judge, [of])
    return found


@pytest.mark.parametrize("role", ["reranker", "expander", "generator"])
def test_the_judges_own_model_is_red_whatever_it_does(role: Role) -> None:
    found = only(system(role, "qwen", "qwen/qwen3-8b"))
    assert (found.shared, found.severity) == ("model", "red")
    assert found.message == f"the {role} of S is the judge's own model, qwen/qwen3-8b"


def test_the_judges_own_prompt_is_red_under_another_model() -> None:
    found = only(system("reranker", "llama", "Llama-3.1-8B", "prompt-1"))
    assert (found.shared, found.severity) == ("prompt", "red")


def test_the_judges_family_is_red_and_it_is_said_why() -> None:
    found = only(system("expander", "qwen", "Qwen2.5-0.5B", "other"))
    assert (found.shared, found.severity) == ("family", "red")
    assert "judges prefer their own kind" in found.message


def test_what_nobody_declared_is_amber() -> None:
    assert only(system("reranker", "", "somebody's model")).severity == "amber"
    unknown = Lineage("judge", "", "another", "")
    found = only(system("reranker", "llama", "Llama-3.1-8B"), unknown)
    assert (found.shared, found.severity) == ("unknown", "amber")


def test_strangers_and_systems_without_a_model_have_no_conflict() -> None:
    strangers = [system("reranker", "llama", "Llama-3.1-8B", "p2"), SystemRecord("bm25")]
    assert conflicts(JUDGE, strangers) == ()
    assert conflicts(JUDGE, []) == ()


def test_every_model_of_a_system_is_looked_at_and_prompts_that_are_empty_are_not_equal() -> None:
    two = SystemRecord(
        "S",
        lineage=(Lineage("reranker", "llama", "L", ""), Lineage("generator", "qwen", "Q", "")),
    )
    found = conflicts(Lineage("judge", "qwen", "Qwen3", ""), [two, two])
    assert [(c.role, c.shared) for c in found] == [("generator", "family")] * 2
