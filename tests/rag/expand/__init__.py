"""Tests of expansion."""
