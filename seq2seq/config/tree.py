"""The typed configuration tree: every setting of the product, its default, its bounds and its unit.

A key that is not in this file is refused, never ignored, and so is a setting that has no effect.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from operator import getitem
from typing import Annotated, Any, ClassVar, Literal, TypeGuard, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from seq2seq.bounds import (
    BelowOne,
    Count,
    CountFrom0,
    Fraction,
    Layers,
    LearningRate,
    Length,
    Pieces,
    Positive,
    Temperature,
    Threads,
    Units,
)
from seq2seq.kinds import (
    ADDRESSINGS,
    ATTENTIONS,
    CELLS,
    DECODERS,
    ENCODERS,
    FORCINGS,
    OBJECTIVES,
    OPTIMIZERS,
    SCHEDULES,
    SOURCES,
    option_names,
    options_of,
)

Key = tuple[str, ...]
"""The names on the way from the root to a setting."""

Precision = Literal["fp32", "bf16"]
BridgeKind = Literal["last", "mean", "copy", "zero", "state"]
"""What the cells of a decoder start from: `model.decoders.bridge`."""
BleuTokenizer = Literal[
    "auto", "13a", "zh", "ja-mecab", "ko-mecab", "char", "intl", "none", "flores200"
]
"""sacreBLEU's names, and `auto`, which follows the target language."""


def _is_corpus(value: object) -> object:
    items = value if isinstance(value, list) and value else [value]
    pairs = [item for item in items if isinstance(item, list)] if items is value else []
    paths = [path for item in items for path in (item if item in pairs else [item])]
    if not all(isinstance(path, str) for path in paths) or any(len(pair) != 2 for pair in pairs):
        raise ValueError(
            f"expected one path, [source, target], or a list of corpora, found {value!r}"
        )
    return value


def _is_language(value: object) -> object:
    # It is the ending of files that are read and written.
    if isinstance(value, str) and not (value.isprintable() and {"/", "\\"}.isdisjoint(value)):
        raise ValueError(f"expected the code of a language, like en or pt-BR, found {value!r}")
    return value


Language = Annotated[str, BeforeValidator(_is_language)]
CorpusPath = Annotated[str | list[str | list[str]], BeforeValidator(_is_corpus)]
"""A path, [source file, target file], or a list of corpora, where a pair of files is a list."""


def _are_columns(value: object) -> object:
    names = value if isinstance(value, (list, tuple)) else []
    valid = all(isinstance(n, str) or (type(n) is int and n > 0) for n in names)
    if value is not None and not (valid and len(names) == 2 and names[0] != names[1]):
        raise ValueError(
            f"expected [source, target], two numbers (from 1) or names of columns, found {value!r}"
        )
    return value


Columns = Annotated[tuple[int | str, int | str] | None, BeforeValidator(_are_columns)]
"""The columns of a table that hold source and target: numbers, from 1, or names."""


def kinds_of(annotation: Any) -> set[Any]:
    """The types that an annotation is made of."""
    return {annotation}.union(*map(kinds_of, get_args(annotation)))


class Part(BaseModel):
    """A branch of the tree; an unknown key is an error, and so is a number that is not finite."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, validate_default=True, allow_inf_nan=False
    )

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_for_a_number(cls, value: Any, info: ValidationInfo) -> Any:
        # pydantic would take true for 1
        kinds = kinds_of(cls.model_fields[str(info.field_name)].annotation)
        values = value if isinstance(value, list | tuple) else [value]
        numeric = {int, float} & kinds and not {bool, str} & kinds
        if numeric and any(isinstance(v, bool) for v in values):
            raise ValueError(f"expected a number, found {value!r}")
        return value

    @classmethod
    def idle(cls, values: Mapping[str, Any]) -> dict[str, str]:
        """Return the settings that do nothing beside `values`, each with the reason.

        `values` are settings by name; one that is missing has its default. To give such a setting
        another value than its default is refused; one from a base that another choice made idle is
        left out.
        """
        return {}


class KindPart(Part):
    """A part chosen by `kind:` alone, or by a mapping with `kind:` and that kind's own options."""

    @model_validator(mode="before")
    @classmethod
    def _bare_kind(cls, value: Any) -> Any:
        return {"kind": value} if isinstance(value, str) else value


class VaryConfig(Part):
    """Fractions of the training pairs that are shown in another spelling as well."""

    upper: Fraction = 0.0
    lower: Fraction = 0.0
    quotes: Fraction = 0.0


def _of_other_kinds(takers: Mapping[str, Sequence[str]], kind: Any) -> dict[str, str]:
    """The options that `kind` does not take, each with the reason."""
    return {
        option: f"it belongs to kind {' or '.join(kinds)}, and the kind is {kind}"
        for option, kinds in takers.items()
        if kind not in kinds
    }


class UnitConfig(KindPart):
    """A part chosen by name; what other options it takes is said by the part's own class."""

    model_config = ConfigDict(extra="allow", frozen=True)
    table: ClassVar[Mapping[str, Any]]
    """The kinds there are; the user's own files may add some."""
    common: ClassVar[tuple[str, ...]] = ()
    """Fields that belong to no kind, so that a kind need not take them."""
    kind: str

    @property
    def options(self) -> dict[str, Any]:
        """The part's own settings."""
        return dict(self.model_extra or {})


class SourceConfig(UnitConfig):
    """What a source is: text, or files that are read as rows of numbers."""

    table = SOURCES
    kind: str = "text"

    @property
    def is_text(self) -> bool:
        """Whether sources are sentences, and not files."""
        return self.kind == "text"


class DataConfig(Part):
    """Which text is learnt from, and which pairs of it are kept."""

    source: Language = "en"
    target: Language = "fr"
    source_kind: SourceConfig = SourceConfig()
    train: CorpusPath = Field(default="", validate_default=False)
    valid: CorpusPath = Field(default="", validate_default=False)
    test: CorpusPath | None = None
    columns: Columns = None
    max_length: Length = 100
    max_ratio: float = Field(default=9.0, ge=1, le=1e9)
    deduplicate: bool = True
    vary: VaryConfig = VaryConfig()
    subword_sampling: Fraction | None = None
    workers: Threads | None = None

    @classmethod
    def idle(cls, values: Mapping[str, Any]) -> dict[str, str]:
        """What is about text alone, where sources are files."""
        given = values.get("source_kind", "text")
        kind = given.get("kind", "text") if isinstance(given, Mapping) else given
        if getattr(kind, "kind", kind) == "text":
            return {}
        return {
            "vary": f"it varies how text is written, and sources are files ({kind})",
            "max_ratio": f"it compares lengths of texts, and sources are files ({kind})",
        }


class TokenizerConfig(Part):
    """The SentencePiece model: how text becomes pieces."""

    kind: Literal["unigram", "bpe", "word", "char"] = "bpe"
    vocab_size: Pieces = 6000
    joint: bool = True
    character_coverage: float = Field(default=1.0, ge=0.98, le=1)
    normalization: Literal["identity", "nfkc", "nmt_nfkc", "nfkc_cf", "nmt_nfkc_cf"] = "identity"
    source_end: bool = True


class BatchingConfig(Part):
    """How sentence pairs are grouped into batches of similar length."""

    tokens: Count = 2000
    sentences: Count | None = None
    pool: Count = 100

    @classmethod
    def idle(cls, values: Mapping[str, Any]) -> dict[str, str]:
        """`tokens`, where the size of a batch is given in sentences."""
        sized = values.get("sentences") is not None
        return {"tokens": "batching.sentences sets the size of a batch"} if sized else {}


class AddressingConfig(UnitConfig):
    """How scores become weights."""

    table = ADDRESSINGS
    kind: str = "softmax"


class AttentionConfig(UnitConfig):
    """The attention unit: how positions are scored, and how the scores become weights."""

    table = ATTENTIONS
    common = ("addressing",)
    kind: str = "additive"
    addressing: AddressingConfig = AddressingConfig()


class CellConfig(UnitConfig):
    """What a recurrent layer computes at a step."""

    table = CELLS
    kind: str = "gru"


class EncoderConfig(UnitConfig):
    """Source embeddings -> encoder states, the memory that attention reads."""

    table = ENCODERS
    kind: str = "recurrent"
    cell: CellConfig = CellConfig()
    size: Units = 256
    layers: Layers = 1
    bidirectional: bool = True
    self_attention: AttentionConfig | None = None
    self_residual: bool = False

    @classmethod
    def idle(cls, values: Mapping[str, Any]) -> dict[str, str]:
        """The residual path, where there is no self-attention to go around."""
        alone = values.get("self_attention") is None
        return {"self_residual": "model.encoder.self_attention is null"} if alone else {}

    @model_validator(mode="before")
    @classmethod
    def _cell_for_kind(cls, value: Any) -> Any:
        """`kind: lstm` is short for a recurrent encoder of that cell."""
        value = {"kind": value} if isinstance(value, str) else value
        if isinstance(value, dict) and value.get("kind") in ("gru", "lstm"):
            return {**value, "kind": "recurrent", "cell": value["kind"]}
        return value


class DecoderConfig(UnitConfig):
    """Memory and the tokens so far -> features of the next token."""

    table = DECODERS
    kind: str = "bahdanau"
    cell: CellConfig = CellConfig()
    size: Units = 512
    layers: Layers = 1
    input_feeding: bool = False
    bridge: BridgeKind = "last"
    readout: Literal["tanh", "maxout"] = "tanh"
    self_attention: AttentionConfig | None = None

    @model_validator(mode="after")
    def _only_luong_feeds(self) -> DecoderConfig:
        if self.input_feeding and self.kind in ("bahdanau", "conditional"):
            raise ValueError(
                "input_feeding belongs to kind luong; "
                f"a {self.kind} decoder already feeds its context to the cell"
            )
        return self


class DropoutsConfig(Part):
    """Rates of dropout for single places; None is `model.dropout`."""

    embedding: BelowOne | None = None
    states: BelowOne | None = None
    layers: BelowOne | None = None
    output: BelowOne | None = None
    word: BelowOne = 0.0


class ModelConfig(Part):
    """The network: sizes in units (numbers of reals), rates as probabilities."""

    embedding: Units = 256
    tie: Literal["none", "target", "all"] = "all"
    dropout: BelowOne = 0.2
    dropouts: DropoutsConfig = DropoutsConfig()
    encoder: EncoderConfig = EncoderConfig()
    attention: AttentionConfig = AttentionConfig()
    decoder: DecoderConfig = DecoderConfig()
    alignment: str | None = None

    @model_validator(mode="after")
    def _states_are_dropped(self) -> ModelConfig:
        if self.dropouts.states is not None and self.decoder.kind == "transformer":
            raise ValueError(
                "dropouts.states is for recurrent decoders; a transformer's rates are "
                "dropouts.layers and decoder.attention_dropout"
            )
        return self

    def dropout_of(self, place: Literal["embedding", "states", "layers", "output"]) -> float:
        """Return the rate of dropout at a place."""
        own: float | None = getattr(self.dropouts, place)
        return self.dropout if own is None else own


class ObjectiveConfig(UnitConfig):
    """What training makes small."""

    table = OBJECTIVES
    kind: str = "likelihood"


class OptimizerConfig(UnitConfig):
    """How a gradient becomes a step."""

    table = OPTIMIZERS
    common = ("lr", "clip")
    kind: str = "adam"
    lr: LearningRate = 1e-3
    betas: tuple[BelowOne, BelowOne] = (0.9, 0.999)
    eps: float = Field(default=1e-8, gt=0, le=1)
    weight_decay: float = Field(default=0.0, ge=0, le=100)
    clip: Positive | None = 1.0


class ScheduleConfig(UnitConfig):
    """The learning rate's factor over time."""

    table = SCHEDULES
    common = ("warmup",)
    kind: str = "constant"
    warmup: CountFrom0 = 0
    factor: float = Field(default=0.5, gt=0, lt=1)
    patience: CountFrom0 = 1
    minimum: Fraction = 0.01

    @classmethod
    def idle(cls, values: Mapping[str, Any]) -> dict[str, str]:
        """What other kinds than the chosen one take."""
        takers = {
            name: [kind for kind, part in SCHEDULES.items() if name in option_names(part)]
            for name in cls.model_fields
            if name not in ("kind", *cls.common)
        }
        return _of_other_kinds(takers, values.get("kind", "constant"))


class TeacherForcingConfig(UnitConfig):
    """The probability that the decoder is fed the reference's token, not its own."""

    table = FORCINGS
    common = ("start", "end", "steps", "per", "next")
    kind: str = "constant"
    start: Fraction = 1.0
    end: Fraction = 0.0
    steps: float = Field(default=10000, ge=1e-3, le=1e9)
    per: Literal["token", "sequence", "batch"] = "token"
    next: Literal["argmax", "sample"] = "argmax"

    @classmethod
    def idle(cls, values: Mapping[str, Any]) -> dict[str, str]:
        """Where the probability goes to if it stays, and how to draw if nothing is drawn."""
        falling = [kind for kind in FORCINGS if kind != "constant"]
        kind = values.get("kind", "constant")
        idle = _of_other_kinds({"end": falling, "steps": falling}, kind)
        stays = kind == "constant" or values.get("end", 0) == 1
        if stays and values.get("start", 1) == 1:
            idle |= dict.fromkeys(("per", "next"), "every input comes from the reference")
        return idle


class TrainingConfig(Part):
    """The run: how long, how measured, how saved. A step is one update of the weights."""

    max_steps: Count | None = None
    max_epochs: Count | None = None
    max_minutes: Positive | None = None
    accumulate: Count = 1
    objective: ObjectiveConfig = ObjectiveConfig()
    label_smoothing: BelowOne = 0.1
    optimizer: OptimizerConfig = OptimizerConfig()
    schedule: ScheduleConfig = ScheduleConfig()
    teacher_forcing: TeacherForcingConfig = TeacherForcingConfig()
    validate_every: Count | None = None
    metric: Literal["bleu", "chrf", "exact", "loss"] = "bleu"
    patience: Count | None = 10
    max_skipped: Count = 10
    keep: Count = 1
    average: Count = 1
    average_of: Literal["newest", "best"] = "newest"
    ema: BelowOne | None = None
    samples: CountFrom0 = 3
    log_every: Count = 50
    tensorboard: bool = False
    precision: Precision = "fp32"
    products: Literal["auto", "mkl", "onednn"] = "auto"
    device: str = "auto"
    threads: Threads | None = None

    @classmethod
    def idle(cls, values: Mapping[str, Any]) -> dict[str, str]:
        """What is averaged, if nothing is; and what is about likelihood alone, where something
        else is made small."""
        idle = {}
        if values.get("average", 1) == 1:
            idle["average_of"] = "training.average is 1, the best checkpoint alone"
        objective = values.get("objective", "likelihood")
        kind = objective.get("kind") if isinstance(objective, Mapping) else objective
        kind = getattr(kind, "kind", kind)
        if kind == "minimum-risk":
            reason = "training.objective is minimum-risk, which scores whole translations"
            idle |= dict.fromkeys(("label_smoothing", "teacher_forcing"), reason)
        if kind == "distillation":
            reason = "training.objective is distillation, whose teachers read the reference"
            idle["teacher_forcing"] = reason
            options = getattr(objective, "options", objective)
            if isinstance(options, Mapping) and options.get("weight") == 1:
                idle["label_smoothing"] = "the teachers' predictions have all the weight"
        return idle

    @model_validator(mode="after")
    def _ends(self) -> TrainingConfig:
        if not (self.max_steps or self.max_epochs or self.max_minutes or self.patience):
            raise ValueError("would never end: set max_steps, max_epochs, max_minutes or patience")
        if self.schedule.kind == "cosine" and not self.max_steps:
            raise ValueError("schedule cosine ends at max_steps, which is not set")
        return self


class DecodingConfig(Part):
    """How the best translation is searched for; lengths are in target pieces."""

    beam: int = Field(default=5, ge=1, le=10_000)
    length_penalty: float = Field(default=1.0, ge=0, le=10)
    n_best: int = Field(default=1, ge=1, le=10_000)
    min_length: int = Field(default=0, ge=0, le=1_000_000)
    max_length: Length = 200
    max_ratio: Positive = 3.0
    no_repeat_ngram: int = Field(default=0, ge=0, le=1_000_000)
    max_source: Length = 1000
    unknown: Literal["copy", "empty", "translate"] = "copy"
    keep: bool = False
    sample: bool = False
    temperature: Temperature = 1.0
    top_k: CountFrom0 = 0
    top_p: float = Field(default=1.0, gt=0, le=1)
    batch: int = Field(default=64, ge=1, le=1_000_000)
    workers: Threads | None = None
    precision: Precision = "fp32"
    seed: int = Field(default=1, ge=0, lt=2**63)

    @classmethod
    def idle(cls, values: Mapping[str, Any]) -> dict[str, str]:
        """`beam`, where translations are drawn."""
        draws = values.get("sample") is True
        return {"beam": "it is for searching, which sample replaces by draws"} if draws else {}

    @model_validator(mode="after")
    def _consistent(self) -> DecodingConfig:
        if self.n_best > self.beam and not self.sample:
            raise ValueError(f"n_best {self.n_best} is more than beam {self.beam}")
        if self.min_length > self.max_length:
            raise ValueError(f"min_length {self.min_length} exceeds max_length {self.max_length}")
        if not self.sample and (self.temperature, self.top_k, self.top_p) != (1.0, 0, 1.0):
            raise ValueError("temperature, top_k and top_p need sample: true")
        return self


class EvaluationConfig(Part):
    """How translations are scored, in validation and by `evaluate`."""

    tokenize: BleuTokenizer = "auto"


def _yaml_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class Config(Part):
    """The whole tree; `configs/base.yaml` documents every key."""

    seed: int = Field(default=1, ge=0, lt=2**63)
    code: Annotated[list[str], BeforeValidator(_yaml_list)] = []
    init: str | None = None
    data: DataConfig = DataConfig()
    tokenizer: TokenizerConfig = TokenizerConfig()
    batching: BatchingConfig = BatchingConfig()
    model: ModelConfig = ModelConfig()
    training: TrainingConfig = TrainingConfig()
    decoding: DecodingConfig = DecodingConfig()
    evaluation: EvaluationConfig = EvaluationConfig()

    @model_validator(mode="after")
    def _suits_files(self) -> Config:
        kind = self.data.source_kind.kind
        wanted = {
            "tokenizer.joint": (self.tokenizer.joint, False),
            "tokenizer.source_end": (self.tokenizer.source_end, False),
            "decoding.keep": (self.decoding.keep, False),
            "decoding.unknown": (self.decoding.unknown, "copy"),
        }
        wrong = [
            f"{name}={str(right).lower()}"
            for name, (found, right) in wanted.items()
            if found != right
        ]
        if self.model.tie == "all":
            wrong.append("model.tie=target")
        if kind != "text" and wrong and self.init is None:  # which has a tokenizer and a model
            raise ValueError(
                f"data.source_kind {kind} has no text on the source's side: set {', '.join(wrong)}"
            )
        return self

    @model_validator(mode="after")
    def _can_keep(self) -> Config:
        if self.decoding.keep and self.model.attention.kind == "none":
            raise ValueError(
                "decoding.keep copies by attention, of which model.attention.kind none has none"
            )
        return self


def differences(one: Config, other: Config) -> Iterator[tuple[str, Any, Any]]:
    """Yield (dotted key, value in `one`, value in `other`) of each setting that differs.

    An option of a kind that only one of them gives has its default in the other.
    """
    trees = one.model_dump(mode="json"), other.model_dump(mode="json")
    theirs = dict(chosen_parts(other))
    for key, part in chosen_parts(one):
        if key in theirs and part.kind == theirs[key].kind:
            _fill_defaults(part, [reduce(getitem, key, tree) for tree in trees])
    yield from _differences(trees[0], trees[1], "")


def chosen_parts(part: Part, key: Key = ()) -> Iterator[tuple[Key, UnitConfig]]:
    """Yield the key of every part that is chosen by name, and the part."""
    if isinstance(part, UnitConfig):
        yield key, part
    for name in type(part).model_fields:
        if isinstance(inner := getattr(part, name), Part):
            yield from chosen_parts(inner, (*key, name))


def _fill_defaults(part: UnitConfig, branches: Sequence[dict[str, Any]]) -> None:
    """Give each of the branches the default of what another one sets."""
    names = {*branches[0]} ^ {*branches[1]}
    if not names or part.kind not in part.table:
        return
    for option in options_of(part.table[part.kind]):
        if option.name in names and option.default is not option.empty:
            for branch in branches:
                branch.setdefault(option.name, option.default)


def _differences(one: Any, other: Any, key: str) -> Iterator[tuple[str, Any, Any]]:
    if not (isinstance(one, dict) and isinstance(other, dict)):
        if one != other:
            yield key, one, other
        return
    for name in {**one, **other}:
        inner = f"{key}.{name}" if key else name
        yield from _differences(one.get(name), other.get(name), inner)


def parts_of(model: type[Part]) -> Iterator[tuple[str, type[Part]]]:
    """Yield the name and class of each branch of a branch."""
    for name, field in model.model_fields.items():
        if is_part(part := field.annotation):
            yield name, part


def has_kind(key: Key) -> bool:
    """Whether a part with a kind stands at `key`."""
    model: Any = Config
    for name in key:
        field = getattr(model, "model_fields", {}).get(name)
        model = field and next(
            (each for each in (field.annotation, *get_args(field.annotation)) if is_part(each)),
            None,
        )
    return is_part(model) and issubclass(model, KindPart)


def is_part(value: object) -> TypeGuard[type[Part]]:
    """Whether `value` is the class of a branch."""
    return isinstance(value, type) and issubclass(value, Part)
