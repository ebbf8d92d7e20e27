"""Answering: what was found becomes a cited, verified answer, or an abstention."""
