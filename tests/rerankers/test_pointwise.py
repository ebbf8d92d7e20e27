"""One passage per prompt: likelier answers stand first, and an uninformed model changes nothing."""

import asyncio
import math
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.errors import LLMUnavailable
from rag.flows import Budget, Driven, Question, Reply, drive
from rag.llms.scripted import ScriptedLLM
from rag.values import Choose, Chosen, Message, Score, Scored
from rerankers.ordering import Ordering, Ranker
from rerankers.pointwise import graded, query_likelihood, rating, yes_no
from rerankers.recipes import CHAT, LEVELS, PLAIN, QWEN3_RERANKER, YES_NO, Level, YesNo

METHODS: dict[str, Callable[..., Ranker]] = {
    "yes_no": yes_no,
    "query_likelihood": query_likelihood,
    "graded": graded,
    "peak": lambda q, p, **more: graded(q, p, readout="peak", **more),
    "rating": rating,
}
EVERY = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
LOGPROBS = st.floats(-60, -0.01)


def passages(count: int) -> list[str]:
    return [f"passage <{i}> says {{query}} and {{0}}" for i in range(count)]


def number(request: Choose | Score) -> int:
    """The number of the passage that a request is about."""
    text = "".join(message.content for message in request.prompt)
    return int(text.partition("passage <")[2].partition(">")[0])


def knows(relevance: Sequence[float]) -> ScriptedLLM:
    """A model whose answers rise with the relevance (0..1) of the passage asked about."""

    def choose(request: Choose) -> Chosen:
        good = math.log(0.05 + 0.9 * relevance[number(request)])
        bad = math.log(0.95 - 0.9 * relevance[number(request)])
        fine = {"yes", "Yes", "4"}
        return Chosen(tuple(good if label in fine else bad for label in request.labels))

    def score(request: Score) -> Scored:
        value = relevance[number(request)]
        if request.continuation == "Highly Relevant":
            return Scored(3 * (value - 1), 3)
        if request.continuation in {"Somewhat Relevant", "Not Relevant"}:
            return Scored(-3 * value, 3)
        return Scored(-10 * (1 - value), 5)

    return ScriptedLLM(choose, score)


def run(flow: Ranker, llm: ScriptedLLM, calls: float = 999) -> Driven[Ordering]:
    return asyncio.run(drive(flow, llm, Budget(calls)))


@EVERY
@given(relevance=st.lists(st.integers(0, 6).map(lambda n: n / 6), min_size=2, max_size=12))
@settings(max_examples=10, deadline=None)
def test_what_the_model_prefers_stands_first_and_scores_say_so(
    method: Callable[..., Ranker], relevance: list[float]
) -> None:
    driven = run(method("query?", passages(len(relevance))), knows(relevance))
    expected = sorted(range(len(relevance)), key=lambda i: (-relevance[i], i))
    assert driven.result.order == tuple(expected)
    assert driven.cost.depth == 1
    by_rank = [driven.result.scores[i] for i in driven.result.order]
    assert by_rank == sorted(by_rank, reverse=True)
    assert all(math.isfinite(score) for score in by_rank)
    assert (driven.result.missing, dict(driven.result.findings)) == (0, {})


@EVERY
@pytest.mark.parametrize("count", [0, 1, 2, 7])
def test_an_uninformed_model_changes_nothing(method: Callable[..., Ranker], count: int) -> None:
    llm = ScriptedLLM()
    driven = run(method("query?", passages(count)), llm)
    assert driven.result.order == tuple(range(count))
    if count < 2:
        assert llm.history == []
        assert driven.result == Ordering(tuple(range(count)))
    else:
        assert len(set(driven.result.scores)) == 1


@EVERY
def test_what_was_read_before_the_end_stands_before_the_rest(
    method: Callable[..., Ranker],
) -> None:
    relevance = [0.1, 0.5, 0.2, 0.9, 1.0, 0.95]
    per_passage = 3 if method in (METHODS["graded"], METHODS["peak"]) else 1
    flow = method("query?", passages(6), chunk=2)
    driven = run(flow, knows(relevance), 4 * per_passage)
    assert driven.result.order == (3, 1, 2, 0, 4, 5)
    assert driven.result.scores == ()
    assert driven.result.findings == {"unread": 2.0}
    assert driven.error is not None
    assert driven.cost.depth == 2


@EVERY
def test_a_model_that_never_answers_changes_nothing(method: Callable[..., Ranker]) -> None:
    def down(request: Choose | Score) -> Chosen:
        raise LLMUnavailable(f"gone: {request}")

    driven = run(method("query?", passages(3)), ScriptedLLM(down, down))  # type: ignore[arg-type]  # never returns
    assert driven.result == Ordering((0, 1, 2), findings={"unread": 3.0})


@EVERY
def test_chunks_change_the_depth_and_nothing_else(method: Callable[..., Ranker]) -> None:
    relevance = [i * 7 % 5 / 5 for i in range(9)]
    whole = run(method("query?", passages(9)), knows(relevance))
    parts = run(method("query?", passages(9), chunk=4), knows(relevance))
    assert whole.result == parts.result
    assert (whole.cost.depth, parts.cost.depth) == (1, 3)
    assert whole.cost.calls == parts.cost.calls


def answered(flow: Ranker, *replies: Reply) -> Ordering:
    """The ordering that a flow makes of one batch of replies."""
    next(flow)
    with pytest.raises(StopIteration) as stopped:
        flow.send(replies)
    ordering = stopped.value.value
    assert isinstance(ordering, Ordering)
    return ordering


def test_yes_is_the_share_of_its_spellings() -> None:
    logs = [math.log(p) for p in (0.3, 0.2, 0.1, 0.1)]
    one, other = Chosen(tuple(logs)), Chosen(tuple(reversed(logs)))
    ordering = answered(yes_no("q", ["a", "b"]), other, one)
    assert ordering.order == (1, 0)
    assert ordering.scores == pytest.approx((0.2 / 0.7, 0.5 / 0.7))


def test_nothing_reported_says_nothing_and_is_counted() -> None:
    nan, inf = math.nan, math.inf
    ordering = answered(
        yes_no("q", ["a", "b", "c"]),
        Chosen((None, -3.0, -0.1, None)),
        Chosen((None, None, nan, inf)),
        Chosen((-0.1, -3.0, None, None)),
    )
    assert ordering.order == (2, 1, 0)
    assert ordering.scores[1] == 0.5
    assert ordering.missing == 8


@given(LOGPROBS)
def test_a_side_not_reported_has_no_more_than_what_is_left(yes: float) -> None:
    likely = Chosen((yes, None, None, None))
    ordering = answered(yes_no("q", ["a", "b"]), likely, Chosen((None, None, yes, None)))
    assert ordering.order == (0, 1)
    least = max(math.exp(yes), 1 / (1 + math.exp(-1)))
    assert ordering.scores[0] >= least - 1e-9
    assert ordering.scores[0] + ordering.scores[1] == pytest.approx(1)


def test_log_odds_that_are_too_far_apart_for_probabilities_still_order() -> None:
    sure, surer = Chosen((-0.0, -90.0, -900.0, -950.0)), Chosen((-0.0, -90.0, -990.0, -999.0))
    ordering = answered(yes_no("q", ["a", "b"]), sure, surer)
    assert ordering.order == (1, 0)
    assert ordering.scores == (1.0, 1.0)


def test_prompts_of_one_query_share_what_stands_before_the_passage() -> None:
    for method in (yes_no, rating, graded):
        llm = ScriptedLLM()
        run(method("which?", ["one", "two"]), llm)
        first, last = (request.prompt[-1].content for request in (llm.history[0], llm.history[-1]))
        shared, _, _ = first.partition("one")
        assert last.startswith(shared)
        assert "which?" in shared


def test_the_query_is_scored_per_token() -> None:
    flow = query_likelihood("one two", ["a", "b"])
    ordering = answered(flow, Scored(-6.0, 2), Scored(-8.0, 4))
    assert (ordering.order, ordering.scores) == ((1, 0), (math.exp(-3), math.exp(-2)))


def test_a_likelihood_that_is_no_number_comes_last_and_is_counted() -> None:
    flow = query_likelihood("one", ["a", "b", "c"])
    ordering = answered(flow, Scored(math.nan, 2), Scored(-8.0, 4), Scored(-9.0, 3))
    assert (ordering.order, ordering.scores) == (
        (1, 2, 0),
        (math.exp(-4), math.exp(-2), math.exp(-3)),
    )
    assert ordering.missing == 1


def asked(flow: Ranker) -> Question:
    request = next(flow)[0]
    assert isinstance(request, Question)
    return request


def test_the_recipes_of_query_likelihood_begin_a_turn_or_not() -> None:
    texts = ["a {b}", "c"]
    assert asked(query_likelihood("which?", texts, CHAT)) == Score(
        (Message("user", "Passage: a {b}\n\nWrite a question that this passage answers."),),
        "which?",
    )
    begun = asked(query_likelihood("which?", texts, PLAIN))
    assert begun == Score((Message("assistant", "Passage: a {b}\nQuestion:"),), " which?")
    whole = asked(query_likelihood("which?", texts, PLAIN, forced=False))
    assert whole == Score((Message("user", "Passage: a {b}\nQuestion:"),), "which?")


def test_a_begun_answer_is_left_out_where_none_can_be_begun() -> None:
    recipe = YesNo((*YES_NO.messages, Message("assistant", "Answer:")), (" yes",), (" no",))
    for forced, roles in ((True, ["user", "assistant"]), (False, ["user"])):
        prompt = asked(yes_no("q", ["a", "b"], recipe, forced=forced)).prompt
        assert [message.role for message in prompt] == roles


def test_expected_relevance_is_the_mean_grade_on_a_scale_of_one() -> None:
    parts = [Scored(math.log(p) - 4, 3) for p in (0.2, 0.3, 0.5, 0.6, 0.4, 1e-12)]
    ordering = answered(graded("q", ["a", "b"], LEVELS), *parts)
    assert ordering.order == (0, 1)
    assert ordering.scores == pytest.approx(((0.3 * 1 + 0.5 * 2) / 2, 0.4 * 1 / 2))


def test_values_of_levels_may_begin_and_end_anywhere() -> None:
    levels = (Level("bad", -1), Level("good", 3))
    parts = [Scored(math.log(p), 1) for p in (0.25, 0.75, 0.5, 0.5)]
    assert answered(graded("q", ["a", "b"], levels), *parts).scores == pytest.approx((0.75, 0.5))


def test_the_peak_is_the_log_likelihood_of_the_best_level() -> None:
    parts = [Scored(-p, 3) for p in (9.0, 9.0, 5.0, 1.0, 1.0, 4.0)]
    ordering = answered(graded("q", ["a", "b"], readout="peak"), *parts)
    assert (ordering.order, ordering.scores) == ((1, 0), (-5.0, -4.0))


def test_a_peak_that_was_not_reported_is_not_the_best() -> None:
    nothing = Chosen((None,) * 5)
    ordering = answered(
        rating("q", ["a", "b"], readout="peak"), nothing, Chosen((-1.0, -2.0, -3.0, -4.0, -5.0))
    )
    assert (ordering.order, ordering.missing) == ((1, 0), 5)


def test_ratings_are_digits_from_nothing_to_the_top() -> None:
    request = asked(rating("q", ["a", "b"], top=2))
    assert isinstance(request, Choose)
    assert request.labels == ("0", "1", "2")
    logs = [math.log(p) for p in (0.1, 0.2, 0.7)]
    ordering = answered(rating("q", ["a", "b"], top=2), Chosen(tuple(logs)), Chosen((None,) * 3))
    assert ordering.scores == pytest.approx(((0.2 + 1.4) / 2, 0.5))


QWEN3 = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n"
    "{% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n"
    "{% endif %}{% endif %}"
)


@pytest.mark.model
def test_qwen3_reranker_reads_the_layout_it_was_trained_on() -> None:
    from rag.llms.rendering import Renderer
    from tests.rag.llms.tiny import tokenizer

    request = asked(yes_no("what boils?", ["Water boils.", "Ice."], QWEN3_RERANKER))
    assert isinstance(request, Choose)
    assert request.labels == ("yes", "no")
    assert Renderer(tokenizer("bytes", QWEN3)).text(request.prompt) == (
        "<|im_start|>system\nJudge whether the Document meets the requirements based on the Query "
        'and the Instruct provided. Note that the answer can only be "yes" or "no".<|im_end|>\n'
        "<|im_start|>user\n<Instruct>: Given a web search query, retrieve relevant passages that "
        "answer the query\n<Query>: what boils?\n<Document>: Water boils.<|im_end|>\n"
        "<|im_start|>assistant\n<think>\n\n</think>\n\n"
    )
