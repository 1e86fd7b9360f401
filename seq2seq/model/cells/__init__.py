"""The cells, by the name that `cell.kind` gives them, and stacks of them.

Shapes: B batch, T steps, I input size, D layer size.
"""

from collections.abc import Iterable

from torch import Tensor, nn

from seq2seq.config import CellConfig
from seq2seq.kinds import CELLS
from seq2seq.model.contract import Cell, Tree
from seq2seq.model.parts import build

__all__ = ["CELLS", "Cell", "build_cell", "run_stack"]


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
    cells: Iterable[nn.Module], inputs_BTI: Tensor, states: tuple[Tree, ...], dropout: nn.Module
) -> tuple[Tensor, tuple[Tree, ...]]:
    """Return the top cell's outputs_BTD and all states after T steps; dropout between cells."""
    ends: list[Tree] = []
    outputs_BTD = inputs_BTI
    for number, (cell, state) in enumerate(zip(cells, states, strict=True)):
        inputs_BTI = dropout(outputs_BTD) if number else outputs_BTD
        outputs_BTD, state = cell(inputs_BTI, state)
        ends.append(state)
    return outputs_BTD, tuple(ends)
