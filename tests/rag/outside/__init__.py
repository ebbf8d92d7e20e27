"""Texts from outside."""
