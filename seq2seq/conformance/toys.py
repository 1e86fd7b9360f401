"""Toy tasks whose alignment is known: copy, reverse and sort, learnt in seconds.

A sequence has symbols that are all different, so each target symbol comes from one known place. The
decoder starts from nothing (bridge `zero`): what it knows of the source it has from attention.

Shapes: B sequences, S source places (EOS last), T target steps, H heads.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from seq2seq.config import (
    DecodingConfig,
    ModelConfig,
    OptimizerConfig,
    ScheduleConfig,
)
from seq2seq.conformance.laws import Case, taken
from seq2seq.data.batching import Batch, collate
from seq2seq.data.dataset import Ids
from seq2seq.data.tokenizer import BOS, EOS
from seq2seq.inference.model_step import ModelState, model_step
from seq2seq.kinds import DECODERS, ENCODERS
from seq2seq.model.model import Seq2Seq
from seq2seq.search.search import search
from seq2seq.training.objective import Likelihood
from seq2seq.training.optimizer import build_optimizer
from seq2seq.training.schedules import learning_rate_factor
from seq2seq.training.update import Update

SYMBOLS, FIRST = 10, 4
"""How many, and the id of the first; those before it are PAD, UNK, BOS and EOS."""
SHORTEST, LONGEST = 3, 8
UPDATES, SEQUENCES, RATE = 200, 64, 0.01
HELD_OUT = 200
LEARNT, ALIGNED = 0.95, 0.8
"""Of tokens and of alignments. Both, as the encoder sums up what is round a place: uniform weights,
which align nothing, copied 98 % of the tokens right."""

Alignment = Callable[[Ids], Ids]
"""Source symbols -> the place in the source of each target symbol."""

TASKS: dict[str, Alignment] = {
    "copy": lambda source: np.arange(len(source)),
    "reverse": lambda source: np.arange(len(source))[::-1],
    "sort": np.argsort,
}


class Sequences(NamedTuple):
    """Sequences as pairs of ids, and the gold places of each one's target symbols."""

    pairs: list[tuple[Ids, Ids]]
    places: list[Ids]

    def batch(self) -> Batch:
        """Return them as training has them, EOS after each source."""
        return collate(self.pairs, source_end=True)


class Learnt(NamedTuple):
    """What became of a task; fractions of 1, over sequences that training never saw."""

    task: str
    accuracy: float
    """Of tokens, EOS counted, in greedy decoding."""
    alignment: float | None
    """Of target symbols whose greatest weight lies on the gold place; None without weights."""

    @property
    def learnt(self) -> bool:
        """Whether it was learnt by attention: tokens and alignments are right often enough."""
        return self.accuracy >= LEARNT and (self.alignment or 0.0) >= ALIGNED

    def __str__(self) -> str:
        where = "none" if self.alignment is None else f"{self.alignment:6.1%}"
        verdict = "PASS" if self.learnt else "MISS"
        return f"{verdict}  {self.task:<8}  accuracy {self.accuracy:6.1%}  alignment {where}"


def learn(task: str, case: Case, *, updates: int | None = None) -> Learnt:
    """Train a small network of this case on `task`; return how good it is then.

    `updates` is how often its weights are changed, `UPDATES` times unless given. The same case
    always gives the same: data and network have seeds of their own.
    """
    held_out = draw(task, HELD_OUT, np.random.default_rng(99))
    model = _network(case)
    _train(model, task, _seen_in(held_out), updates or UPDATES)
    return measure(model.eval(), task, held_out)


def draw(
    task: str,
    count: int,
    random: np.random.Generator,
    without: frozenset[tuple[int, ...]] = frozenset(),
) -> Sequences:
    """Return `count` random sequences of `task`, none of them in `without`."""
    pairs: list[tuple[Ids, Ids]] = []
    places: list[Ids] = []
    while len(pairs) < count:
        length = random.integers(SHORTEST, LONGEST + 1)
        source = FIRST + random.permutation(SYMBOLS)[:length]
        if tuple(source.tolist()) in without:
            continue
        places.append(TASKS[task](source))
        pairs.append((source, source[places[-1]]))
    return Sequences(pairs, places)


def measure(model: Seq2Seq, task: str, sequences: Sequences) -> Learnt:
    """Return how well `model` does `task` on `sequences`."""
    batch = sequences.batch()
    with torch.no_grad():
        weights_BHTS = model(batch.source_BS, batch.source_lengths_B, batch.inputs_BT).weights_BHTS
    return Learnt(
        task,
        token_accuracy(_greedy(model, batch), sequences),
        alignment_accuracy(weights_BHTS, sequences) if weights_BHTS.size(1) else None,
    )


def _network(case: Case) -> Seq2Seq:
    torch.manual_seed(1)
    encoder, decoder = {"size": 32}, {"size": 64, "bridge": "zero"}
    config = ModelConfig.model_validate(
        {
            "embedding": 32,
            "dropout": 0.0,
            "encoder": taken(ENCODERS, encoder, case.encoder),
            "attention": case.attention,
            "decoder": taken(DECODERS, decoder, case.decoder),
        }
    )
    return Seq2Seq(config, FIRST + SYMBOLS, FIRST + SYMBOLS)


def _seen_in(sequences: Sequences) -> frozenset[tuple[int, ...]]:
    return frozenset(tuple(source.tolist()) for source, _ in sequences.pairs)


def _train(model: Seq2Seq, task: str, held_out: frozenset[tuple[int, ...]], updates: int) -> None:
    """The trainer's update on sequences drawn anew, without what a run directory needs."""
    random = np.random.default_rng(1)
    optimizer = build_optimizer(OptimizerConfig(lr=RATE), model)
    schedule = ScheduleConfig(kind="cosine")
    update = Update(Likelihood(model), optimizer, clip=1.0)
    for number in range(1, updates + 1):
        for group in optimizer.param_groups:
            group["lr"] = RATE * learning_rate_factor(schedule, number, updates)
        update([draw(task, SEQUENCES, random, held_out).batch()])


def _greedy(model: Seq2Seq, batch: Batch) -> list[list[int]]:
    with torch.no_grad():
        start = ModelState(*model.encode(batch.source_BS, batch.source_lengths_B))
    found = search(
        model_step(model),
        start,
        sentences=len(batch),
        max_lengths=batch.target_lengths_B,
        options=DecodingConfig(beam=1),
        bos=BOS,
        eos=EOS,
    )
    return [hypotheses[0].tokens for hypotheses in found]


def token_accuracy(found: list[list[int]], sequences: Sequences) -> float:
    """Return the fraction of gold tokens, EOS after them, that stand in their place."""
    right = total = 0
    for tokens, (_, target) in zip(found, sequences.pairs, strict=True):
        expected = [*target.tolist(), EOS]
        right += sum(a == b for a, b in zip([*tokens, EOS], expected, strict=False))
        total += len(expected)
    return right / total


def alignment_accuracy(weights_BHTS: Tensor, sequences: Sequences) -> float:
    """Return the fraction of target symbols whose mean weight of heads is greatest on the gold."""
    looked_at_BT = weights_BHTS.mean(1).argmax(-1).numpy()
    rows = zip(looked_at_BT, sequences.places, strict=True)
    return float(np.concatenate([row[: len(gold)] == gold for row, gold in rows]).mean())
