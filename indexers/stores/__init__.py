"""Stores behind the Store seam."""
