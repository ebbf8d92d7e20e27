"""The ONNX Runtime backend: a model exported, verified, and read without torch."""
