"""The processes that train one model together: what training asks of torch.distributed.

torchrun, or `seq2seq train --processes`, starts them and tells each its rank by its environment.
Alone, nothing here does anything.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import timedelta
from typing import TypeVar, cast

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from seq2seq.errors import RankError, UserError
from seq2seq.machine.launched import is_first_here, meeting_file, world_size, would_hang

Value = TypeVar("Value")

_PATIENCE = timedelta(days=1)
"""For how long ranks wait for each other: one may prepare a large corpus meanwhile. A rank that
died does not take so long to notice: the launcher sees it, and its connections close."""
_TORCHRUN, _LAUNCHER = 5.0, 600.0
"""Seconds until the launcher has ended the processes beside one that failed. torchrun may not see
it, on another machine; `seq2seq train --processes` does, however busy the machine, and says why."""


class World:
    """The `size` processes of a training, and the rank of this one among them, from 0."""

    def __init__(self, rank: int = 0, size: int = 1) -> None:
        self.rank, self.size = rank, size

    @property
    def leads(self) -> bool:
        """Whether this is the process that decides, writes and talks."""
        return self.rank == 0

    @property
    def name(self) -> str:
        """How a message of this process begins: `process 1 of 2: `, or nothing if it is alone."""
        return f"process {self.rank} of {self.size}: " if self.size > 1 else ""

    def wait(self) -> None:
        """Wait until all ranks are here."""
        if self.size > 1:
            self.sum([0.0])  # not `barrier`: with NCCL it would use the device

    def first(self, value: Value) -> Value:
        """Return the value that rank 0 has."""
        if self.size == 1:
            return value
        values = [value]
        dist.broadcast_object_list(values, src=0)
        return values[0]

    def gather(self, value: Value) -> list[Value]:
        """Return the values of all ranks in their order."""
        if self.size == 1:
            return [value]
        values: list[Value] = [value] * self.size
        dist.all_gather_object(values, value)
        return values

    def sum(self, values: Sequence[float]) -> list[float]:
        """Return the sum over all ranks of each of the values, in float64."""
        return self._reduced(values, dist.ReduceOp.SUM)

    def greatest(self, values: Sequence[float]) -> list[float]:
        """Return the greatest of all ranks' values, place by place."""
        return self._reduced(values, dist.ReduceOp.MAX)

    def _reduced(self, values: Sequence[float], operation: dist.ReduceOp.RedOpType) -> list[float]:
        if self.size == 1:
            return list(values)
        reduced = torch.tensor(values, dtype=torch.float64)  # on the CPU, so that no device waits
        dist.all_reduce(reduced, operation)
        return cast("list[float]", reduced.tolist())

    @contextmanager
    def one_by_one(self) -> Iterator[None]:
        """Let the first rank of each machine go through the block before the others do."""
        if not is_first_here():
            self.wait()
        yield
        if is_first_here():
            self.wait()

    def replicate(self, module: nn.Module) -> nn.Module:
        """Return `module` so that its gradients are the mean over all ranks.

        Its parameters have the gradients of a first backward pass. A part that is not used (the
        encoder, without attention and bridge) has none: ranks then have to look for such parts.
        """
        if self.size == 1:
            return module
        unused = any(parameter.grad is None for parameter in module.parameters())
        return DistributedDataParallel(
            module,
            find_unused_parameters=unused,
            gradient_as_bucket_view=True,  # a copy less: 46 ms of CPU an update of the demo, not 50
        )

    def adding_up(self, replica: nn.Module, *, last: bool) -> AbstractContextManager[None]:
        """Return the block of one of several batches: gradients are sent with the last one only."""
        if self.size == 1 or last:
            return nullcontext()
        return cast("DistributedDataParallel", replica).no_sync()


ALONE = World()


@contextmanager
def joined(device: str) -> Iterator[World]:
    """Be one of the processes that torchrun started, inside the block; alone if it did not.

    `device` is that of the configuration: each process takes a GPU of its own. Raises UserError
    where there are too few.
    """
    if world_size() == 1:
        yield ALONE
        return
    if would_hang():
        raise UserError(
            "--max-restarts: expected TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1 in the environment of "
            "torchrun, without which processes that are started again wait for ever; set it on "
            "each machine"
        )
    cuda = check_devices(device, int(os.environ["LOCAL_WORLD_SIZE"]))
    if cuda:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    backend = "cpu:gloo,cuda:nccl" if cuda else "gloo"
    _meet(backend)
    world = World(dist.get_rank(), dist.get_world_size())
    try:
        with _connected(world), _silent(unless=world.leads):
            yield world
    finally:
        dist.destroy_process_group()


def _meet(backend: str) -> None:
    """Find the other processes."""
    if (file := meeting_file()) is None:
        dist.init_process_group(backend, timeout=_PATIENCE)
        return
    rank, size = int(os.environ["RANK"]), world_size()
    store = dist.FileStore(file, size)  # type: ignore[attr-defined]  # in __init__, without a stub
    dist.init_process_group(backend, timeout=_PATIENCE, store=store, rank=rank, world_size=size)


@contextmanager
def _connected(world: World) -> Iterator[None]:
    """Say in one line that another process has ended, if the launcher has not ended this one."""
    try:
        yield
    except RuntimeError as error:
        if not (isinstance(error, dist.DistError) or "gloo" in str(error)):
            raise
        time.sleep(_TORCHRUN if meeting_file() is None else _LAUNCHER)
        raise RankError(
            f"{world.name}another process has ended, and this one cannot go on without it; "
            "--resume goes on from the last checkpoint"
        ) from None


@contextmanager
def _silent(*, unless: bool) -> Iterator[None]:
    """Let one process alone write log lines: the others would write the same."""
    package = logging.getLogger("seq2seq")
    level = package.level
    if not unless:
        package.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        package.setLevel(level)


def check_devices(device: str, processes: int) -> bool:
    """Return whether so many processes on this machine compute on a GPU each, or on the CPU.

    Raises UserError if the configuration's `device` names one GPU, or if there are too few.
    """
    if device == "cpu" or (device == "auto" and not torch.cuda.is_available()):
        return False
    if device not in ("auto", "cuda"):
        raise UserError(
            f"training.device: expected auto, cpu or cuda for {processes} processes, which take a "
            f"GPU each, found {device!r}"
        )
    if torch.cuda.device_count() < processes:
        raise UserError(
            f"training.device: expected a GPU for each of {processes} processes, found "
            f"{torch.cuda.device_count()}; start fewer, or set training.device=cpu"
        )
    return True
