"""Expansions by name."""

from collections.abc import Mapping

from rag.expand.chosen import chosen
from rag.expand.corpus import csqe, lamer
from rag.expand.expand import Method
from rag.expand.feedback import (
    average_branch,
    dense_rocchio_branch,
    rm3_branch,
    rocchio_branch,
)
from rag.expand.generated import (
    hyde,
    keywords,
    mugi,
    multi_query,
    query2doc,
    search_queries,
    step_back,
)

EXPANSIONS: Mapping[str, Method] = {
    "rm3": Method(rm3_branch, asks=False),
    "rocchio": Method(rocchio_branch, asks=False),
    "dense-average": Method(average_branch, asks=False),
    "dense-rocchio": Method(dense_rocchio_branch, asks=False),
    "keywords": Method(keywords),
    "query2doc": Method(query2doc),
    "hyde": Method(hyde),
    "mugi": Method(mugi),
    "lamer": Method(lamer),
    "csqe": Method(csqe),
    "llm-qe": Method(chosen),
    "multi-query": Method(multi_query),
    "search-queries": Method(search_queries),
    "step-back": Method(step_back),
}
"""What `Handling.expand` may name; those after the fourth ask a language model."""
