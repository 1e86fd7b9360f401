"""One search over a `step`, whatever predicts the next token."""
