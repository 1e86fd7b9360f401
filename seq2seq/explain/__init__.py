"""What a model did with a sentence, and ways to show it.

`seq2seq.explain("runs/demo", "I love you")` calls this package: `seq2seq.api.explain`.
"""

from seq2seq import api
from seq2seq.callables import make_callable
from seq2seq.explain.explanation import Explanation, explain
from seq2seq.explain.reading import Kinds, of_head

__all__ = ["Explanation", "Kinds", "explain", "of_head"]

make_callable(__name__, api.explain)
