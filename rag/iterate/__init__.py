"""Iteration: questions whose evidence is found in several steps."""
