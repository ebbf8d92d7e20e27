"""Generators: what writes an answer from the passages."""
