"""Probes find what they are made to find, with any judge."""

import asyncio
from collections.abc import Callable, Sequence

import pytest

from eval.checking.probe_cases import fooled_cases, kept_cases
from eval.checking.probe_texts import FACTS, INSTRUCTION
from eval.checking.probing import choose, probe
from eval.checking.record import Fooled, Kept, Probes
from eval.data.qrels import QrelsJudge
from rag.errors import BadInput
from rag.values import Case, Judgment
from tests.eval.checking.judges import Grading, overlap

TOPICS = ("copper", "violin", "glacier", "harbour", "lantern", "meadow", "needle", "orchard")
GIVEN = tuple(
    Case(f"q{i}", f"what is a {word} used for", f"d{i}", f"The {word} serves many people. " * 12)
    for i, word in enumerate(TOPICS)
)


def probed(grade: Callable[[Case], int | None], count: int = 20) -> Probes:
    return asyncio.run(probe(lambda: Grading(grade), "j", GIVEN, count=count))


def kept(found: Probes, name: str) -> Kept:
    return next(each for each in found.kept if each.name == name)


def fooled(found: Probes, name: str) -> Fooled:
    return next(each for each in found.fooled if each.name == name)


def test_a_judge_of_keywords_is_gullible() -> None:
    found = probed(overlap)
    assert kept(found, "retest").same == 1
    assert fooled(found, "query").relevant == 1
    assert fooled(found, "query words").relevant == 1
    assert fooled(found, "instruction").relevant == 1
    assert fooled(found, "empty").above_0 == 0


def test_a_judge_that_obeys_is_fooled_by_the_instruction_alone() -> None:
    found = probed(lambda case: 3 if INSTRUCTION in case.text else 0)
    assert {each.name for each in found.fooled if each.relevant} == {"instruction"}
    assert fooled(found, "instruction").relevant == 1


def test_a_judge_that_calls_everything_relevant_does_so_without_any_trick() -> None:
    found = probed(lambda _case: 3)
    assert {each.relevant for each in found.fooled} == {1.0}
    assert {each.attack for each in found.fooled if each.name in {"irrelevant", "empty"}} == {False}


def test_a_moody_judge_fails_the_retest() -> None:
    moods = iter(range(10**6))
    found = probed(lambda _case: next(moods) % 3)
    retest = kept(found, "retest").same
    assert retest is not None
    assert retest < 0.95


def test_a_judge_that_remembers_is_asked_anew_each_time() -> None:
    """The first judge that is made says 0 to everything, every later one 1."""
    made = iter(range(10**6))

    def anew() -> Grading:
        mood = int(next(made) > 0)
        return Grading(lambda _case: mood)

    found = asyncio.run(probe(anew, "j", GIVEN))
    assert kept(found, "retest").same == 0


def test_a_judge_by_place_fails_the_order_and_keeps_the_retest() -> None:
    class ByPlace(Grading):
        async def judge(self, cases: Sequence[Case]) -> tuple[Judgment, ...]:
            graded = await super().judge(cases)
            return tuple(
                Judgment(one.query_id, one.document_id, place % 4)
                for place, one in enumerate(graded)
            )

    found = asyncio.run(probe(lambda: ByPlace(lambda _: 0), "j", GIVEN))
    assert kept(found, "retest").same == 1
    order = kept(found, "order").same
    assert order is not None
    assert order < 0.9


def test_a_judge_of_long_texts_is_seen_by_cutting_them() -> None:
    found = probed(lambda case: 3 if len(case.text.split()) > 40 else 0)
    assert kept(found, "first half").same == 0
    assert kept(found, "first words").shift == -3


def test_a_judge_that_reads_english_alone_is_seen_in_other_languages() -> None:
    found = probed(lambda case: 3 if {"the", "is", "has", "a"} & set(case.text.split()) else 0)
    for language in ("German", "French", "Spanish"):
        assert kept(found, language).cases == len(FACTS)
        shift = kept(found, language).shift
        assert shift is not None
        assert shift < -1


def test_failures_are_counted_and_are_no_grade() -> None:
    found = probed(lambda case: None if case.document_id.endswith("empty") else 7)
    assert found.failed == found.asked  # 7 is not on the scale
    assert fooled(found, "empty").failed == 20
    assert fooled(found, "query").relevant is None
    assert kept(found, "retest").same is None


def test_a_judge_that_only_knows_its_qrels_is_probed_as_far_as_it_goes() -> None:
    judge = QrelsJudge({case.query_id: {case.document_id: 1} for case in GIVEN})
    found = asyncio.run(probe(lambda: judge, "qrels", GIVEN))
    assert kept(found, "retest").same == 1
    assert fooled(found, "query").failed == fooled(found, "query").cases


def test_the_same_seed_asks_the_same() -> None:
    assert fooled_cases(GIVEN, 20, 3) == fooled_cases(GIVEN, 20, 3)
    assert fooled_cases(GIVEN, 20, 3) != fooled_cases(GIVEN, 20, 4)
    assert kept_cases(GIVEN, 3) == kept_cases(GIVEN, 3)


def test_irrelevant_passages_share_no_word_with_the_query_and_stuffed_ones_all() -> None:
    by_name = {each.name: each.cases for each in fooled_cases(GIVEN, 20, 0)}
    for case in by_name["irrelevant"]:
        topic = case.query.split()[3]
        assert topic not in case.text
    for case in by_name["query words"]:
        assert set(case.query.split()) <= set(case.text.split())
    for case in by_name["query"]:
        assert case.text.startswith(case.query)
    assert len({case.document_id for cases in by_name.values() for case in cases}) == 20 * 6


def test_every_fact_is_told_in_every_language() -> None:
    for fact in FACTS:
        assert [language for language, _ in fact.others] == ["German", "French", "Spanish"]
        assert len({fact.english, *(text for _, text in fact.others)}) == 4


def test_pairs_are_chosen_of_many_queries_by_turns_the_best_and_the_worst() -> None:
    qrels = {f"q{i}": {"bad": 0, "good": 3} for i in range(30)}
    pairs = choose(qrels, 20)
    assert len({query for query, _ in pairs}) == 20
    assert [document for _, document in pairs[:4]] == ["good", "bad", "good", "bad"]
    assert pairs == choose(qrels, 20)


def test_without_a_pair_nothing_can_be_probed() -> None:
    with pytest.raises(BadInput, match="probes need pairs of a collection"):
        asyncio.run(probe(lambda: Grading(overlap), "j", ()))
