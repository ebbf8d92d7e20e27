"""Verification: does the cited text carry the sentence?

Deterministic steps first (`facts`, `overlap`), a model only in doubt (`entailment`, `reverse`,
`nli`); `ladder` puts them in order, `pruning` and `contradictions` use what it says.
"""
