"""A draft knows its sentences, and each of them what it cites."""

import pytest
from hypothesis import given, settings

from rag.citing.markers import read
from rag.citing.structure import Claim, Draft, structure
from rag.values import Candidate, Chunk, Passage
from tests.rag.citing.written import WRITTEN


def passage(ref: int, document: str = "") -> Passage:
    name = document or f"d{ref}"
    chunk = Chunk(f"c{ref}", name, "text", 0, 4, title=name.upper(), source=f"{name}.md")
    return Passage(ref, Candidate(chunk, 1.0, {}))


PASSAGES = tuple(passage(ref) for ref in (1, 2, 3, 4, 5))


def cited(draft: Draft) -> list[tuple[str, list[int]]]:
    return [(claim.text, [each.ref for each in claim.passages]) for claim in draft.claims]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("It lasts [1]. It hums [2].", [("It lasts.", [1]), ("It hums.", [2])]),
        ("It lasts. [1] It hums. [2]", [("It lasts.", [1]), ("It hums.", [2])]),
        ("It lasts.[1][2] It hums.", [("It lasts.", [1, 2]), ("It hums.", [])]),
        ("It lasts.\n[1]\n\nIt hums.\n\n[2]", [("It lasts.", [1]), ("It hums.", [2])]),
        ("- It lasts [1]\n- [2] It hums\n", [("It lasts", [1]), ("It hums", [2])]),
        ("1. It lasts. [1]\n2. It hums. [2]", [("It lasts.", [1]), ("It hums.", [2])]),
        ("[2] It lasts. It hums.", [("It lasts.", [2]), ("It hums.", [])]),
        ("It [1] lasts [2], e.g. 3.5 hours [1].", [("It lasts, e.g. 3.5 hours.", [1, 2])]),
        ("Dr. Smith [1] paid $3.50 [2].", [("Dr. Smith paid $3.50.", [1, 2])]),
        ("猫坐在垫子上[1]。狗在外面跑。【2】", [("猫坐在垫子上。", [1]), ("狗在外面跑。", [2])]),
        ("| it lasts [1] |\n|---|\n| it hums [2] |", [("it lasts |", [1]), ("it hums |", [2])]),
        ("# Cold [3]\nIt lasts.", [("It lasts.", [3])]),
        ("It lasts.\n\n# Cold [3]", [("It lasts.", [3])]),
        ("It lasts [9].", [("It lasts.", [])]),
        ("[1]", []),
        ("", []),
    ],
)
def test_a_sentence_keeps_its_markers(written: str, expected: list[tuple[str, list[int]]]) -> None:
    assert cited(structure(written, PASSAGES)) == expected


def test_a_sentence_cites_no_more_than_allowed_and_none_twice() -> None:
    written = "It lasts [4][2][4][2, 1][3][5]. It hums [5][5]."
    assert [refs for _, refs in cited(structure(written, PASSAGES))] == [[4, 2, 1], [5]]
    assert [refs for _, refs in cited(structure(written, PASSAGES, most=1))] == [[4], [5]]


def test_references_are_documents_in_the_order_of_their_first_appearance() -> None:
    passages = (passage(1, "a"), passage(2, "b"), passage(3, "a"), passage(4, "c"))
    draft = structure("It lasts [2]. It hums [3][1]. So [2].", passages)
    assert [(one.ref, one.document_id, one.title, one.source) for one in draft.references] == [
        (1, "b", "B", "b.md"),
        (2, "a", "A", "a.md"),
    ]
    assert [draft.ref(passages[i]) for i in (0, 1, 2)] == [2, 1, 2]
    with pytest.raises(KeyError):
        draft.ref(passages[3])


def test_what_the_request_does_not_know_is_counted() -> None:
    assert structure("It lasts [9]. It hums [1][8].", PASSAGES).dropped == 2


@given(WRITTEN)
@settings(deadline=None, max_examples=200)
def test_sentences_are_verbatim_in_order_and_every_citation_belongs_to_one(written: str) -> None:
    draft = structure(written, PASSAGES, most=99)
    marked = read(written, {1, 2, 3, 4, 5})
    assert draft.text == marked.text
    end = 0
    for claim in draft.claims:
        assert end <= claim.start < claim.end
        assert draft.text[claim.start : claim.end] == claim.text
        end = claim.end
    kept = {each.ref for claim in draft.claims for each in claim.passages}
    assert not draft.claims or kept == {ref for mark in marked.marks for ref in mark.refs}
    documents = {one.document_id for one in draft.references}
    assert documents == {f"d{ref}" for ref in kept}


@given(WRITTEN)
@settings(deadline=None, max_examples=100)
def test_a_draft_written_again_is_the_same_without_citations(written: str) -> None:
    draft = structure(written, ())
    again = structure(draft.text, ())
    if read(draft.text, {1, 2, 3}).text == draft.text:
        bare = [Claim(claim.text, claim.start, claim.end) for claim in draft.claims]
        assert list(again.claims) == bare
