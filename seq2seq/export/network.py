"""An exported model: two graphs, the encoder and one step of the decoder.

N live hypotheses, B sentences, S source positions, H heads, W target vocabulary.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from seq2seq.errors import UserError
from seq2seq.export.external import reads_other_files
from seq2seq.extras import install_hint
from seq2seq.search.arrays import Ids
from seq2seq.search.step import Stepped

Parts = dict[str, npt.NDArray[Any]]

ENCODER = "encoder.onnx"
"""source, lengths -> every part of the first state, by name."""

STEP = "step.onnx"
"""tokens, parts of a state -> log_probs, attention (if there are heads), NEXT + what moves."""

STEPS = "steps"
"""The name of an axis that is empty before the first step and grows by one at each."""

NEXT = "next_"


class State(NamedTuple):
    """What a step reads, a row a hypothesis; the memory is the same for all of one sentence."""

    memory: Parts
    own: Parts
    positions: int
    """S, of the source."""

    def reorder(self, rows_N: Ids) -> State:
        """Continue other rows of the same sentences."""
        return self._replace(own=_select(self.own, rows_N))

    def keep(self, rows_N: Ids) -> State:
        """Keep only these rows."""
        memory, own = _select(self.memory, rows_N), _select(self.own, rows_N)
        return self._replace(memory=memory, own=own)

    def repeat(self, times: int) -> State:
        """Repeat each row, side by side."""
        memory, own = (
            {name: part.repeat(times, 0) for name, part in parts.items()}
            for parts in (self.memory, self.own)
        )
        return self._replace(memory=memory, own=own)


class Network:
    """The graphs of a folder, ready to run."""

    def __init__(self, folder: Path) -> None:
        """Raise UserError if a graph is missing or damaged."""
        self._encoder = _session(folder / ENCODER, {"source", "lengths"}, set())
        self._step = _session(folder / STEP, {"tokens"}, {"log_probs"})
        self._outputs = [output.name for output in self._step.get_outputs()]
        self._inputs = {given.name for given in self._step.get_inputs()} - {"tokens"}
        growing = [given for given in self._step.get_inputs() if STEPS in given.shape]
        if unknown := {given.type for given in growing} - {*_TYPES}:
            raise UserError(f"{folder / STEP}: damaged: an input of {unknown.pop()}")
        self._growing = {given.name: (given.shape[1:], _TYPES[given.type]) for given in growing}
        self._folder = folder

    @property
    def has_attention(self) -> bool:
        """Whether a step gives weights."""
        return "attention" in self._outputs

    def encode(self, source_BS: Ids, lengths_B: Ids) -> State:
        """Return the state before the first step; sources are padded on the right."""
        names = [output.name for output in self._encoder.get_outputs()]
        given = {"source": source_BS, "lengths": lengths_B}
        values = self._ran(self._encoder, ENCODER, names, given)
        parts = {n: v for n, v in zip(names, values, strict=True) if n in self._inputs}
        own = {name: parts.pop(name) for name in list(parts) if NEXT + name in self._outputs}
        for name, (axes, dtype) in self._growing.items():
            sizes = {"source": source_BS.shape[1], STEPS: 0}
            own[name] = np.zeros((len(source_BS), *(sizes.get(a, a) for a in axes)), dtype)
        return State(parts, own, source_BS.shape[1])

    def step(self, tokens_N: Ids, state: State) -> Stepped:
        """Return what follows the newest token of each hypothesis."""
        given = {"tokens": tokens_N, **state.memory, **state.own}
        values = self._ran(self._step, STEP, self._outputs, given)
        found = dict(zip(self._outputs, values, strict=True))
        log_probs_NW = found["log_probs"]
        weights_NHS = found.get("attention")
        if weights_NHS is None:  # no heads
            weights_NHS = np.zeros((len(tokens_N), 0, state.positions), np.float32)
        own = {name: found[NEXT + name] for name in state.own}
        return Stepped(log_probs_NW, weights_NHS, state._replace(own=own))

    def _ran(self, session: Any, name: str, outputs: list[str], given: Parts) -> list[Any]:
        try:
            values: list[Any] = session.run(outputs, given)
        except Exception as error:  # ONNX Runtime's own kinds: a graph that isn't one of ours
            reason = " ".join(str(error).split())
            raise UserError(f"{self._folder / name}: cannot be run: {reason}") from None
        return values


_TYPES = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(int64)": np.int64,
    "tensor(bool)": np.bool_,
}
"""Of ONNX Runtime's names."""


def _select(parts: Mapping[str, npt.NDArray[Any]], rows_N: Ids) -> Parts:
    return {name: part[rows_N] for name, part in parts.items()}


def _session(path: Path, inputs: set[str], outputs: set[str]) -> Any:
    """The graph in a file, which has these inputs and outputs among others."""
    try:
        import onnxruntime
    except ImportError:
        raise UserError(
            f"{path.parent}: an exported model needs onnxruntime: {install_hint('onnx')}"
        ) from None
    if not path.is_file():
        raise UserError(f"{path}: missing")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS", 0))  # 0: every core
    options.log_severity_level = 3  # errors
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        if reads_other_files(path.read_bytes()):
            raise UserError(f"{path}: not opened, because it has its numbers in another file")
        opened = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except UserError:
        raise
    except Exception as error:  # ONNX Runtime's own kinds, which derive from nothing else
        raise UserError(f"{path}: damaged: {' '.join(str(error).split())}") from None
    lacking = inputs - {given.name for given in opened.get_inputs()}
    lacking |= outputs - {given.name for given in opened.get_outputs()}
    if lacking:
        raise UserError(f"{path}: damaged: the graph has no {min(lacking)}")
    return opened
