"""How likely people quote a sentence, as `python -m eval.studies.answer_quality` fitted it.

On all answerable questions of CLAP NQ dev; what people quoted are the selected sentences of the
first annotation.
"""

from rag.logistic import Logistic, Term
from rag.quoting.likely import Likely

QUOTED = Likely(
    document=Logistic(
        -4.188,
        {
            "rank": Term(-2.9863, 0.8451, 0.5498),
            "behind": Term(-1.8226, 0.269, 0.2006),
        },
    ),
    line=Logistic(
        -0.3399,
        {
            "near": Term(0.0783, 0.0, 0.871),
            "beyond": Term(0.5155, 0.0, 0.848),
            "lexical": Term(0.1031, 0.4224, 0.3318),
            "asked": Term(0.4021, 0.0, 0.3119),
            "opens": Term(0.2729, 0.1591, 0.3657),
            "lines": Term(-0.1713, 1.9031, 0.3518),
            "central": Term(0.1807, 0.4957, 0.1162),
        },
    ),
)
