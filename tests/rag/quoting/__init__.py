"""Tests of generators, one file per module."""
