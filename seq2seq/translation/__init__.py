"""Texts in, translations out, whatever predicts the tokens between; without torch."""
