"""The sentence families and their weights: each makes one aligned sentence from a context."""

from collections.abc import Callable

from ..fragments import Pair
from ..grammar import Context
from . import being, joined, verbs

Family = Callable[[Context], Pair]

FAMILIES: dict[str, tuple[Family, float]] = {**verbs.FAMILIES, **being.FAMILIES, **joined.FAMILIES}
