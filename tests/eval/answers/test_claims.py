"""Claims decomposed by hand, and the identity of RAGChecker's shares for any answer."""

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.answers.claims import Decomposition, Entailed, Held, decomposed, ungraded

SHARES = [one.name for one in fields(Decomposition) if one.name != "failed"]

# Three chunks: the first holds both claims of the reference, the second neither, the third one.
# Claims of the answer: right in 1; right in none; wrong in 1 and 2; wrong in 2; wrong in none.
EXAMPLE = Entailed(
    right=(True, True, False, False, False),
    reached=(True, False),
    found=(
        (True, False, False),
        (False, False, False),
        (True, True, False),
        (False, True, False),
        (False, False, False),
    ),
    given=((True, False, True), (True, False, False)),
)


def test_an_answer_is_decomposed_as_by_hand() -> None:
    found = decomposed(EXAMPLE)
    assert found.precision == 2 / 5
    assert found.recall == 1 / 2
    assert found.f1 == pytest.approx(2 * 0.4 * 0.5 / 0.9)
    assert found.claim_recall == 1
    assert found.context_precision == 2 / 3
    assert found.utilisation == 1 / 2
    # A claim in chunks of both kinds is out of a relevant one.
    assert found.noise_relevant == pytest.approx(1 / 5)
    assert found.noise_irrelevant == pytest.approx(1 / 5)
    assert found.hallucination == pytest.approx(1 / 5)
    assert found.self_knowledge == pytest.approx(1 / 5)
    assert found.faithfulness == 3 / 5
    assert found.failed == 0


def entailed(held: "st.SearchStrategy[Held]", least: int = 0) -> "st.SearchStrategy[Entailed]":
    """Return any answer over so many claims and chunks, none of which is of any other size."""

    def of(sizes: tuple[int, int, int]) -> "st.SearchStrategy[Entailed]":
        said, gold, chunks = sizes

        def several(n: int) -> "st.SearchStrategy[tuple[Held, ...]]":
            return st.tuples(*[held] * n)

        rows = several(chunks)
        return st.builds(
            Entailed,
            several(said),
            several(gold),
            st.tuples(*[rows] * said),
            st.tuples(*[rows] * gold),
        )

    size = st.integers(least, 5)
    return st.tuples(size, size, size).flatmap(of)


@given(entailed(st.booleans(), least=1))
def test_what_is_right_noise_and_made_up_is_all(each: Entailed) -> None:
    found = decomposed(each)
    parts = (found.precision, found.noise_relevant, found.noise_irrelevant, found.hallucination)
    assert sum(part for part in parts if part is not None) == pytest.approx(1)
    assert None not in parts
    assert found.faithfulness is not None
    assert found.self_knowledge is not None
    outside = (found.hallucination or 0) + found.self_knowledge
    assert found.faithfulness + outside == pytest.approx(1)


@given(entailed(st.sampled_from([True, False, None])))
def test_shares_are_shares_and_the_identity_holds_wherever_its_parts_are_known(
    each: Entailed,
) -> None:
    found = decomposed(each)
    for name in SHARES:
        share = getattr(found, name)
        assert share is None or -1e-9 <= share <= 1 + 1e-9
    parts = (found.precision, found.noise_relevant, found.noise_irrelevant, found.hallucination)
    if None not in parts:
        assert sum(part for part in parts if part is not None) == pytest.approx(1)
    rows = (each.right, each.reached, *each.found, *each.given)
    assert found.failed == sum(row.count(None) for row in rows)


def test_of_nothing_there_is_no_share() -> None:
    empty = decomposed(Entailed((), (), (), ()))
    assert {getattr(empty, name) for name in SHARES} == {None}


def test_an_answer_that_says_nothing_misses_what_should_be_said() -> None:
    silent = decomposed(Entailed((), (False,), (), ((True,),)))
    assert (silent.precision, silent.f1, silent.faithfulness) == (None, None, None)
    assert (silent.recall, silent.claim_recall, silent.utilisation) == (0, 1, 0)


def test_without_chunks_nothing_is_found_and_all_that_is_wrong_is_made_up() -> None:
    found = decomposed(Entailed((True, False), (True,), ((), ()), ((),)))
    assert (found.claim_recall, found.context_precision, found.faithfulness) == (0, None, 0)
    assert (found.hallucination, found.noise_relevant) == (0.5, 0)


def test_a_wrong_claim_whose_origin_is_unknown_does_not_make_the_answer_better() -> None:
    sure = decomposed(Entailed((True, False, False), (), ((True,), (True,), (False,)), ()))
    unsure = decomposed(Entailed((True, False, False), (), ((True,), (None,), (False,)), ()))
    assert sure.precision == unsure.precision == 1 / 3
    assert unsure.hallucination == pytest.approx(2 / 3)
    assert unsure.failed == 1


def test_a_wrong_claim_that_may_be_out_of_a_relevant_chunk_is_put_nowhere() -> None:
    found = decomposed(Entailed((False,), (True,), ((None, True),), ((True, False),)))
    assert found.precision == 0
    assert (found.noise_relevant, found.noise_irrelevant, found.hallucination) == (None,) * 3


def test_without_a_reference_there_is_faithfulness_alone() -> None:
    found = ungraded([[True, False], [None, False], [False, False]])
    assert found == Decomposition(faithfulness=0.5, failed=1)
