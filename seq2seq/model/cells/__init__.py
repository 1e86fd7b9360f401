"""The cells, by the name that `cell.kind` gives them, and stacks of them.

Shapes: B batch, T steps, I input size, D layer size.
"""

from collections.abc import Iterable

from torch import Tensor, nn

from seq2seq.config import CellConfig
from seq2seq.errors import UserError
from seq2seq.kinds import CELLS
from seq2seq.model.contract import Cell, Tree
from seq2seq.model.parts import build

__all__ = ["CELLS", "Cell", "build_cell", "refuse_residual", "run_stack"]


def build_cell(
    config: CellConfig, input_size: int, size: int, *, key: str, place: str = ""
) -> Cell:
    """Return the cell that `config` names, to stand at `place` of the encoder or decoder.

    `key` says in messages where `config` stands.
    """
    cell: Cell = build(CELLS, config, key, input_size, size)
    cell.place = place
    return cell


def run_stack(
    cells: Iterable[nn.Module],
    below_BTD: Tensor,
    states: tuple[Tree, ...],
    dropout: nn.Module,
    *,
    residual: bool = False,
) -> tuple[Tensor, tuple[Tree, ...]]:
    """Return the top cell's outputs_BTD and all states after T steps.

    The cells stand on a layer with the outputs `below_BTD`: dropout is before each, and with
    `residual` each adds to what is below it -- He et al. 2016.
    """
    ends: list[Tree] = []
    for cell, state in zip(cells, states, strict=True):
        outputs_BTD, state = cell(dropout(below_BTD), state)
        below_BTD = below_BTD + outputs_BTD if residual else outputs_BTD
        ends.append(state)
    return below_BTD, tuple(ends)


def refuse_residual(key: str, layers: int) -> None:
    """Raise UserError for a residual path around the only layer, whose input is of another kind."""
    if layers < 2:
        raise UserError(f"{key}.residual leads around the layers above the first, found layers 1")
