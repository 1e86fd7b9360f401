"""One update of the weights: the only place where batches and ranks add up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from seq2seq.data.batching import Batch, Size
from seq2seq.model.probe import scope
from seq2seq.training.distributed import ALONE, World
from seq2seq.training.loss import Loss
from seq2seq.training.memory import telling_of_memory
from seq2seq.training.objective import Objective
from seq2seq.training.skipping import Latch


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
        max_skipped: int = 10,
    ) -> None:
        self.objective = objective
        self.optimizer = optimizer
        self.latch = Latch(max_skipped)
        self.skipped: Tensor = torch.tensor(0.0)
        """1.0 if the last update was not made, as its loss or its gradient was not finite."""
        self._clip = clip
        self._world = world
        self._replica: nn.Module | None = None
        self._has_buffers = any(True for _ in objective.buffers())
        self._buffers: list[Tensor] = []

    def __call__(
        self, batches: Sequence[Batch], size: Size | None = None, *, step: int = 0
    ) -> list[Loss]:
        """Make the update that follows `step` others; return the loss of each batch.

        `size` is that of the whole update, over all ranks; by default that of these batches. An
        update whose loss or gradient is not finite, on any rank, changes nothing: its losses are 0.
        """
        losses = self.backward(batches, size, step=step)
        with telling_of_memory(f"at step {step + 1}", batches[-1], self._world):
            self.apply()  # which makes room for the moments at the first step
        skipped = self.skipped > 0
        return [loss._replace(plain=loss.plain.masked_fill(skipped, 0)) for loss in losses]

    def backward(
        self, batches: Sequence[Batch], size: Size | None = None, *, step: int = 0
    ) -> list[Loss]:
        """Add up the gradient of the mean loss; return the loss of each batch."""
        weight = self.objective.weight(size or _sum(batches))
        # Ranks' gradients are averaged, where their sum is wanted.
        divisor = weight / self._world.size
        replica = self._replicated(batches[0])
        self.objective.train()
        if self._has_buffers:
            self._buffers = [buffer.clone() for buffer in self.objective.buffers()]
        losses = []
        for number, batch in enumerate(batches, 1):
            with self._world.adding_up(replica, last=number == len(batches)):
                losses.append(self._backward(replica, batch, divisor, step))
        return losses

    def apply(self) -> None:
        """Clip the gradient, change the weights if it is finite, and clear it."""
        with scope("optimizer"):
            self.skipped = self.latch.decide(self._clipped_norm())
            self._step()
            self._restore_buffers(self.skipped > 0)
            self.optimizer.zero_grad()

    def rehearse(self, batch: Batch) -> None:
        """Go forward and backward with a batch, so that one too large for the memory shows at once.

        Nothing is learnt from it, and no random number is used up.
        """
        with self._leaving_no_trace():
            self.backward([batch])
            self._restore_buffers(torch.tensor(True))

    def _clipped_norm(self) -> Tensor:
        """The norm of the gradient, which is clipped."""
        parameters = list(self.objective.parameters())
        if self._clip is not None:
            return torch.nn.utils.clip_grad_norm_(parameters, self._clip)
        return torch.nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])

    def _step(self) -> None:
        """Change the weights, unless the update is skipped."""
        if _reads_flag(self.optimizer, self.skipped.device):
            self.optimizer.found_inf = self.skipped  # type: ignore[attr-defined]
            self.optimizer.step()
        elif not self.skipped:
            self.optimizer.step()

    def _restore_buffers(self, wanted: Tensor) -> None:
        """What the forward pass moved (a running mean) stands where it was before, if `wanted`."""
        buffers = self.objective.buffers() if self._has_buffers else ()
        for buffer, before in zip(buffers, self._buffers, strict=True):
            buffer.copy_(torch.where(wanted.to(buffer.device), before, buffer))

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
        with telling_of_memory(f"at step {step + 1}", batch, self._world):
            loss: Loss = replica(batch, step)
            with scope("backward"):
                mean = loss.total / divisor
                # 1, or NaN where a loss is not finite: so is then the gradient, on all ranks.
                mean.backward(1 + 0 * (mean.detach() + loss.plain.to(mean.dtype)))
        return loss._replace(total=loss.total.detach())


def _reads_flag(optimizer: torch.optim.Optimizer, device: torch.device) -> bool:
    """Whether the optimiser itself reads, on the device, that it is to do nothing.

    Of another one the host asks for it, and waits; on the CPU that costs nothing.
    """
    return device.type != "cpu" and bool(optimizer.defaults.get("fused"))


def _sum(batches: Sequence[Batch]) -> Size:
    sizes = [batch.size for batch in batches]
    return Size(sum(s.sentences for s in sizes), sum(s.target_tokens for s in sizes))
