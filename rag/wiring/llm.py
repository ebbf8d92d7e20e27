"""The language model of the settings: local or a server, with its cache and its accounts."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from rag.errors import BadSettings, RagError
from rag.seams import LLM
from rag.sections import LLMSettings
from rag.settings import Settings, models_folder, replies_folder
from rag.wiring.memory import for_good

if TYPE_CHECKING:
    from rag.llms.loading import Precision as TorchPrecision
    from rag.llms.local import LocalLLM
    from rag.llms.onnx.exported import Precision as OnnxPrecision
    from rag.llms.remembering import Kept


async def open_llm(settings: Settings) -> LLM:
    """Return the language model that the settings describe, with its cache of replies.

    Raises:
        ModelUnavailable: it is not installed or converted, or cannot be loaded.
        LLMUnavailable: the server of llm.url does not answer.
        BadSettings: the settings cannot be used.
    """
    from rag.llms.accounted import Accounted
    from rag.llms.remembering import Remembering

    of = settings.llm
    replies = _replies(settings) if of.replies_mb else None
    try:
        llm = await _connect(of) if of.url else await asyncio.to_thread(load_llm, settings)
    except RagError:
        if replies:
            await replies.close()
        raise
    return Accounted(Remembering(llm, replies) if replies else llm)


def _replies(settings: Settings) -> Kept:
    if settings.server.redis:
        from rag.llms.shared_replies import SharedReplies
        from rag.sharing import connect

        return SharedReplies(connect(settings.server.redis))
    from rag.llms.replies import Replies

    return Replies(replies_folder(settings), settings.llm.replies_mb)


async def _connect(of: LLMSettings) -> LLM:
    from rag.llms.remote import connect

    return await connect(
        of.url, of.model, of.api_key, of.timeout_s, of.concurrency, of.retries, of.context_window
    )


@for_good()
def load_llm(settings: Settings) -> LocalLLM:
    """Return the local language model that the settings describe, without a cache.

    Raises:
        ModelUnavailable: it is not installed, converted or exported, or cannot be loaded.
        BadSettings: llm.precision is none of llm.runtime's.
    """
    from rag.llms import embedded
    from rag.llms.onnx import exported

    of, models = settings.llm, models_folder(settings)
    if of.runtime == "onnx":
        from rag.llms.onnx.loading import load_onnx

        folder = exported.place(models, exported.called(of.model), _stored(of))
        return load_onnx(folder, context_window=of.context_window)
    precision = _computed(of)
    from rag.llms.loading import load  # imports torch and transformers: seconds

    if of.model:
        return load(of.model, "", precision, of.context_window)
    return load(embedded.converted(models), embedded.NAME, precision, of.context_window)


def _computed(of: LLMSettings) -> TorchPrecision:
    if of.precision == "int8" or of.precision == "int4":
        raise BadSettings(
            f"llm.precision is {of.precision}, which torch does not compute: set llm.runtime to "
            "onnx, or llm.precision to auto, fp32 or bf16"
        )
    return of.precision


def _stored(of: LLMSettings) -> OnnxPrecision:
    if of.precision == "bf16":
        raise BadSettings(
            "llm.precision is bf16, which is not exported: set it to auto, fp32, int8 or int4, or "
            "llm.runtime to torch"
        )
    return "fp32" if of.precision == "auto" else of.precision
