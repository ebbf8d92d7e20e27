"""The Protocols: whatever touches the world hides behind one of these.

Each has a shipped fake and one conformance suite in `tests/seams/`:

Encoder         indexers/encoders/hashed.py   HashedEncoder
PassageEncoder  indexers/encoders/hashed.py   HashedEncoder
Store           indexers/stores/exact.py      ExactStore
LLM             rag/llms/scripted.py          ScriptedLLM
Reranker        rerankers/unchanged.py        Unchanged
Generator       rag/answering/answering.py    Answering (over fakes)
Judge           eval/data/qrels.py                 QrelsJudge
"""

from rag.seams.answering import Generator, Judge, Reranked, Reranker
from rag.seams.asking import LLM, LLMSpec
from rag.seams.encoding import Encoder, EncoderSpec, PassageEncoder, SparseEncoder, SparseSpec
from rag.seams.storing import SCHEMA_VERSION, CollectionSpec, Store, Stretch

__all__ = [
    "LLM",
    "SCHEMA_VERSION",
    "CollectionSpec",
    "Encoder",
    "EncoderSpec",
    "Generator",
    "Judge",
    "LLMSpec",
    "PassageEncoder",
    "Reranked",
    "Reranker",
    "SparseEncoder",
    "SparseSpec",
    "Store",
    "Stretch",
]
