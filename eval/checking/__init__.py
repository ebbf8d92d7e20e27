"""Judging the judges: a sample for people, probes, a report, and go or no-go."""
