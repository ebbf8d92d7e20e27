"""Prompts by which training data is written. See `rag.prompts`."""
