"""The sections of the settings: every key with its default and a sentence about it.

`docs/settings.md` repeats the sentences; a test compares them.
"""

from rag.sections.answer import AnswerSettings, Generators
from rag.sections.basics import MASK, Budget, Secret, Section
from rag.sections.client import ClientSettings
from rag.sections.encoding import EncoderSettings, SparseSettings
from rag.sections.index import IndexSettings, NearDuplicates, Splitters
from rag.sections.llm import LLMSettings
from rag.sections.rerank import RerankSettings
from rag.sections.search import SearchSettings
from rag.sections.server import ServerSettings
from rag.sections.store import StoreSettings

__all__ = [
    "MASK",
    "AnswerSettings",
    "Budget",
    "ClientSettings",
    "EncoderSettings",
    "Generators",
    "IndexSettings",
    "LLMSettings",
    "NearDuplicates",
    "RerankSettings",
    "SearchSettings",
    "Secret",
    "Section",
    "ServerSettings",
    "SparseSettings",
    "Splitters",
    "StoreSettings",
]
