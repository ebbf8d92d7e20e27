"""Language models that grade how relevant documents are to queries, from 0 to 3.

What a judge asks is a generator (`grading.py`), many cases are asked about together (`steps.py`),
every reply stands in a ledger before the next question is asked (`ledger.py`).
"""
