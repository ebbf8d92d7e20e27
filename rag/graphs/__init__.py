"""ONNX graphs: traced by torch, run by ONNX Runtime."""
