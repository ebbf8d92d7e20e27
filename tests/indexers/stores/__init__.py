"""Tests of what only one store has."""
