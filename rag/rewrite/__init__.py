"""Rewriting: a question becomes one that stands for itself, or several to search with."""
