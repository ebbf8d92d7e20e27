"""Tests of routing, one file per module."""
