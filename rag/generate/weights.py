"""How likely people quote a sentence, as `python -m eval.answer_quality` fitted it.

On the answerable questions of CLAP NQ dev that fall into its half 0; what people quoted are the
selected sentences of the first annotation.
"""

from rag.logistic import Logistic, Term

QUOTED = Logistic(
    -5.3219,
    {
        "cosine": Term(0.2052, 0.2654, 0.1803),
        "near": Term(0.3709, 0.0, 0.8007),
        "lexical": Term(0.1189, 0.2776, 0.2772),
        "opens": Term(0.3823, 0.144, 0.351),
        "place": Term(0.1162, 0.4941, 0.3449),
        "words": Term(0.1627, 2.9805, 0.5362),
        "lines": Term(-0.3654, 1.8673, 0.4412),
        "central": Term(-0.0022, 0.4913, 0.1296),
        "document": Term(-2.5007, 0.783, 0.5516),
        "behind": Term(-0.8017, 0.2492, 0.1996),
    },
)
