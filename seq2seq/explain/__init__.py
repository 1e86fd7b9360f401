"""What a model did with a sentence, and ways to show it.

`seq2seq.explain("runs/demo", "I love you")` calls this package: `seq2seq.api.explain`.
"""

import sys
from types import ModuleType

from seq2seq import api
from seq2seq.explain.explanation import Explanation, explain
from seq2seq.explain.reading import Kinds, of_head

__all__ = ["Explanation", "Kinds", "explain", "of_head"]


class _Callable(ModuleType):
    """A package that is a function too: importing it would hide a function of the same name."""

    __call__ = staticmethod(api.explain)


sys.modules[__name__].__class__ = _Callable
