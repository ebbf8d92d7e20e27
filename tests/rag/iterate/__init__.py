"""Iteration over a small library of two-hop questions."""
