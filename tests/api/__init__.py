"""The HTTP face, over real HTTP on loopback."""
