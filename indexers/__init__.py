"""Readers, splitting, encoders, stores and the bulk run."""
