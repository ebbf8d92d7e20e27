"""Routing: whether a question needs no search (A), one (B), or several steps (C)."""
