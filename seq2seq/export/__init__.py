"""A trained model as ONNX graphs, and translating with them by NumPy and ONNX Runtime alone."""
