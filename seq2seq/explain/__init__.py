"""What a model did with a sentence, and ways to show it."""

from seq2seq.explain.explanation import Explanation, Kinds, explain, of_head

__all__ = ["Explanation", "Kinds", "explain", "of_head"]
