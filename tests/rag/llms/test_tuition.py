"""Lessons: read as the model is read in use, learnt from in any number of parts, saved by name."""

import asyncio
import copy
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from rag.cores import native_bf16
from rag.errors import BadPrompt, OutOfMemory
from rag.llms.loading import opened
from rag.llms.teaching import Means, teach
from rag.llms.tuition import Tuition
from rag.training.lessons import Lesson, Question, Read
from rag.values import Choose, Message, Prompt, Score
from tests.rag.llms import tiny

LETTERS = ("A", "B", "C")


def prompt(text: str) -> Prompt:
    return (Message("user", text), Message("assistant", "["))


def pupil(tokens: int = 2_048, window: int = 512) -> Tuition:
    model = copy.deepcopy(tiny.model(window=window))
    return Tuition(model, tiny.tokenizer(), 1, window, tokens)


def answered(read: Sequence[Read]) -> torch.Tensor:
    return torch.stack([one.labels.softmax(0)[0] for one in read]).log().mean().neg()


def lesson(*texts: str) -> Lesson:
    return Lesson(tuple(Question(prompt(text), LETTERS) for text in texts), answered)


def grads(of: Tuition) -> dict[str, torch.Tensor]:
    return {name: one.grad.clone() for name, one in of.trained() if one.grad is not None}


LESSONS = [
    lesson("Which freezer?", "Which of the passages answers the question best?", "A"),
    lesson("boils at 100 degrees"),
    lesson("Die Fähre", "le bateau part à huit heures"),
]


def test_it_reads_labels_and_texts_as_the_model_in_use_does() -> None:
    asyncio.run(_compared())


async def _compared() -> None:
    llm = tiny.local_llm()
    texts = ["Which freezer?", "A longer one: answers the question best"]
    questions = [Question(prompt(text), LETTERS, "A] > [B]") for text in texts]
    found = pupil().read(questions)
    chosen = await llm.choose([Choose(prompt(text), LETTERS) for text in texts])
    scored = await llm.score([Score(prompt(text), "A] > [B]") for text in texts])
    near = 0.05 if native_bf16() else 1e-4
    for read, letters, text in zip(found, chosen, scored, strict=True):
        assert read.labels.tolist() == pytest.approx(letters.logprobs, abs=near)
        assert float(read.tokens.sum()) == pytest.approx(text.logprob, abs=near * text.tokens)
        assert len(read.tokens) == text.tokens
    await llm.close()


def test_a_turn_that_ends_is_read_to_its_end() -> None:
    (open_, closed) = pupil().read(
        [Question(prompt("a"), (), "B]"), Question(prompt("a"), (), "B]", ends=True)]
    )
    assert len(closed.tokens) == len(open_.tokens) + 1


@pytest.mark.parametrize("tokens", [1, 60, 150, 10_000])
def test_however_many_tokens_go_through_at_a_time_the_gradient_is_the_same(tokens: int) -> None:
    whole, parts = pupil(100_000), pupil(tokens)
    loss = whole.learn(LESSONS)
    assert parts.learn(LESSONS) == pytest.approx(loss, rel=2e-2)
    mine, theirs = grads(parts), grads(whole)
    assert mine.keys() == theirs.keys()
    for name, grad in theirs.items():
        scale = float(grad.norm()) + 1e-6
        assert float((mine[name] - grad).norm()) < 0.06 * scale, name


LONG = "The ferry leaves at eight, the freezer stays cold, and water boils at 100 degrees. " * 2
SHARING = lesson(f"{LONG}Which freezer?", f"{LONG}Which of the passages is best?", f"{LONG}A")


def test_what_questions_share_goes_through_once_with_the_same_gradient() -> None:
    seen: list[int] = []
    once, apart = pupil(), pupil(tokens=1)
    once.model.register_forward_pre_hook(
        lambda _model, _args, given: seen.append(given["input_ids"].numel()), with_kwargs=True
    )
    assert once.learn([SHARING, LESSONS[1]]) == pytest.approx(
        apart.learn([SHARING, LESSONS[1]]), rel=2e-2
    )
    theirs = grads(apart)
    for name, grad in grads(once).items():
        assert float((grad - theirs[name]).norm()) < 0.06 * float(theirs[name].norm()) + 1e-6, name
    rows = [once.renderer.ids(one.prompt) for one in SHARING.questions]
    assert len(seen) == 3  # the beginning, what follows it, and the other lesson
    assert seen[0] > 0.5 * max(map(len, rows))
    assert sum(seen[:2]) < 0.7 * sum(map(len, rows))


def test_the_loss_is_the_mean_of_the_lessons() -> None:
    apart = [pupil().learn([one]) for one in LESSONS]
    assert pupil().learn(LESSONS) == pytest.approx(sum(apart) / len(apart), rel=1e-2)


def test_what_is_learnt_is_answered() -> None:
    learner = pupil()
    optimizer = torch.optim.AdamW([one for _, one in learner.trained()], lr=3e-3)
    before = learner.learn(LESSONS)
    for _ in range(20):
        optimizer.zero_grad()
        learner.learn(LESSONS)
        optimizer.step()
    assert learner.learn(LESSONS) < 0.2 < before
    (read,) = learner.read([Question(prompt("boils at 100 degrees"), LETTERS)])
    assert int(read.labels.argmax()) == 0


def test_memory_that_runs_out_halves_what_goes_through_and_nothing_is_learnt_twice() -> None:
    class Small(Tuition):
        def _read(self, rows: Sequence[object]) -> list[Read]:
            if len(rows) > 1:
                raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
            return super()._read(rows)  # type: ignore[arg-type]

    small = Small(copy.deepcopy(tiny.model()), tiny.tokenizer(), 1, 512, 4_096)
    whole = pupil()
    assert small.learn(LESSONS) == pytest.approx(whole.learn(LESSONS), rel=2e-2)
    theirs = grads(whole)
    for name, grad in grads(small).items():
        assert float((grad - theirs[name]).norm()) < 0.06 * float(theirs[name].norm()) + 1e-6

    class Nothing(Tuition):
        def _read(self, rows: Sequence[object]) -> list[Read]:
            del rows
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    with pytest.raises(OutOfMemory, match="one text at a time"):
        Nothing(tiny.model(), tiny.tokenizer(), 1, 512, 64).learn(LESSONS)


def test_a_question_that_does_not_fit_or_asks_nothing_is_refused() -> None:
    with pytest.raises(BadPrompt, match="shorten the texts"):
        pupil(window=40).learn([lesson("freezer " * 60)])
    with pytest.raises(BadPrompt, match="asks nothing"):
        pupil().learn([Lesson((Question(prompt("a")),), answered)])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tiny.model().save_pretrained(tmp_path / "base")
    tiny.tokenizer().save_pretrained(tmp_path / "base")
    return tmp_path / "base"


@pytest.mark.parametrize("lora", [0, 4])
def test_a_trained_model_loads_by_its_folder_and_says_what_it_learnt(
    folder: Path, tmp_path: Path, lora: int
) -> None:
    learner = teach(folder, Means(lora=lora))
    optimizer = torch.optim.AdamW([one for _, one in learner.trained()], lr=5e-3)
    for _ in range(12):
        optimizer.zero_grad()
        learner.learn(LESSONS)
        optimizer.step()
    questions = [Question(prompt("Which freezer?"), LETTERS)]
    (before,) = learner.read(questions)
    learner.save(tmp_path / "made")
    tokenizer, model = opened(tmp_path / "made")
    (after,) = Tuition(model, tokenizer, 1, 512).read(questions)
    assert after.labels.tolist() == pytest.approx(before.labels.tolist(), abs=0.05)
    _, base = opened(folder)
    changed = [
        name
        for name, one in model.state_dict().items()
        if not torch.equal(one, base.state_dict()[name])
    ]
    assert changed
    if lora:
        assert (tmp_path / "made" / "adapter" / "adapter_model.safetensors").is_file()
        assert all("proj" in name for name in changed)
        assert sum(one.numel() for _, one in learner.trained()) < 40_000


def test_recomputing_gives_the_same_gradient(folder: Path) -> None:
    plain, thrifty = teach(folder, Means(recompute=False)), teach(folder, Means(recompute=True))
    assert thrifty.learn(LESSONS) == pytest.approx(plain.learn(LESSONS), rel=1e-3)
    theirs = grads(plain)
    for name, grad in grads(thrifty).items():
        assert torch.allclose(grad, theirs[name], atol=1e-3 * float(theirs[name].abs().max()))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_on_cuda_it_learns_the_same(folder: Path) -> None:
    there, here = teach(folder, Means()), pupil()
    assert there.model.device.type == "cuda"
    assert there.learn(LESSONS) == pytest.approx(here.learn(LESSONS), rel=5e-2)
