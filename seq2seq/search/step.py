"""The contract between search and whatever predicts the next token: a model, a graph, a fake.

N = live hypotheses, those of one sentence side by side, W = vocabulary, H = attention heads,
S = source positions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from typing_extensions import Self

Array = Any
"""A torch tensor or a NumPy array: the same kind in all that one step takes and gives."""


class State(Protocol):
    """What a step needs of the steps before it; never changed in place."""

    def reorder(self, rows_N: Array) -> Self:
        """New row i continues old row `rows_N[i]`, of the same sentence: memory may stay put."""
        ...

    def keep(self, rows_N: Array) -> Self:
        """Only `rows_N`, ascending: whole sentences leave, and their memory with them.

        Source positions that no remaining sentence has may be cut from the right as well.
        """
        ...

    def repeat(self, times: int) -> Self:
        """Each row `times` times over, side by side: the start of a beam."""
        ...


class Stepped(NamedTuple):
    """What one step gives for each live hypothesis."""

    log_probs_NW: Array  # of the next token; -inf forbids it. The search writes on it
    weights_NHS: Array  # the attention that predicted it; H = 0 without attention
    state: Any  # a State of the step's own kind


Step = Callable[[Array, Any], Stepped]
"""(tokens_N int64, state) -> Stepped. `Any`, as each step takes only the State it gives itself."""
