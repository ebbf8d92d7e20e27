"""Routing: whether a question needs no search (A), one (B), or several steps (C).

Level 0, `rules`, knows what wording alone makes certain. Level 1 is whichever there is:
`classifier` over `features`, trained by `train` on one's own outcomes (`silver`, `fitting`; its
file: `model_file`), or `neighbours` over a log of them. `claims` asks a model. Whoever is unsure
searches.
"""
