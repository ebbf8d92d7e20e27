"""Cited answers: asked, checked, scored, reported."""
