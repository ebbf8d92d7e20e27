"""Encoders in training: what stands against what, gradients in parts, and that they learn."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from indexers.encoders.dense import DenseEncoder
from indexers.training.contrast import PULLS, Contrast, Pairing, teach
from indexers.training.courses import PairingCourse, looking
from rag.errors import BadInput
from rag.training.drawing import Drawing
from rag.training.values import Group, Passage
from tests.indexers.encoders.tiny import tiny

PAIRS = [
    Pairing(
        "how long does the freezer stay",
        ("nine hours", "a lighthouse"),
        1,
        frozenset({"nine hours"}),
    ),
    Pairing(
        "who keeps the light",
        ("a lighthouse keeper said", "37 of 120 cases"),
        1,
        frozenset({"a lighthouse keeper said"}),
    ),
    Pairing(
        "jeudi",
        ("La réunion de jeudi", "spaniels are welcome aboard"),
        1,
        frozenset({"La réunion de jeudi"}),
    ),
]
SCORED = [Pairing(one.query, one.passages, 1, one.known, (0.9, 0.1)) for one in PAIRS]


def contrast(objective: str = "infonce", tokens: int = 4_096) -> Contrast:
    return teach(str(tiny()), objective=objective, tokens=tokens)


def grads(of: Contrast) -> dict[str, torch.Tensor]:
    return {name: one.grad.clone() for name, one in of.trained() if one.grad is not None}


@pytest.mark.parametrize("objective", ["infonce", "soft-nearest+graded"])
def test_however_much_goes_through_at_a_time_the_gradient_is_the_same(objective: str) -> None:
    whole, parts = contrast(objective), contrast(objective, tokens=24)
    for module in (*whole.model.modules(), *parts.model.modules()):
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0  # masks depend on what goes through together
    assert parts.learn(PAIRS) == pytest.approx(whole.learn(PAIRS), rel=2e-2)
    mine, theirs = grads(parts), grads(whole)
    assert mine.keys() == theirs.keys()
    for name, grad in theirs.items():
        assert float((mine[name] - grad).norm()) <= 0.08 * float(grad.norm()) + 1e-4, name


@pytest.mark.parametrize("objective", sorted(PULLS))
def test_every_objective_brings_queries_to_their_passages(objective: str) -> None:
    pupil = contrast(objective)
    optimizer = torch.optim.AdamW([one for _, one in pupil.trained()], lr=1e-3)
    own = [(margin(pupil, one)) for one in PAIRS]
    for _ in range(60):
        optimizer.zero_grad()
        pupil.learn(SCORED)
        optimizer.step()
    assert min(margin(pupil, one) for one in PAIRS) > max(0.0, min(own) - 1e-6)
    assert sum(margin(pupil, one) for one in PAIRS) > 0.01


def margin(pupil: Contrast, one: Pairing) -> float:
    right, wrong = pupil.encoded(one.passages, "document") @ pupil.encoded([one.query], "query")[0]
    return float(right - wrong)


def test_a_look_is_what_ranking_the_whole_pool_is_worth() -> None:
    pupil = contrast()
    groups = [
        Group(
            one.query,
            one.query,
            tuple(Passage(t, t, int(i == 0)) for i, t in enumerate(one.passages)),
        )
        for one in PAIRS
    ]
    optimizer = torch.optim.AdamW([one for _, one in pupil.trained()], lr=1e-3)
    look = looking(pupil, groups)
    assert 0.3 < look() < 1
    for _ in range(25):
        optimizer.zero_grad()
        pupil.learn(PAIRS)
        optimizer.step()
    assert look() == 1


def test_a_passage_that_is_relevant_is_nobodys_negative_for_that_query() -> None:
    both = frozenset({"nine hours", "a lighthouse keeper said"})
    one, other = PAIRS[0], PAIRS[1]
    known = Pairing(one.query, one.passages, 1, both)
    pupil = contrast()
    pupil.model.eval()
    ids: dict[tuple[str, str], list[int]] = {}
    for kind, texts in (
        ("query", [one.query, other.query]),
        ("document", [*one.passages, *other.passages]),
    ):
        ids |= pupil._ids(texts, kind)
    vectors = dict(zip(ids, pupil._vectors(list(ids.values())), strict=True))
    scores = pupil._scores(vectors, [known, other])
    row = scores.all[0].tolist()
    texts = [*one.passages, *other.passages]
    assert row[texts.index("a lighthouse keeper said")] == -torch.inf
    assert row[texts.index("37 of 120 cases")] > -torch.inf
    assert scores.relevant[0].tolist() == [True, False, False, False]


def test_misleading_descriptions_stand_against_the_query() -> None:
    wrong = [
        Pairing(one.query, one.passages, 1, one.known, misleading=(f"{one.passages[0]} not",))
        for one in PAIRS
    ]
    pupil = contrast()
    pupil.model.eval()
    assert contrast().learn(wrong) > contrast().learn(PAIRS)
    optimizer = torch.optim.AdamW([one for _, one in pupil.trained()], lr=1e-3)
    for _ in range(30):
        optimizer.zero_grad()
        pupil.learn(wrong)
        optimizer.step()
    right = pupil.encoded([one.query for one in PAIRS], "query")
    bad = pupil.encoded([one.misleading[0] for one in wrong], "query")
    passages = pupil.encoded([one.passages[0] for one in PAIRS], "document")
    assert bool(((right * passages).sum(1) > (bad * passages).sum(1)).all())


def test_a_query_has_the_models_own_prompt_and_a_long_text_is_cut() -> None:
    pupil = contrast()
    ids = pupil._ids(["freezer"], "query") | pupil._ids(["freezer"], "document")
    assert len(ids["query", "freezer"]) > len(ids["document", "freezer"])
    long = contrast()._ids(["freezer " * 500], "document")
    assert max(map(len, long.values())) == 64


def test_an_unknown_objective_is_refused() -> None:
    with pytest.raises(BadInput, match="'triplet' is no objective of encoders: infonce"):
        contrast("infonce+triplet")


async def _vectors(folder: Path, texts: Sequence[str]) -> torch.Tensor:
    encoder = DenseEncoder(str(folder), "fp32")
    try:
        return torch.tensor(await encoder.encode(texts, "query"))
    finally:
        encoder.close()


def test_what_is_written_encodes_as_it_was_trained_and_is_another_encoder(tmp_path: Path) -> None:
    pupil = contrast()
    optimizer = torch.optim.AdamW([one for _, one in pupil.trained()], lr=1e-3)
    pupil.learn(PAIRS)
    optimizer.step()
    (tmp_path / "made").mkdir()
    pupil.save(tmp_path / "made")
    queries = [one.query for one in PAIRS]
    found = asyncio.run(_vectors(tmp_path / "made", queries))
    cosines = (found * pupil.encoded(queries, "query")).sum(1)
    assert float(cosines.min()) > 0.999
    before, after = DenseEncoder(str(tiny()), "fp32"), DenseEncoder(str(tmp_path / "made"), "fp32")
    assert before.spec.fingerprint.split("@")[1] != after.spec.fingerprint.split("@")[1]
    before.close()
    after.close()


GROUPS = [
    Group(
        str(i),
        f"query {i}",
        (
            Passage(f"{i}a", f"one {i}", 1),
            Passage(f"{i}b", f"two {i}", 1),
            *(Passage(f"{i}n{j}", f"not {i} {j}") for j in range(6)),
        ),
    )
    for i in range(5)
]


def test_an_update_holds_each_query_once_with_a_positive_and_its_hardest() -> None:
    course = PairingCourse(Drawing(GROUPS), 4, batch=4, hard=2, depth=3)
    for update in range(4):
        lessons = course.lessons(update)
        assert len({one.query for one in lessons}) == len(lessons)
        for one in lessons:
            i = one.query.split()[1]
            assert one.passages[0] in {f"one {i}", f"two {i}"}
            assert set(one.passages[1:]) <= {f"not {i} {j}" for j in range(3)}
            assert len(one.passages) == 3
            assert one.known == {f"one {i}", f"two {i}"}
    assert course.lessons(1) == PairingCourse(Drawing(GROUPS), 4, 4, 2, 3).lessons(1)
    every = PairingCourse(Drawing(GROUPS), 4, batch=4, hard=1, every=True).lessons(0)
    assert all(one.positives == 2 and len(one.passages) == 3 for one in every)


def test_nothing_to_look_at_is_refused() -> None:
    with pytest.raises(BadInput, match="nothing to look at"):
        looking(contrast(), [])
