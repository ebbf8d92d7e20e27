"""The composition root: the one package that names concrete classes.

`build` reads the settings once and gives an `Engine`; `open_llm` gives the language model
alone, `open_encoder` the encoder, `rerank` reranks texts.
Model libraries are imported when they are first needed, not before: `firstcite --help` and a typing
mistake should not cost the seconds that importing torch takes.
"""

from rag.wiring.building import build
from rag.wiring.encoding import open_encoder
from rag.wiring.engine import Engine, fusions
from rag.wiring.llm import load_llm, open_llm
from rag.wiring.reranking import Rerankers, rerank

__all__ = [
    "Engine",
    "Rerankers",
    "build",
    "fusions",
    "load_llm",
    "open_encoder",
    "open_llm",
    "rerank",
]
