"""Writing a trained model as ONNX graphs, for `seq2seq.light` and other programs."""
