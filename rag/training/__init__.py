"""Training: what is learnt from, what is to be made small, and the loop that does it.

Knows neither language models nor encoders: those are `Pupil`s.
"""
