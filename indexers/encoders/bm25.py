"""BM25: Qdrant's own tokeniser and stemmer, with a query side that keeps weights.

The document side stores tf·(k1 + 1) / (tf + k1·(1 − b + b·length / mean length)); the store
multiplies the inverse document frequency (Modifier.Idf). `Bm25.embed_query` gives every distinct
term the weight 1, which loses what a repeated term says, and every expansion: the query side here
is term → weight.
"""

import qdrant_edge

from rag.errors import BadSettings
from rag.seams import SparseSpec
from rag.values import SparseVector

# With b = 0 the weight is tf·(k + 1) / (tf + k), which is tf for a huge k: a counter of terms.
_COUNTING_K = 1e15


class Bm25Encoder:
    """BM25 term weights by Qdrant's hash of the stemmed term.

    Raises:
        BadSettings: a language Qdrant does not know, a negative k1, or b outside [0, 1].
    """

    def __init__(self, k1: float = 0.9, b: float = 0.4, language: str = "english") -> None:
        self._spec = SparseSpec(f"qdrant-bm25/{language}/k1={k1:g}/b={b:g}", k1, b, language)
        self._counter = self._model(_COUNTING_K, 0.0, 1.0)
        self._documents: dict[float, qdrant_edge.Bm25] = {}
        self._model(k1, b, 1.0)

    @property
    def spec(self) -> SparseSpec:
        """The parameters."""
        return self._spec

    def length(self, text: str) -> int:
        """Return the number of terms, repeats counted, stop words not."""
        return round(sum(self._counter.embed_document(text).values))

    def document(self, text: str, mean_length: float) -> SparseVector:
        """Return the document weights under the collection's mean length, in terms."""
        model = self._documents.get(mean_length)
        if model is None:
            model = self._model(self._spec.k1, self._spec.b, max(mean_length, 1e-6))
            self._documents = {mean_length: model}  # one mean at a time is in use
        return _sorted(model.embed_document(text))

    def query(self, text: str) -> SparseVector:
        """Return each term with its count in the query, as Lucene weighs it."""
        counted = _sorted(self._counter.embed_document(text))
        return SparseVector(counted.indices, tuple(float(round(n)) for n in counted.values))

    def _model(self, k: float, b: float, mean_length: float) -> qdrant_edge.Bm25:
        language = self._spec.language
        try:
            config = qdrant_edge.Bm25Config(k=k, b=b, avg_len=mean_length, language=language)
            return qdrant_edge.Bm25(config)
        except ValueError as error:
            known = sorted(name.lower() for name in vars(qdrant_edge.Language) if name[0] != "_")
            hint = f". Known: {', '.join(known)}" if language not in known else ""
            raise BadSettings(f"sparse settings: {error}{hint}") from None


def _sorted(vector: qdrant_edge.SparseVector) -> SparseVector:
    pairs = sorted(zip(vector.indices, vector.values, strict=True))
    return SparseVector(tuple(i for i, _ in pairs), tuple(v for _, v in pairs))
