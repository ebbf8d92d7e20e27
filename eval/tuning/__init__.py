"""Tuning: settings searched for quality, latency and cost together, and proved on other queries."""
