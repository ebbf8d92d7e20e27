"""Tests of the rerankers, one file per module."""
