"""The HTTP face: a Litestar application over the engine."""
