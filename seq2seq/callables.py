"""Packages that are functions too: `seq2seq.explain(...)`, though seq2seq/explain/ is a folder."""

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any


def make_callable(package: str, function: Callable[..., Any]) -> None:
    """Let `package`, which is being imported, be called as `function`.

    Importing it hides a function of the same name in the package above.
    """

    class _Callable(ModuleType):
        __call__ = staticmethod(function)

    sys.modules[package].__class__ = _Callable
