"""Tests of answering, one file per module."""
