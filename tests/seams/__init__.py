"""One conformance suite per Protocol, over all its implementations."""
