"""Splitting: documents become chunks whose spans into the document text are exact.

A `Cut` (`cutting`, `packing`, `sentences`, `hierarchical`) says where texts of a kind are cut, the
`Splitter` what of it becomes chunks, stretch by stretch, and `splitters` which of them there are.
"""
