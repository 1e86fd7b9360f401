"""A model for tests: a table of log-probabilities, one row for each sentence and prefix.

`Table` gives tensors and takes them; `in_numpy` makes the same of it with NumPy arrays.

N = live hypotheses, W = vocabulary, H = 2 heads, S = 3 source positions.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from seq2seq.search.arrays import Ids
from seq2seq.search.step import Step, Stepped

PAD, UNK, BOS, EOS = range(4)

Prefix = tuple[int, ...]
Row = Callable[[int, Prefix], Sequence[float]]  # (sentence, prefix) -> W log-probabilities


@dataclass(frozen=True)
class Prefixes:
    """The state: which sentence and prefix each row has. It refuses what a model couldn't do."""

    rows: tuple[tuple[int, Prefix], ...]
    calls: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, *sentences: int) -> Prefixes:
        return cls(tuple((sentence, ()) for sentence in sentences))

    @property
    def sentences(self) -> list[int]:
        return [sentence for sentence, _ in self.rows]

    def reorder(self, rows_N: Tensor | Ids) -> Prefixes:
        new = self._take("reorder", rows_N.tolist())
        assert new.sentences == self.sentences
        return new

    def keep(self, rows_N: Tensor | Ids) -> Prefixes:
        rows = rows_N.tolist()
        assert rows == sorted(set(rows))
        assert 0 < len(rows) < len(self.rows)
        left = {self.sentences[row] for row in set(range(len(self.rows))) - set(rows)}
        assert not left & {self.sentences[row] for row in rows}
        return self._take("keep", rows)

    def repeat(self, times: int) -> Prefixes:
        return self._take("repeat", [row for row in range(len(self.rows)) for _ in range(times)])

    def _take(self, call: str, rows: list[int]) -> Prefixes:
        self.calls.append(call)
        return Prefixes(tuple(self.rows[row] for row in rows), self.calls)


def weights(sentence: int, prefix: Prefix) -> Tensor:
    """The attention (H, S) that tells which sentence and prefix it was computed for."""
    rng = random.Random(f"{sentence} {prefix}")
    return torch.tensor([[rng.random() for _ in range(3)] for _ in range(2)])


@dataclass(frozen=True)
class Table:
    """The step: reads `row` for each hypothesis; float64 unless told."""

    row: Row
    dtype: torch.dtype = torch.float64

    def __call__(self, tokens_N: Tensor, state: Prefixes) -> Stepped:
        assert tokens_N.dtype == torch.int64
        assert len(tokens_N) == len(state.rows)
        rows = tuple(
            (sentence, (*prefix, token))
            for (sentence, prefix), token in zip(state.rows, tokens_N.tolist(), strict=True)
        )
        assert all(prefix[0] == BOS for _, prefix in rows)
        emitted = [(sentence, prefix[1:]) for sentence, prefix in rows]
        return Stepped(
            torch.tensor([list(self.row(*row)) for row in emitted], dtype=self.dtype),
            torch.stack([weights(*row) for row in emitted]),
            Prefixes(rows, state.calls),
        )


def in_numpy(step: Step) -> Step:
    """The same step, which takes and gives NumPy arrays."""

    def stepping(tokens_N: Ids, state: Prefixes) -> Stepped:
        assert isinstance(tokens_N, np.ndarray)
        log_probs_NW, weights_NHS, after = step(torch.from_numpy(tokens_N), state)
        return Stepped(log_probs_NW.numpy(), weights_NHS.numpy(), after)

    return stepping


def random_row(vocabulary: int, seed: int = 0, spread: float = 2.0) -> Row:
    """Rows of a random language model over all prefixes."""

    def row(sentence: int, prefix: Prefix) -> list[float]:
        rng = random.Random(f"{seed} {sentence} {prefix}")
        logits = [rng.gauss(0, spread) for _ in range(vocabulary)]
        return torch.tensor(logits, dtype=torch.float64).log_softmax(0).tolist()

    return row


def constant_row(*probabilities: float) -> Row:
    """The same probabilities after every prefix."""
    log_probs = torch.tensor(probabilities, dtype=torch.float64).log().tolist()
    return lambda sentence, prefix: log_probs


def every_output(
    row: Row, sentence: int, longest: int, ids: Sequence[int]
) -> Iterator[tuple[Prefix, list[float]]]:
    """Every output over `ids` of at most `longest` tokens with the end, and its log-probs."""

    def grow(prefix: Prefix, log_probs: list[float]) -> Iterator[tuple[Prefix, list[float]]]:
        following = row(sentence, prefix)
        yield prefix, [*log_probs, following[EOS]]
        if len(prefix) + 1 < longest:
            for token in ids:
                yield from grow((*prefix, token), [*log_probs, following[token]])

    return grow((), [])
