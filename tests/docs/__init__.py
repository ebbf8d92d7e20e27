"""Documents are compared with the program, and their commands parsed by it."""
