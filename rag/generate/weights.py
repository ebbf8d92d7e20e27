"""How likely people quote a sentence, as `python -m eval.answer_quality` fitted it.

On the answerable questions of CLAP NQ dev that fall into its half 0; what people quoted are the
selected sentences of the first annotation.
"""

from rag.logistic import Logistic, Term

QUOTED = Logistic(0.0, {"cosine": Term(1.0)})
