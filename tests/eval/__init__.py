"""Offline evaluation: collections, measures, runs, reports."""
