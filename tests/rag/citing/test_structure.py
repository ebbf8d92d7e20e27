"""A draft knows its sentences, and each of them what it cites."""

from itertools import cycle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.citing.markers import read
from rag.citing.structure import Claim, Draft, Structuring, references, structure
from rag.values import Candidate, Chunk, Cut, Passage
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


def test_references_are_documents_numbered_as_the_passages_are_shown() -> None:
    passages = (passage(1, "a"), passage(2, "b"), passage(3, "a"), passage(4, "c"))
    assert [(r.ref, r.document_id, r.title, r.source) for r in references(passages).values()] == [
        (1, "a", "A", "a.md"),
        (2, "b", "B", "b.md"),
        (3, "c", "C", "c.md"),
    ]
    told = Structuring(passages)
    cuts = [one for one in (*told.feed("It hums [4][3][1]."), *told.close()) if one != "It hums."]
    assert cuts == [Cut(0, 8, (3, 1))]


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


@given(WRITTEN)
@settings(deadline=None, max_examples=100)
def test_a_draft_written_again_is_the_same_without_citations(written: str) -> None:
    draft = structure(written, ())
    again = structure(draft.text, ())
    if read(draft.text, {1, 2, 3}).text == draft.text:
        bare = [Claim(claim.text, claim.start, claim.end) for claim in draft.claims]
        assert list(again.claims) == bare


@given(WRITTEN, st.lists(st.integers(1, 9), min_size=1))
@settings(deadline=None, max_examples=200)
def test_what_is_told_depends_on_the_text_alone(written: str, sizes: list[int]) -> None:
    whole, parts = Structuring(PASSAGES), Structuring(PASSAGES)
    told = [*whole.feed(written), *whole.close()]
    pieces: list[str | Cut] = []
    rest = written
    for size in cycle(sizes):
        if not rest:
            break
        pieces += parts.feed(rest[:size])
        rest = rest[size:]
    pieces += parts.close()
    cuts = [one for one in told if isinstance(one, Cut)]
    assert [one for one in pieces if isinstance(one, Cut)] == cuts
    assert "".join(one for one in pieces if isinstance(one, str)) == whole.draft.text
    assert parts.draft == whole.draft
    spans = [(claim.start, claim.end) for claim in whole.draft.claims]
    assert [(cut.start, cut.end) for cut in cuts] == spans


def test_a_sentence_is_told_before_the_text_ends() -> None:
    writing = Structuring(PASSAGES)
    first = list(writing.feed("Dr. Smith paid 3.50 [2]. He left wi"))
    assert first == ["Dr. Smith paid 3.50. He left wi", Cut(0, 20, (2,))]


def test_no_text_hides_behind_a_sign_in_the_middle_of_a_line() -> None:
    for sign in ("#", "-", "|", "<b>", "![a](b)"):
        draft = structure(f"It lasts. {sign} It hums loudly.\nIt flies.", ())
        covered = " ".join(claim.text for claim in draft.claims)
        assert "It hums loudly" in covered, sign
