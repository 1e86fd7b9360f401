"""What a training says where memory runs out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from seq2seq.data.batching import Batch
from seq2seq.errors import RankError
from seq2seq.machine.memory import is_out_of_memory
from seq2seq.training.distributed import ALONE, World


@contextmanager
def telling_of_memory(where: str, batch: Batch, world: World = ALONE) -> Iterator[None]:
    """Name the batch, and what to lower, in a RankError if memory runs out inside the block."""
    try:
        yield
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        raise RankError(
            f"{world.name}out of memory {where} on a batch of {len(batch)} sentences, "
            f"{batch.source_BS.size(1)} source and {batch.targets_BT.size(1)} target pieces long: "
            "lower batching.tokens or data.max_length"
        ) from None
