"""A corpus small enough to learn by heart, and about the smallest network that can."""

from collections.abc import Sequence
from pathlib import Path

from seq2seq.config import Config, load_config

Pairs = Sequence[tuple[str, str]]

EIGHT: Pairs = [
    ("the cat sleeps", "le chat dort"),
    ("the dog sleeps", "le chien dort"),
    ("the cat eats", "le chat mange"),
    ("the dog eats", "le chien mange"),
    ("a black cat sleeps here", "un chat noir dort ici"),
    ("a black dog eats here", "un chien noir mange ici"),
    ("the small cat eats a small dog", "le petit chat mange un petit chien"),
    ("here", "ici"),
]


BY_HEART = (  # learns the eight in a second
    "model.embedding=16",
    "model.encoder.size=16",
    "model.decoder.size=32",
    "training.label_smoothing=0",
    "training.optimizer.lr=0.02",
    "training.max_steps=100",
    "training.validate_every=100",
)


def write_corpus(folder: Path, name: str, pairs: Pairs) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    for side, language in enumerate(("en", "fr")):
        text = "".join(f"{pair[side]}\n" for pair in pairs)
        (folder / f"{name}.{language}").write_text(text, encoding="utf-8")
    return str(folder / name)


def tiny(folder: Path, *overrides: str, pairs: Pairs = EIGHT) -> Config:
    """The configuration of a run on `pairs`, which it is validated on as well.

    Of two overrides of one key the later one holds.
    """
    settings: dict[str, object] = {
        "data.train": write_corpus(folder, "train", pairs),
        "data.valid": write_corpus(folder, "valid", pairs),
        "tokenizer.vocab_size": 90,
        "batching.sentences": 4,
        "model.embedding": 8,
        "model.dropout": 0.0,
        "model.encoder.size": 8,
        "model.decoder.size": 16,
        "training.max_steps": 6,
        "training.validate_every": 3,
        "training.optimizer.lr": 0.01,
        "training.samples": 0,
        "training.device": "cpu",
        "decoding.beam": 1,
    }
    for override in overrides:
        key, _, value = override.partition("=")
        settings[key] = value
    return load_config(None, [f"{key}={value}" for key, value in settings.items()])
