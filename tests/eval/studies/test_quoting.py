"""What is fitted is what people selected, and nothing is measured by a model that saw it."""

import numpy as np
import pytest

from eval.studies.clapnq import Asked, Passage
from eval.studies.quoting import SHUFFLES, Facts, Seen, facts_of, fit, held_out
from rag.citing.sentences import Span
from rag.quoting.lines import Line, Read
from rag.values import Candidate, Chunk
from rag.values import Passage as Packed

TEXT = "One stands here. Two stands here. Three stands here."
PLACES = ((0, 16), (17, 33), (34, 52))
SENTENCES = tuple(TEXT[start:end] for start, end in PLACES)
PASSAGES = {
    "p1": Passage(SENTENCES, PLACES, TEXT),
    "p2": Passage(tuple(s.replace("here", "there") for s in SENTENCES), PLACES, TEXT),
}


def seen(selected: int, name: str = "q") -> Seen:
    """Return a question of which people selected one sentence of p1, the nearest one."""
    lines = tuple(
        Line(
            Packed(1, Candidate(Chunk(f"{d}#0", d, TEXT, 0, len(TEXT)), 1.0, {})),
            Span(start, end),
            TEXT[start:end],
            (d, str(start)),
            cosine=0.9 if (d, n) == ("p1", selected) else 0.1,
        )
        for d in PASSAGES
        for n, (start, end) in enumerate(PLACES)
    )
    found = Read(lines, np.eye(len(lines), dtype=np.float32), np.zeros(len(lines), np.float32))
    asked = Asked(name, "?", True, (frozenset({SENTENCES[selected]}),))
    return Seen(asked, found, {}, "p1", (0.1,) * 3, 0.1)


def test_only_lines_of_quoted_documents_tell_which_lines_are_quoted() -> None:
    facts = facts_of(seen(1), PASSAGES)
    assert [label for _, label in facts.documents] == [True, False]
    assert [label for _, label in facts.lines] == [False, True, False]
    assert max(facts.lines, key=lambda fact: fact[0]["near"])[1]


def test_the_fitted_model_prefers_what_people_selected() -> None:
    told = [seen(n % 3) for n in range(12)]
    model = fit([facts_of(one, PASSAGES) for one in told])
    likely = model.probabilities(told[0].found)
    assert max(range(6), key=likely.__getitem__) == 0


def test_no_question_is_measured_by_a_model_that_was_fitted_on_it() -> None:
    # people select the nearest line, of the last question the farthest: only that one can tell
    usual = [seen(n % 3) for n in range(12)]
    odd = Facts(
        facts_of(usual[0], PASSAGES).documents,
        tuple((f, not label) for f, label in facts_of(usual[0], PASSAGES).lines) * 100,
    )
    told = [*usual, seen(2, "odd")]
    held = held_out(told, [*(facts_of(one, PASSAGES) for one in usual), odd], len(told))
    assert [len(one) for one in held] == [SHUFFLES] * len(told)
    assert all(lines[0] == 2 for lines in held[-1])
    assert all(lines[0] != n % 3 for n, one in enumerate(held[:-1]) for lines in one)


@pytest.mark.parametrize("parts", [2, 5])
def test_every_question_is_held_out_once_in_every_shuffle(parts: int) -> None:
    told = [seen(n % 3) for n in range(10)]
    held = held_out(told, [facts_of(one, PASSAGES) for one in told], parts)
    assert [len(one) for one in held] == [SHUFFLES] * 10
