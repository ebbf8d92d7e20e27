"""Tests of `eval.experiments`."""
