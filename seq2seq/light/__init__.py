"""Translating with an exported model: NumPy and ONNX Runtime, without torch."""
