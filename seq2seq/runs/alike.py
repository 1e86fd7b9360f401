"""Whether models can work together: those of an ensemble, a teacher and its student."""

from seq2seq.config import Config, differences
from seq2seq.data.tokenizer import Tokenizers
from seq2seq.errors import UserError
from seq2seq.runs.run import Run

_SHARED = ("data.source", "data.target", "data.source_kind", "tokenizer.source_end")


def check_alike(
    run: Run, config: Config, tokenizers: Tokenizers, *, other: str, consequence: str
) -> None:
    """Raise UserError unless a run reads and writes the same pieces as `other`, whose are given.

    `consequence` says what can't be.
    """
    if any(a.model != b.model for a, b in zip(tokenizers, run.tokenizers, strict=True)):
        raise UserError(f"{run.folder}: its tokenizers are not those of {other}, so {consequence}")
    for key, ours, theirs in differences(config, run.config):
        if key.startswith(_SHARED):
            raise UserError(
                f"{run.folder}: its {key} is {theirs!r}, that of {other} {ours!r}, so {consequence}"
            )
