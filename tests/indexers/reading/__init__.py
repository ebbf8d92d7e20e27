"""Tests of reading: every format, every encoding, and whatever is bad or hostile."""
