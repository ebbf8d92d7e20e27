"""Words that say something count by their weight, and look-alikes count in part."""

from hypothesis import given
from hypothesis import strategies as st

from rag.verify.overlap import Packed, alike, contained, mixed

LAMPS = ["The lamp burns oil.", "The lamp is old.", "A lamp hangs by the door.", "Dogs bark."]
WORDS = st.text(alphabet="abcdefgh", min_size=1, max_size=9)


def test_a_copy_is_held_whole_and_a_stranger_not_at_all() -> None:
    packed = Packed(LAMPS)
    assert contained(LAMPS[0], [LAMPS[0]], packed) == 1.0
    assert contained(LAMPS[0], [LAMPS[3]], packed) == 0.0
    assert contained("The of and.", LAMPS, packed) == 0.0


def test_what_all_sentences_share_tells_little() -> None:
    packed = Packed(LAMPS)
    assert contained("oil lamp", ["some oil"], packed) > contained("oil lamp", ["a lamp"], packed)
    alone = Packed([])
    assert contained("oil lamp", ["some oil"], alone) == contained("oil lamp", ["a lamp"], alone)


def test_other_endings_count_in_part() -> None:
    part = contained("infected lungs", ["infections of the lung"], Packed([]))
    assert 0.5 < part < 1.0


def test_evidence_adds_up() -> None:
    packed = Packed(LAMPS)
    assert contained("oil lamp dogs", LAMPS, packed) == 1.0
    assert contained("oil lamp dogs", LAMPS[:1], packed) < 1.0


@given(WORDS, WORDS)
def test_likeness_is_symmetric_and_whole_for_the_same(one: str, other: str) -> None:
    assert alike(one, other) == alike(other, one)
    assert 0.0 <= alike(one, other) <= alike(one, one) == 1.0


@given(st.lists(WORDS, max_size=8), st.lists(WORDS, max_size=8), st.floats(-1, 1))
def test_scores_lie_between_nothing_and_all(ours: list[str], theirs: list[str], cos: float) -> None:
    text, evidence = " ".join(ours), " ".join(theirs)
    lexical = contained(text, [evidence], Packed([evidence, text]))
    assert 0.0 <= lexical <= 1.0 + 1e-9
    assert 0.0 <= mixed(lexical, cos) <= 1.0 + 1e-9
