"""What a run may go on with: some settings may change, its model and its text may not."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

from seq2seq.config import Config, differences
from seq2seq.data.tokenizer import Tokenizers
from seq2seq.errors import UserError
from seq2seq.runs.run import Run

logger = logging.getLogger(__name__)

_CHANGEABLE = ("training.", "decoding.", "evaluation.", "code", "data.workers")
"""Settings that may differ from those that the run began with."""
_CORPORA = ("data.train", "data.valid", "data.test")


def check_settings(run: Run, config: Config) -> None:
    """Raise UserError unless the run can go on with `config`."""
    for key, before, now in differences(run.config, config):
        # The run has copies of the code; corpora are compared by content, see `check_data`.
        if not key.startswith(_CHANGEABLE) and key not in _CORPORA:
            raise UserError(
                f"{run.folder}: cannot change {key} from {before!r} to {now!r} when resuming; "
                "keep it, or start a new run with --run DIR"
            )


def check_data(run: Run, summary: Mapping[str, Any], tokenizers: Tokenizers) -> None:
    """Refuse to go on with other text, or other pieces of it, than the run began with."""
    before = run.data
    for split in ("train", "valid"):
        if before.get(split) != summary[split]:
            raise UserError(
                f"{run.folder}: data.{split} is not the text that the run began with (see its "
                "data.json); restore it, or start a new run with --run DIR"
            )
    if [t.model for t in run.tokenizers] != [t.model for t in tokenizers]:
        raise UserError(
            f"{run.folder}: its tokenizer differs from the one that the corpus gives now, as with "
            "another version of sentencepiece; start a new run with --run DIR"
        )


def note_changes(run: Run, config: Config, step: int) -> None:
    """Say in the log and in the metrics which settings change from `step` on."""
    changes = {key: (before, now) for key, before, now in differences(run.config, config)}
    for key, values in changes.items():
        before, now = (json.dumps(value, ensure_ascii=False) for value in values)
        logger.info("%s: %s -> %s from step %d on", key, before, now, step)
    record = {"kind": "settings", "step": step, "changes": json.loads(json.dumps(changes))}
    if changes and run.last_record() != record:  # a kill may have come before config.yaml was new
        run.log_metrics(record)
