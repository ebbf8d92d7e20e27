"""Citations as data."""
