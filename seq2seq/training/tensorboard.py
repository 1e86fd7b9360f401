"""The lines of metrics.jsonl as TensorBoard scalars; needs the extra `tensorboard`."""

from collections.abc import Mapping
from pathlib import Path

from seq2seq.errors import UserError
from seq2seq.extras import install_hint


def check_installed() -> None:
    """Raise UserError, with the line that installs it, if TensorBoard can't be imported."""
    try:
        import torch.utils.tensorboard  # noqa: F401 -- only to see that it can
    except ImportError:
        raise UserError(
            f"training.tensorboard: TensorBoard is not installed: {install_hint('tensorboard')}"
        ) from None


class Scalars:
    """Writes the numbers of each record under its kind: `train/loss`, `valid/bleu`."""

    def __init__(self, folder: Path, *, first_step: int) -> None:
        """Write into `folder`; what is there from `first_step` on is shown no more."""
        check_installed()
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(folder, purge_step=first_step)

    def add(self, record: Mapping[str, str | float]) -> None:
        """Write one record of metrics.jsonl."""
        for name, value in record.items():
            if name not in ("kind", "step"):
                self._writer.add_scalar(f"{record['kind']}/{name}", value, record["step"])

    def close(self) -> None:
        """Flush what is not on the disk yet."""
        self._writer.close()
