"""Offline evaluation: collections, measures, reports, benchmarks."""
