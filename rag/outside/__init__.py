"""Texts from outside: passages, questions, and whatever a model writes.

Pure functions, known to every room that builds prompts or reads replies: what a prompt may hold
(`harmless`, `size`), and what a text is about and wants (`words`, `orders`, `refusals`).
"""
