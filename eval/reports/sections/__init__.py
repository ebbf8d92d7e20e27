"""The parts of a report as blocks, which both renderers write."""
