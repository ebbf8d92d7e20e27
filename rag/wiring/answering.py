"""How answers are made, from the settings."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from rag.abstain import Calibrated, Floor, Gate
from rag.answering.answering import USUAL, Answering
from rag.answering.attribute_first import AttributeFirst
from rag.answering.ensemble import Ensemble
from rag.answering.extractive import Extractive
from rag.answering.finishing import Checking
from rag.answering.gates import sufficient
from rag.answering.inline import Inline
from rag.answering.model import Model
from rag.answering.quote_first import QuoteFirst
from rag.answering.room import room
from rag.answering.writer import Writer
from rag.calibration_file import read_calibration
from rag.errors import BadSettings, RagError
from rag.flows import Budget, drive
from rag.packing import Packing
from rag.parts import Window
from rag.quoting.choosing import Limits
from rag.quoting.scored import Scored, Scorer
from rag.seams import LLM, Encoder
from rag.sections import AnswerSettings
from rag.values import Cost, Query
from rag.verify.doubts import Ask, Told, by_flow
from rag.verify.entailment import Claimed, entailed
from rag.verify.reverse import likelier

if TYPE_CHECKING:
    from rerankers.cross_encoder import CrossEncoderScorer

GiveLLM: TypeAlias = Callable[[], Awaitable[LLM]]
GiveScorer: TypeAlias = Callable[[], Awaitable["CrossEncoderScorer"]]


def answering(
    answer: AnswerSettings, encoder: Encoder, llm: GiveLLM, cross_encoder: GiveScorer
) -> Answering:
    """Return the generator that the settings describe; no model is loaded yet.

    Raises:
        BadSettings: the file of `answer.calibration` is missing, damaged, or of another encoder;
            or there is no model for `answer.verify`.
    """
    limits = Limits(answer.sentences, answer.words)
    model = Model(llm, answer.max_tokens, answer.seconds, limits, answer.samples)
    writers: Mapping[str, Writer] = {
        "extractive": Extractive(limits, _scorer(answer, llm, cross_encoder)),
        "inline": Inline(model, encoder),
        "attribute-first": AttributeFirst(model),
        "quote-first": QuoteFirst(model),
        "ensemble": Ensemble(model, encoder),
    }
    gates = [_gate(answer, encoder)]
    if answer.sufficient:
        gates.append(sufficient(model, answer.sufficient))
    checking = Checking(answer.policy, answer.verified, _ask(answer, llm))
    return Answering(encoder, gates, writers, answer.generator, checking)


def packing(answer: AnswerSettings) -> Packing:
    """Return what may be packed for an answer."""
    return Packing(
        answer.passages, answer.tokens, answer.per_document, answer.passage_floor, answer.order
    )


def window(answer: AnswerSettings, llm: GiveLLM) -> Window:
    """Return what bounds a packing by the window of the model that will read it.

    Where the model cannot be had, nothing is bounded: quoting will take its place.
    """

    async def bounded(query: Query, usual: Packing) -> Packing:
        if (query.handled.generator or answer.generator) == USUAL:
            return usual
        try:
            return room(query, usual, await llm(), answer.max_tokens, answer.sentences)
        except RagError:
            return usual

    return bounded


def _gate(answer: AnswerSettings, encoder: Encoder) -> Gate:
    if not answer.calibration:
        return Floor(answer.floor)
    fingerprint = encoder.spec.fingerprint
    return Calibrated(read_calibration(Path(answer.calibration), fingerprint), encoder)


def _scorer(answer: AnswerSettings, llm: GiveLLM, cross_encoder: GiveScorer) -> Scorer | None:
    """Return what scores sentences; its model is opened when first asked."""
    if not answer.scorer:
        return None

    async def by_likelihood(question: str, sentences: Sequence[str]) -> Scored:
        from rerankers.pointwise import query_likelihood

        model = await llm()
        flow = query_likelihood(question, sentences, forced=model.spec.continues)
        driven = await drive(flow, model, Budget(seconds=answer.seconds))
        return Scored(driven.result.scores, driven.cost)

    async def by_cross_encoder(question: str, sentences: Sequence[str]) -> Scored:
        return Scored(await (await cross_encoder()).score(question, sentences))

    return by_likelihood if answer.scorer == "query-likelihood" else by_cross_encoder


def _ask(answer: AnswerSettings, llm: GiveLLM) -> Ask | None:
    if answer.verify == "nli":
        return _by_nli(answer.nli_model)
    budget = Budget(seconds=answer.seconds)
    if answer.verify == "entailment":
        return by_flow(entailed, llm, budget)
    return by_flow(likelier, llm, budget) if answer.verify == "reverse" else None


def _by_nli(name: str) -> Ask:
    """Return what asks the NLI model, which is loaded now.

    Raises:
        BadSettings: it has no name.
        ModelUnavailable: it cannot be loaded.
    """
    if not name:
        raise BadSettings("answer.verify is nli, but answer.nli_model names none")
    from rag.verify.nli import Nli  # imports torch: seconds

    nli = Nli(name)

    async def ask(claims: Sequence[Claimed]) -> Told:
        return await nli.entailed(claims), Cost()

    return ask
