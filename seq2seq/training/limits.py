"""The limits of a run: which are reached, and how near the nearest one is."""

from __future__ import annotations

from typing import Any, NamedTuple

from tqdm import tqdm

from seq2seq.config import TrainingConfig
from seq2seq.training.progress import Progress


class Done(NamedTuple):
    """The share of the limit that is nearest, and that limit in words."""

    share: float
    text: str


def limits_reached(config: TrainingConfig, progress: Progress) -> dict[str, float]:
    """Return the settings that end the run now, and their values."""
    reached = {
        "max_steps": config.max_steps is not None and progress.step >= config.max_steps,
        "max_epochs": config.max_epochs is not None
        and progress.position.epoch >= config.max_epochs,
        "max_minutes": config.max_minutes is not None
        and progress.seconds >= 60 * config.max_minutes,
        "patience": config.patience is not None and progress.misses >= config.patience,
    }
    return {name: getattr(config, name) for name, holds in reached.items() if holds}


def share_done(config: TrainingConfig, progress: Progress, batches: int) -> Done | None:
    """Return how near the run is to the limit that it will reach first; None without a limit.

    Limits on updates, on epochs (of `batches` batches each) and on minutes all count from the very
    start. The first to be reached is the one with the largest share used up.
    """
    step, position = progress.step, progress.position
    epochs = position.epoch + position.batch / batches
    minutes = progress.seconds / 60
    shares = []
    if config.max_steps:
        shares.append(Done(step / config.max_steps, f"step {step:,} of {config.max_steps:,}"))
    if config.max_epochs:
        text = f"step {step:,}, epoch {epochs:.1f} of {config.max_epochs:,}"
        shares.append(Done(epochs / config.max_epochs, text))
    if config.max_minutes:
        text = f"step {step:,}, {minutes:.1f} of {config.max_minutes:g} min"
        shares.append(Done(minutes / config.max_minutes, text))
    nearest = max(shares, default=None)
    return nearest and nearest._replace(share=min(1.0, nearest.share))


class Bar:
    """A progress bar in percent of the nearest limit; without one it only counts updates."""

    def __init__(self, done: Done | None, *, show: bool) -> None:
        counted = "{percentage:3.0f}%|{bar}| {desc} [{elapsed}<{remaining}{postfix}]"
        self._bar: tqdm[Any] = tqdm(
            total=1.0 if done else None,
            initial=done.share if done else 0,
            bar_format=counted if done else "{desc} [{elapsed}{postfix}]",
            disable=not show,
            dynamic_ncols=True,
        )
        self._bar.set_description_str(done.text if done else "")

    def move(self, done: Done | None, step: int) -> None:
        """Show where the run is now."""
        self._bar.set_description_str(done.text if done else f"step {step:,}", refresh=False)
        self._bar.update(done.share - self._bar.n if done else 1)

    def say(self, text: str) -> None:
        """Show `text` behind the bar."""
        self._bar.set_postfix_str(text)

    def __enter__(self) -> Bar:
        """Return the bar itself; leaving the block closes it."""
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()
