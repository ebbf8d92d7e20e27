"""Our re-implementations against somebody else's, and two ways against each other."""
