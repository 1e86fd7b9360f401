"""What a figure was measured on, processor, threads, load, and the memory that it took."""

from __future__ import annotations

import logging
import os
from dataclasses import asdict, dataclass
from typing import Any

import torch

from seq2seq.counted import counted
from seq2seq.machine.processor import processor
from seq2seq.machine.resources import usable_cores

logger = logging.getLogger(__name__)

_BUSY = 0.5  # load of a core


@dataclass(frozen=True)
class Machine:
    """The machine as it was before the work began; `load` is that of the last minute, if known."""

    device: str
    processor: str
    instructions: str
    cores: int
    threads: int
    torch_version: str
    precision: str | None
    load: float | None

    @classmethod
    def now(cls, device: torch.device, precision: str | None = None) -> Machine:
        """Look at the machine; `precision` is that of the arithmetic, if any is done."""
        return cls(
            device=_device_name(device),
            processor=processor(),
            instructions=torch.backends.cpu.get_cpu_capability(),
            cores=usable_cores(),
            threads=torch.get_num_threads(),
            torch_version=torch.__version__,
            precision=precision,
            load=os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        )

    def warn_if_busy(self) -> None:
        """Say so in one line; to be called when nothing else can go wrong any more."""
        if self.busy:
            logger.warning(
                "the machine is busy (load %.1f on %d cores): figures are lower than it could do",
                self.load,
                self.cores,
            )

    @property
    def busy(self) -> bool:
        """Whether others use more than half of a core for each there is."""
        return self.load is not None and self.load > _BUSY * self.cores

    def render(self) -> str:
        """Return one line."""
        threads = counted(self.threads, "thread")
        parts = [
            f"{self.processor}, {threads} of {self.cores} cores, {self.instructions}",
            f"torch {self.torch_version}" + (f", {self.precision}" if self.precision else ""),
        ]
        if self.device != "cpu":
            parts.insert(0, self.device)
        if self.load is not None:
            parts.append(f"load {self.load:.1f} before" + (" (busy)" if self.busy else ""))
        return "; ".join(parts)

    def as_dict(self) -> dict[str, Any]:
        """Return the fields, and whether the machine was busy."""
        return {**asdict(self), "busy": self.busy}


@dataclass(frozen=True)
class Memory:
    """Bytes: the most that the process ever had in main memory, before the work and with it.

    All of the process counts: the interpreter, torch, the data, the model. `worker` is the most
    that a process which it forked had, what the two share included; `device` the most that tensors
    took on the CUDA device. None where the system does not tell, or where there was none.
    """

    before: int | None
    peak: int | None
    device: int | None = None
    worker: int | None = None

    def render(self, width: int) -> str:
        """Return the peak, so wide, and what it is."""
        if self.peak is None or self.before is None:
            return f"{'?':>{width}}  not told by this system"
        text = (
            f"{_gb(self.peak):>{width}}  resident, of the whole process ({_gb(self.before)} before)"
        )
        if self.worker is not None:
            text += f"; of a worker {_gb(self.worker)}, partly the same"
        if self.device is not None:
            text += f"; {_gb(self.device)} of tensors on the device"
        return text

    def as_dict(self) -> dict[str, int | None]:
        """Return the fields by name, in bytes."""
        return asdict(self)


def peak_device_memory(device: torch.device) -> int | None:
    """Return the most bytes that tensors took on a CUDA device; None for the CPU."""
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None


def synchronize(device: torch.device) -> None:
    """Wait until the device has done what it was told; the CPU has."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def set_threads(threads: int | None) -> None:
    """Have torch compute with so many threads of the CPU; None leaves it its own choice."""
    if threads is not None:
        torch.set_num_threads(threads)


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def _gb(size: int) -> str:
    return f"{size / 1e9:.2f} GB"
