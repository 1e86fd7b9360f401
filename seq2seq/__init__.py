"""Train, study and compare attention in recurrent sequence-to-sequence translation.

import seq2seq
translator = seq2seq.load("runs/demo")
translation = translator.translate(["I love you"])[0]
translation.text, translation.score, translation.words, translation.attention
"""

from importlib import import_module
from typing import TYPE_CHECKING

from seq2seq.waiting import choose_waiting

if TYPE_CHECKING:
    from seq2seq.config import DecodingConfig, load_config
    from seq2seq.errors import UserError
    from seq2seq.inference.translation import Candidate, Translation
    from seq2seq.inference.translator import Translator, load
    from seq2seq.pipeline import train

__all__ = [
    "Candidate",
    "DecodingConfig",
    "Translation",
    "Translator",
    "UserError",
    "load",
    "load_config",
    "train",
]
__version__ = "0.1.0"

choose_waiting()  # OpenMP reads it when torch is imported, and not again

_HOMES = {
    "Candidate": "inference.translation",
    "DecodingConfig": "config",
    "Translation": "inference.translation",
    "Translator": "inference.translator",
    "UserError": "errors",
    "load": "inference.translator",
    "load_config": "config",
    "train": "pipeline",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used: `seq2seq --help` need not wait for torch."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"seq2seq.{_HOMES[name]}"), name)
