"""One rule for all faster forms: which of them may stand in for what a part computes.

The class of a part names the forms that it has, as `fused_loop = True`. A subclass that defines a
method computes something of its own, and has the form only if it names it again.
"""

from __future__ import annotations

from collections.abc import Collection

from torch import nn

_HARMLESS = ("__init__", "extra_repr")


def offers(part: nn.Module, form: str, methods: Collection[str] | None = None) -> bool:
    """Whether the class of `part` has this form.

    `methods` are what the form depends on, if not on every method of the part.
    """
    for kind in type(part).__mro__:
        own = vars(kind)
        if form in own:
            return bool(own[form])
        defined = [name for name in own if callable(own[name]) or isinstance(own[name], property)]
        if any(name in methods if methods else name not in _HARMLESS for name in defined):
            return False
    return False
