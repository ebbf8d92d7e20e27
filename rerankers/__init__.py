"""One ranking in, the same candidates in a better order out."""
