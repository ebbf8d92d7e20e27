"""Routing: whether a question needs no search (A), one (B), or several steps (C).

`route` is the stage before the search. It asks `rules` first, which know what wording alone makes
certain, then a router by its name in `methods`: `classifier` over `features`, trained by `train` on
one's own outcomes (`silver`, `fitting`; its file: `model_file`), `neighbours` over a log of them
(`log_file`), or `claims`, which asks a model. Whoever is unsure searches.
"""
