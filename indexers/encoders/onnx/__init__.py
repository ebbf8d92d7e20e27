"""Encoders on ONNX Runtime: exported once, then read without torch."""
