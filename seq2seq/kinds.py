"""The kinds of every part that the configuration chooses by name: one table for each `kind`.

A table knows the names without torch, and imports a class of this package when it is asked for.
A user's file adds its own: `ATTENTIONS["bilinear"] = Bilinear`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Generic, TypeVar

from seq2seq.errors import UserError, did_you_mean

Part = TypeVar("Part")


class KindTable(MutableMapping[str, Part], Generic[Part]):
    """Names -> classes (or functions); `package` is where the modules of `homes` are."""

    def __init__(self, package: str, homes: Mapping[str, str]) -> None:
        """Each of `homes` is `module.Name` in `package`."""
        self._package = package
        self._homes = dict(homes)
        self._parts: dict[str, Part | None] = dict.fromkeys(homes)

    def __getitem__(self, kind: str) -> Part:
        part = self._parts[kind]
        if part is None:
            module, _, name = self._homes[kind].rpartition(".")
            part = getattr(import_module(f"{self._package}.{module}"), name)
            assert part is not None
            self._parts[kind] = part
        return part

    def __setitem__(self, kind: str, part: Part) -> None:
        self._parts[kind] = part

    def __delitem__(self, kind: str) -> None:
        del self._parts[kind]

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)

    def __contains__(self, kind: object) -> bool:
        return kind in self._parts

    @property
    def parts(self) -> dict[str, Part | None]:
        """What each kind is; None of one of this package that has not been imported yet."""
        return dict(self._parts)

    def restore(self, parts: Mapping[str, Part | None]) -> None:
        """Have the kinds that were the `parts` at another time."""
        self._parts = dict(parts)


SOURCES: KindTable[type] = KindTable(
    "seq2seq.data.sources",
    {
        "text": "text.Text",
        "image": "image.ImageReader",
        "sound": "sound.SoundReader",
        "array": "array.ArrayReader",
    },
)
ATTENTIONS: KindTable[type] = KindTable(
    "seq2seq.model.attention",
    {
        "dot": "luong.Dot",
        "general": "luong.General",
        "concat": "bahdanau.Additive",
        "additive": "bahdanau.Additive",
        "qkv": "qkv.QKV",
        "multihead": "qkv.MultiHead",
        "sigma-pi": "sigma_pi.SigmaPi",
        "cosine": "ntm.Cosine",
        "location": "location.Location",
        "location-aware": "location.LocationAware",
        "coverage": "location.Coverage",
        "uniform": "controls.Uniform",
        "none": "controls.NoAttention",
    },
)
ADDRESSINGS: KindTable[type] = KindTable(
    "seq2seq.model.attention",
    {
        "softmax": "contract.Softmax",
        "sparsemax": "sparse.Sparsemax",
        "entmax": "sparse.Entmax",
        "local-m": "local.LocalMonotonic",
        "local-p": "local.LocalPredictive",
        "hard": "hard.Stochastic",
        "gumbel": "hard.StraightThrough",
        "ntm": "ntm.NTMAddressing",
    },
)
CELLS: KindTable[type] = KindTable(
    "seq2seq.model.cells",
    {
        "gru": "gru.GRU",
        "lstm": "lstm.LSTM",
        "deep-gru": "deep_gru.DeepGRU",
        "multiplicative": "multiplicative.MultiplicativeRNN",
        "multiplicative-lstm": "multiplicative.MultiplicativeLSTM",
        "sigma-pi": "sigma_pi.SigmaPi",
        "hyper": "hyper.Hyper",
        "fast-weights": "fast_weights.FastWeights",
        "fast-associative": "fast_associative.FastAssociative",
        "ntm": "ntm.NTM",
        "dnc": "dnc.DNC",
    },
)
ENCODERS: KindTable[type] = KindTable(
    "seq2seq.model.encoders",
    {
        "recurrent": "recurrent.RecurrentEncoder",
        "transformer": "transformer.TransformerEncoder",
        "perceiver": "perceiver.Perceiver",
    },
)
DECODERS: KindTable[type] = KindTable(
    "seq2seq.model.decoders",
    {
        "luong": "luong.Luong",
        "bahdanau": "bahdanau.Bahdanau",
        "conditional": "conditional.Conditional",
        "stacked": "stacked.Stacked",
        "transformer": "transformer.TransformerDecoder",
    },
)
OBJECTIVES: KindTable[Callable[..., Any]] = KindTable(
    "seq2seq.training",
    {
        "likelihood": "objective.likelihood",
        "distillation": "distillation.distillation",
        "minimum-risk": "risk.minimum_risk",
    },
)
OPTIMIZERS: KindTable[Callable[..., Any]] = KindTable(
    "seq2seq.training", {"adam": "optimizer.adam", "adamw": "optimizer.adamw"}
)
SCHEDULES: KindTable[type] = KindTable(
    "seq2seq.training",
    {
        "constant": "schedules.Schedule",
        "inverse_sqrt": "schedules.InverseSqrt",
        "plateau": "schedules.Plateau",
        "cosine": "schedules.Cosine",
    },
)
FORCINGS: KindTable[Callable[[float], float]] = KindTable(
    "seq2seq.training",
    {
        "constant": "schedules.constant",
        "linear": "schedules.linear",
        "exponential": "schedules.exponential",
        "inverse_sigmoid": "schedules.inverse_sigmoid",
    },
)


TABLES: tuple[KindTable[Any], ...] = (
    *(SOURCES, ATTENTIONS, ADDRESSINGS, CELLS, ENCODERS, DECODERS),
    *(OBJECTIVES, OPTIMIZERS, SCHEDULES, FORCINGS),
)


@contextmanager
def as_before() -> Iterator[None]:
    """Leave all tables as they were, whatever kinds code in the block adds to them."""
    before = [table.parts for table in TABLES]
    try:
        yield
    finally:
        for table, parts in zip(TABLES, before, strict=True):
            table.restore({**table.parts, **parts})


def options_of(kind: Callable[..., Any]) -> list[inspect.Parameter]:
    """Return the options that a kind takes: its keyword-only arguments.

    Raises UserError if the type of one is not known while the program runs.
    """
    try:
        parameters = inspect.signature(kind, eval_str=True).parameters.values()
    except Exception as error:  # of a user's own kind: any expression may stand there
        name = getattr(kind, "__qualname__", repr(kind))
        raise UserError(
            f"{name}: the type of an argument cannot be told: {type(error).__name__}: {error}; "
            "write one that is there when the program runs, not only `if TYPE_CHECKING:`"
        ) from None
    return [parameter for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY]


def option_names(kind: Callable[..., Any]) -> list[str]:
    """Return the names of the options that a kind takes."""
    return [option.name for option in options_of(kind)]


def unknown_kind(kinds: Mapping[str, Any], kind: str, key: str) -> str:
    """Return what is wrong with a `kind` that is none of `kinds`; `key` is where it was chosen."""
    parent, _, name = key.rpartition(".")
    if name in ("attention", "self_attention") and kind in ADDRESSINGS:
        hint = f"; {kind} is an addressing: set {key}.addressing={kind}"
    elif name == "addressing" and kind in ATTENTIONS:
        hint = f"; {kind} is an attention unit: set {parent}={kind}"
    elif name == "decoder" and kind in CELLS:
        hint = f" (did you mean {key}.cell?)"
    else:
        hint = did_you_mean(kind, [*kinds, *_SHORT.get(name, ())])
    return f"expected one of {', '.join([*kinds, *_SHORT.get(name, ())])}, found {kind!r}{hint}"


def unknown_option(kind: str, name: str, taken: Iterable[str], others: Iterable[str] = ()) -> str:
    """Return what is wrong with an option that a kind does not take.

    `others` are settings beside the options, which may have been meant.
    """
    taken = list(taken)
    return (
        f"unknown option of kind {kind}, which takes {', '.join(taken) or 'no options'}"
        f"{did_you_mean(name, [*taken, *others])}"
    )


_SHORT = {"encoder": ("gru", "lstm")}
"""Kinds that are short for others: those of `EncoderConfig`."""
