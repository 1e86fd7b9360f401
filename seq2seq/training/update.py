"""One update of the weights: the only place where batches and ranks add up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import nn

from seq2seq.data.batching import Batch, Size
from seq2seq.errors import RankError
from seq2seq.model.probe import scope
from seq2seq.training.distributed import ALONE, World
from seq2seq.training.loss import Loss
from seq2seq.training.objective import Objective


class Update:
    """Makes the mean loss of some batches smaller: gradients, their sum, clipping, one step.

    The mean is over all batches of all ranks together. It is never a mean of means: batches hold
    different numbers of tokens.
    """

    def __init__(
        self,
        objective: Objective,
        optimizer: torch.optim.Optimizer,
        *,
        clip: float | None = None,
        world: World = ALONE,
    ) -> None:
        self.objective = objective
        self.optimizer = optimizer
        self._clip = clip
        self._world = world
        self._replica: nn.Module | None = None

    def __call__(
        self, batches: Sequence[Batch], size: Size | None = None, *, step: int = 0
    ) -> list[Loss]:
        """Make the update that follows `step` others; return the loss of each batch.

        `size` is that of the whole update, over all ranks; by default that of these batches.
        """
        losses = self.backward(batches, size, step=step)
        self.apply()
        return losses

    def backward(
        self, batches: Sequence[Batch], size: Size | None = None, *, step: int = 0
    ) -> list[Loss]:
        """Add up the gradient of the mean loss; return the loss of each batch."""
        weight = self.objective.weight(size or _sum(batches))
        # Ranks' gradients are averaged, where their sum is wanted.
        divisor = weight / self._world.size
        replica = self._replicated(batches[0])
        self.objective.train()
        losses = []
        for number, batch in enumerate(batches, 1):
            with self._world.adding_up(replica, last=number == len(batches)):
                losses.append(self._backward(replica, batch, divisor, step))
        return losses

    def apply(self) -> None:
        """Clip the gradient, change the weights, and clear the gradient."""
        with scope("optimizer"):
            if self._clip is not None:
                torch.nn.utils.clip_grad_norm_(self.objective.parameters(), self._clip)
            self.optimizer.step()
            self.optimizer.zero_grad()

    def rehearse(self, batch: Batch) -> None:
        """Go forward and backward with a batch, so that one too large for the memory shows at once.

        Nothing is learnt from it, and no random number is used up.
        """
        with self._leaving_no_trace():
            self.backward([batch])

    def _replicated(self, batch: Batch) -> nn.Module:
        """The objective whose gradients are added up over ranks."""
        if self._replica is None:
            with self._leaving_no_trace():
                if self._world.size > 1:  # find out which parameters get a gradient
                    self.objective.eval()(batch.emptied()).total.backward()
                self._replica = self._world.replicate(self.objective)
        return self._replica

    @contextmanager
    def _leaving_no_trace(self) -> Iterator[None]:
        """Use up no random numbers in the block, and leave no gradients of it."""
        device = next(self.objective.parameters()).device
        with torch.random.fork_rng([device] if device.type == "cuda" else []):
            yield
        self.optimizer.zero_grad()

    def _backward(self, replica: nn.Module, batch: Batch, divisor: float, step: int) -> Loss:
        try:
            loss: Loss = replica(batch, step)
            with scope("backward"):
                (loss.total / divisor).backward()
        except torch.OutOfMemoryError:
            raise RankError(
                f"{self._world.name}out of memory at step {step + 1} on a batch of {len(batch)} "
                f"sentences, {batch.source_BS.size(1)} source and {batch.targets_BT.size(1)} "
                "target pieces long: lower batching.tokens or data.max_length"
            ) from None
        return loss._replace(total=loss.total.detach())


def _sum(batches: Sequence[Batch]) -> Size:
    sizes = [batch.size for batch in batches]
    return Size(sum(s.sentences for s in sizes), sum(s.target_tokens for s in sizes))
