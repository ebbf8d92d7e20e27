"""Tests of the readers, splitting, encoders, stores and the bulk run."""
