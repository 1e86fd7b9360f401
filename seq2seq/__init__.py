"""Train, study and compare attention in recurrent sequence-to-sequence translation.

import seq2seq
translator = seq2seq.load("runs/demo")
translation = translator.translate(["I love you"])[0]
translation.text, translation.score, translation.words, translation.attention
"""

from importlib import import_module
from typing import TYPE_CHECKING

from seq2seq.machine.waiting import choose_waiting

if TYPE_CHECKING:
    from seq2seq.api import compare, evaluate, explain, load, load_config, train
    from seq2seq.compare.comparison import Comparison
    from seq2seq.config import Config, DecodingConfig
    from seq2seq.errors import UserError
    from seq2seq.evaluation.evaluate import Evaluation
    from seq2seq.explain.explanation import Explanation
    from seq2seq.export.translator import LightTranslator
    from seq2seq.inference.translator import Translator
    from seq2seq.runs.run import Run
    from seq2seq.translation.translation import Candidate, Translation

__all__ = [
    "Candidate",
    "Comparison",
    "Config",
    "DecodingConfig",
    "Evaluation",
    "Explanation",
    "LightTranslator",
    "Run",
    "Translation",
    "Translator",
    "UserError",
    "compare",
    "evaluate",
    "explain",
    "load",
    "load_config",
    "train",
]
__version__ = "0.1.0"

choose_waiting()  # OpenMP reads it when torch is imported, and not again

_HOMES = {
    "Candidate": "translation.translation",
    "Comparison": "compare.comparison",
    "Config": "config",
    "DecodingConfig": "config",
    "Evaluation": "evaluation.evaluate",
    "Explanation": "explain.explanation",
    "LightTranslator": "export.translator",
    "Run": "runs.run",
    "Translation": "translation.translation",
    "Translator": "inference.translator",
    "UserError": "errors",
    "evaluate": "api",
    "load": "api",
    "load_config": "api",
    "train": "api",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used: `seq2seq --help` need not wait for torch."""
    if name in ("compare", "explain"):  # packages of these names, which can be called: see there
        return import_module(f"seq2seq.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"seq2seq.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """Return the public names, imported already or not."""
    return [*__all__, "__version__"]
