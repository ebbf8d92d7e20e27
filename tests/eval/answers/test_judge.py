"""Both judges are asked the same; the one without a model is coarse, the other may fail."""

import asyncio
from collections.abc import Sequence

import pytest

from eval.answers.citations import CitationScores, Quality
from eval.answers.judge import WORDS, Asked, Words, distinct
from eval.answers.lexical import carried
from eval.answers.nuggetizing import Made
from eval.answers.nuggets import Nugget
from eval.answers.preferring import Pair
from eval.answers.references import Reference
from rag.errors import LLMUnavailable
from rag.llms.scripted import ScriptedLLM
from rag.values import Complete, Completed
from tests.eval.answers.judging import DESK, DOOR, FREEZER, asking, between, checked, prompts


@pytest.mark.parametrize(
    ("evidence", "claim", "support"),
    [
        ([f"{DOOR} {FREEZER}"], FREEZER, "full"),
        ([FREEZER], "“The Freezer stays cold for 48 hours”", "full"),
        ([FREEZER], "Without power, the freezer stayed cold for 48 hours.", "full"),
        ([FREEZER], "The freezer stays cold for 36 hours without power.", "none"),
        ([FREEZER], "The freezer does not stay cold for 48 hours without power.", "none"),
        ([FREEZER], DESK, "none"),
        ([DESK, FREEZER], DESK, "full"),
        ([], DESK, "none"),
        ([""], DESK, "none"),
        ([DESK], "", "none"),
        ([DESK], "…!", "none"),
    ],
)
def test_facts_and_words_say_what_a_text_carries(
    evidence: Sequence[str], claim: str, support: str
) -> None:
    assert carried(evidence, claim) == support


def test_words_take_the_sentences_of_peoples_answers_for_vital_nuggets() -> None:
    judge = Words()
    reference = Reference(answers=(f"{FREEZER} {DOOR}", FREEZER.upper()))
    made = asyncio.run(judge.nuggets("q?", reference))
    assert made == Made((Nugget(FREEZER, "vital"), Nugget(DOOR, "vital")))
    held = asyncio.run(judge.assigned("q?", FREEZER, made.nuggets))
    assert held == ("support", "not_support")


@pytest.mark.parametrize("judge", [Words(), asking(str)[0]], ids=["words", "model"])
def test_nuggets_that_are_given_are_taken(judge: Words | Asked) -> None:
    given = (Nugget("a fact", "okay"),)
    assert asyncio.run(judge.nuggets("q?", Reference(nuggets=given))) == Made(given)


def test_a_model_makes_nuggets_of_passages_and_else_of_answers() -> None:
    judge, llm = asking(lambda text: "1. vital" if "<facts>" in text else "a fact")
    reference = Reference(answers=("the answer",), passages=("the passage",))
    assert asyncio.run(judge.nuggets("q?", reference)).nuggets == (Nugget("a fact"),)
    assert "the passage" in prompts(llm)[0]
    assert "the answer" not in prompts(llm)[0]
    asyncio.run(judge.nuggets("q?", Reference(answers=("the answer",))))
    assert "the answer" in prompts(llm)[2]
    asked = len(llm.history)
    assert asyncio.run(judge.nuggets("q?", Reference())) == Made()
    assert len(llm.history) == asked


def test_citations_are_judged_by_the_labels_of_a_model() -> None:
    labels = {FREEZER: "FS", DOOR: "PS", DESK: "NS"}
    judge, _ = asking(lambda text: labels.get(between(text, "evidence"), "FS"))
    # The vectors of the fact sheet (J8): partial, full, uncited.
    one = checked(("One.", (DOOR,)), ("Two.", (FREEZER,)), ("Three.", ()))
    found = asyncio.run(judge.cited(one))
    assert (found.first.precision, found.first.recall) == (0.75, 0.5)
    assert found.every == found.first
    assert found.alce.precision == 0.5
    assert found.alce.recall == pytest.approx(1 / 3)


def test_first_citations_and_all_are_told_apart() -> None:
    labels = {FREEZER: "FS", DESK: "NS"}
    judge, _ = asking(lambda text: labels.get(between(text, "evidence"), "FS"))
    found = asyncio.run(judge.cited(checked(("One.", (FREEZER, DESK)))))
    assert (found.first.precision, found.every.precision) == (1, 0.5)
    assert (found.alce.recall, found.alce.precision) == (1, 0.5)  # the desk adds nothing


def test_a_label_that_cannot_be_read_leaves_both_sides_of_the_fraction_and_is_counted() -> None:
    labels = {FREEZER: "FS", DOOR: "Hard to say."}
    judge, _ = asking(lambda text: labels[between(text, "evidence")])
    found = asyncio.run(judge.cited(checked(("One.", (FREEZER,)), ("Two.", (DOOR,)))))
    for quality in (found.alce, found.first, found.every):
        assert (quality.recall, quality.precision, quality.failed) == (1, 1, 1)


def test_an_abstention_is_asked_nothing() -> None:
    judge, llm = asking(str)
    found = asyncio.run(judge.cited(checked()))
    empty = Quality(0.0, 0.0, answers=1, empty=1)
    assert found == CitationScores(empty, empty, empty)
    assert not llm.history


def test_the_same_claim_is_asked_about_once_and_one_without_evidence_never() -> None:
    judge, llm = asking(lambda _: "FS")
    claims = [((FREEZER,), "x"), ((FREEZER,), "x"), ((" ",), "x"), ((), "x")]
    assert asyncio.run(judge.supports(claims)) == ("full", "full", "none", "none")
    assert len(llm.history) == 1


class Away(ScriptedLLM):
    """A model that answers so many batches, and is away then."""

    def __init__(self, batches: int) -> None:
        super().__init__(complete=lambda _: "FS")
        self.left = batches

    async def complete(self, requests: Sequence[Complete]) -> tuple[Completed, ...]:
        self.left -= 1
        if self.left < 0:
            raise LLMUnavailable("nobody there")
        return await super().complete(requests)


def test_a_model_that_goes_away_leaves_what_is_missing() -> None:
    judge = Asked(Away(1))
    assert asyncio.run(judge.supports([((FREEZER,), "x")])) == ("full",)
    assert asyncio.run(judge.supports([((FREEZER,), "y")])) == ("unknown",)
    assert asyncio.run(judge.assigned("q?", "text", [Nugget("n")])) == ("failed",)
    assert asyncio.run(judge.claims("q?", ["text"])) is None
    assert asyncio.run(judge.nuggets("q?", Reference(("text",)))) == Made(failed=1)
    (said,) = asyncio.run(judge.preferred([Pair("q", "q?", "a", "b")]))
    assert said.winner is None
    assert judge.cost.calls == 1


def test_a_model_that_never_answers_is_no_measurement() -> None:
    with pytest.raises(LLMUnavailable):
        asyncio.run(Asked(Away(0)).supports([((FREEZER,), "x")]))


def test_claims_of_several_texts_are_one_list_without_repetition() -> None:
    judge, _ = asking(lambda text: "- It is cold.\n- " + between(text, "text"))
    assert asyncio.run(judge.claims("q?", ["one", "two"])) == ("It is cold.", "one", "two")
    assert asyncio.run(judge.claims("q?", [])) == ()


def test_many_pairs_are_asked_a_few_at_once_and_progress_is_told() -> None:
    judge, _ = asking(lambda _: "tie")
    seen: list[int] = []
    said = asyncio.run(
        judge.preferred(
            [Pair(str(i), "q?", "a", "b") for i in range(40)],
            lambda _stage, done, _total: seen.append(done),
        )
    )
    assert [one.winner for one in said] == ["tie"] * 40
    assert seen == [16, 32, 40]


def test_the_judges_have_names() -> None:
    assert (Words().name, asking(str)[0].name) == (WORDS, "scripted")
    assert distinct(["a", "A ", "b"]) == ("a", "b")
