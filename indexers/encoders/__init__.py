"""Encoders behind the Encoder seam, and BM25."""
