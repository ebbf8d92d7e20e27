"""Citations as data: sentences, markers, and what an answer becomes of them.

Pure functions. `sentences` cuts texts; `brackets` finds the citation markers in what a model wrote,
`holding` takes them out while it is still writing, `structure` says which sentence cites what;
`events` tells an answer as a sequence, `trec` writes it as TREC's tracks read it.
"""
