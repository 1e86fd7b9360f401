"""From weights to text: search over a step, and the translator on top of it."""

from seq2seq.inference.ensemble import EnsembleState, ensemble
from seq2seq.inference.hypothesis import Hypothesis
from seq2seq.inference.search import search
from seq2seq.inference.step import State, Step, Stepped

__all__ = ["EnsembleState", "Hypothesis", "State", "Step", "Stepped", "ensemble", "search"]
