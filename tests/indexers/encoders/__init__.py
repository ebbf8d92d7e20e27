"""Tests of what only one encoder has."""
