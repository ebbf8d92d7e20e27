"""Charts as inline SVG, each a pure function of its figures."""
