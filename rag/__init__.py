"""The core of FirstCite: values, seams, the query path, and the wiring that puts it together."""
