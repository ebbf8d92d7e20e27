"""Experiments: collections × systems × measures, described by a file, run once, kept whole."""
