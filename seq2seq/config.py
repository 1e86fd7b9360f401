"""The typed configuration tree: every setting of the product, its default, its bounds and its unit.

`load_config` reads YAML 1.2 (in which `no` is a text: the code of Norwegian), follows `extends` (to
a file beside it, or a bundled recipe), applies `dotted.key=value` overrides and validates. A key
that is not in this file is refused with its file and line, never ignored, and so is a setting that
has no effect.

Relative paths written in a file are relative to that file; those in an override, to the working
directory. `corpora:NAME/train` is in corpora/NAME/ of the working directory, wherever it is
written: what `seq2seq data get NAME` has put there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from os.path import expanduser
from pathlib import Path
from typing import Annotated, Any, Literal, TypeGuard, TypeVar, get_args

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from seq2seq.bundled import bundled_recipe
from seq2seq.errors import UserError, did_you_mean

Fraction = Annotated[float, Field(ge=0, le=1)]
DropoutRate = Annotated[float, Field(ge=0, lt=1)]
Positive = Annotated[float, Field(gt=0)]
Precision = Literal["fp32", "bf16"]
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


def _kinds(annotation: Any) -> set[Any]:
    """The types that an annotation is made of."""
    return {annotation}.union(*map(_kinds, get_args(annotation)))


class Part(BaseModel):
    """A branch of the tree; an unknown key is an error, and so is a number that is not finite."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, validate_default=True, allow_inf_nan=False
    )

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_for_a_number(cls, value: Any, info: ValidationInfo) -> Any:
        # pydantic would take true for 1
        kinds = _kinds(cls.model_fields[str(info.field_name)].annotation)
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


class DataConfig(Part):
    """Which text is learnt from, and which pairs of it are kept."""

    source: str = "en"
    target: str = "fr"
    train: CorpusPath = Field(default="", validate_default=False)
    valid: CorpusPath = Field(default="", validate_default=False)
    test: CorpusPath | None = None
    columns: Columns = None
    max_length: int = Field(default=100, ge=1)
    max_ratio: float = Field(default=9.0, ge=1)
    deduplicate: bool = True
    vary: VaryConfig = VaryConfig()


class TokenizerConfig(Part):
    """The SentencePiece model: how text becomes pieces."""

    kind: Literal["unigram", "bpe"] = "bpe"
    vocab_size: int = Field(default=6000, ge=8)
    joint: bool = True
    character_coverage: float = Field(default=1.0, gt=0.9, le=1)
    normalization: Literal["identity", "nfkc", "nmt_nfkc", "nfkc_cf", "nmt_nfkc_cf"] = "identity"
    source_end: bool = True


class BatchingConfig(Part):
    """How sentence pairs are grouped into batches of similar length."""

    tokens: int = Field(default=2000, ge=1)
    sentences: int | None = Field(default=None, ge=1)
    pool: int = Field(default=100, ge=1)

    @classmethod
    def idle(cls, values: Mapping[str, Any]) -> dict[str, str]:
        """`tokens`, where the size of a batch is given in sentences."""
        sized = values.get("sentences") is not None
        return {"tokens": "batching.sentences sets the size of a batch"} if sized else {}


class UnitConfig(KindPart):
    """A part chosen by name; what other options it takes is said by the part's own class."""

    model_config = ConfigDict(extra="allow", frozen=True)
    kind: str

    @property
    def options(self) -> dict[str, Any]:
        """The part's own settings."""
        return dict(self.model_extra or {})


class AddressingConfig(UnitConfig):
    """How scores become weights."""

    kind: str = "softmax"


class AttentionConfig(UnitConfig):
    """The attention unit: how positions are scored, and how the scores become weights."""

    kind: str = "additive"
    addressing: AddressingConfig = AddressingConfig()


class EncoderConfig(KindPart):
    """Source ids -> encoder states, the memory that attention reads."""

    kind: Literal["gru", "lstm"] = "gru"
    size: int = Field(default=256, ge=1)
    layers: int = Field(default=1, ge=1)
    bidirectional: bool = True
    self_attention: AttentionConfig | None = None


class DecoderConfig(KindPart):
    """Memory and the tokens so far -> features of the next token."""

    kind: Literal["luong", "bahdanau", "conditional"] = "bahdanau"
    cell: Literal["gru", "lstm"] = "gru"
    size: int = Field(default=512, ge=1)
    layers: int = Field(default=1, ge=1)
    input_feeding: bool = False
    bridge: Literal["last", "mean", "copy", "zero"] = "last"
    readout: Literal["tanh", "maxout"] = "tanh"

    @model_validator(mode="after")
    def _only_luong_feeds(self) -> DecoderConfig:
        if self.input_feeding and self.kind != "luong":
            raise ValueError(
                "input_feeding belongs to kind luong; "
                f"a {self.kind} decoder already feeds its context to the cell"
            )
        return self


class ModelConfig(Part):
    """The network: sizes in units (numbers of reals), rates as probabilities."""

    embedding: int = Field(default=256, ge=1)
    tie: Literal["none", "target", "all"] = "all"
    dropout: DropoutRate = 0.2
    encoder: EncoderConfig = EncoderConfig()
    attention: AttentionConfig = AttentionConfig()
    decoder: DecoderConfig = DecoderConfig()


class OptimizerConfig(KindPart):
    """How a gradient becomes a step."""

    kind: Literal["adam", "adamw"] = "adam"
    lr: Positive = 1e-3
    betas: tuple[Fraction, Fraction] = (0.9, 0.999)
    eps: Positive = 1e-8
    weight_decay: float = Field(default=0.0, ge=0)
    clip: Positive | None = 1.0


class ScheduleConfig(KindPart):
    """The learning rate's factor over time."""

    kind: Literal["constant", "inverse_sqrt", "plateau", "cosine"] = "constant"
    warmup: int = Field(default=0, ge=0)
    factor: float = Field(default=0.5, gt=0, lt=1)
    patience: int = Field(default=1, ge=0)
    minimum: Fraction = 0.01

    @classmethod
    def idle(cls, values: Mapping[str, Any]) -> dict[str, str]:
        """What other kinds than the chosen one take."""
        takers = {
            "factor": ("plateau",),
            "patience": ("plateau",),
            "minimum": ("plateau", "cosine"),
        }
        return _of_other_kinds(takers, values.get("kind", "constant"))


class TeacherForcingConfig(KindPart):
    """The probability that the decoder is fed the reference's token, not its own."""

    kind: Literal["constant", "linear", "exponential", "inverse_sigmoid"] = "constant"
    start: Fraction = 1.0
    end: Fraction = 0.0
    steps: Positive = 10000
    per: Literal["token", "sequence", "batch"] = "token"
    next: Literal["argmax", "sample"] = "argmax"

    @classmethod
    def idle(cls, values: Mapping[str, Any]) -> dict[str, str]:
        """Where the probability goes to if it stays, and how to draw if nothing is drawn."""
        falling = ("linear", "exponential", "inverse_sigmoid")
        kind = values.get("kind", "constant")
        idle = _of_other_kinds({"end": falling, "steps": falling}, kind)
        if kind == "constant" and values.get("start", 1) == 1:
            idle |= dict.fromkeys(("per", "next"), "every input comes from the reference")
        return idle


class TrainingConfig(Part):
    """The run: how long, how measured, how saved. A step is one update of the weights."""

    max_steps: int | None = Field(default=None, ge=1)
    max_epochs: int | None = Field(default=None, ge=1)
    max_minutes: Positive | None = None
    accumulate: int = Field(default=1, ge=1)
    label_smoothing: DropoutRate = 0.1
    optimizer: OptimizerConfig = OptimizerConfig()
    schedule: ScheduleConfig = ScheduleConfig()
    teacher_forcing: TeacherForcingConfig = TeacherForcingConfig()
    validate_every: int | None = Field(default=None, ge=1)
    metric: Literal["bleu", "chrf", "loss"] = "bleu"
    patience: int | None = Field(default=10, ge=1)
    keep: int = Field(default=1, ge=1)
    average: int = Field(default=1, ge=1)
    samples: int = Field(default=3, ge=0)
    log_every: int = Field(default=50, ge=1)
    tensorboard: bool = False
    precision: Precision = "fp32"
    device: str = "auto"
    threads: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _ends(self) -> TrainingConfig:
        if not (self.max_steps or self.max_epochs or self.max_minutes or self.patience):
            raise ValueError("would never end: set max_steps, max_epochs, max_minutes or patience")
        if self.schedule.kind == "cosine" and not self.max_steps:
            raise ValueError("schedule cosine ends at max_steps, which is not set")
        return self


class DecodingConfig(Part):
    """How the best translation is searched for; lengths are in target pieces."""

    beam: int = Field(default=5, ge=1)
    length_penalty: float = Field(default=1.0, ge=0)
    n_best: int = Field(default=1, ge=1)
    min_length: int = Field(default=0, ge=0)
    max_length: int = Field(default=200, ge=1)
    max_ratio: Positive = 3.0
    no_repeat_ngram: int = Field(default=0, ge=0)
    max_source: int = Field(default=1000, ge=1)
    unknown: Literal["copy", "empty", "translate"] = "copy"
    keep: bool = False
    sample: bool = False
    temperature: Positive = 1.0
    top_k: int = Field(default=0, ge=0)
    top_p: float = Field(default=1.0, gt=0, le=1)
    batch: int = Field(default=64, ge=1)
    workers: int | None = Field(default=None, ge=1)
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
    def _can_keep(self) -> Config:
        if self.decoding.keep and self.model.attention.kind == "none":
            raise ValueError(
                "decoding.keep copies by attention, of which model.attention.kind none has none"
            )
        return self


def differences(one: Config, other: Config) -> Iterator[tuple[str, Any, Any]]:
    """Yield (dotted key, value in `one`, value in `other`) of each setting that differs."""
    yield from _differences(one.model_dump(mode="json"), other.model_dump(mode="json"), "")


def _differences(one: Any, other: Any, key: str) -> Iterator[tuple[str, Any, Any]]:
    if not (isinstance(one, dict) and isinstance(other, dict)):
        if one != other:
            yield key, one, other
        return
    for name in {**one, **other}:
        inner = f"{key}.{name}" if key else name
        yield from _differences(one.get(name), other.get(name), inner)


# --- reading -------------------------------------------------------------------------------------


class _Loader(yaml.SafeLoader):
    """Reads plain scalars as YAML 1.2 has them: `no`, `12:30` and `2020-01-31` are texts."""

    # ruamel.yaml would read 1.2 as well; for a page of resolvers it is one more dependency.


class _Dumper(yaml.SafeDumper):
    """Quotes a text that `_Loader` would take for something else."""


_SCALARS = {  # tag: (pattern, first characters), the core schema of YAML 1.2, 10.3.2
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "bool": (r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    "int": (r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    "float": (
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"
        r"|[-+]?(\.inf|\.Inf|\.INF)|\.nan|\.NaN|\.NAN",
        list("-+.0123456789"),
    ),
}
for _reader in (_Loader, _Dumper):
    _reader.yaml_implicit_resolvers = {}
    for _tag, (_pattern, _first) in _SCALARS.items():
        _reader.add_implicit_resolver(
            f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), _first
        )
_Loader.add_constructor(
    "tag:yaml.org,2002:int",
    lambda loader, node: int(node.value, 0 if node.value[:2] in ("0o", "0x") else 10),
)

Tree = dict[str, Any]
Key = tuple[str, ...]
_FETCHED = "corpora:"  # begins a path in ./corpora/, where `data get` leaves them
_UNITS = ("attention", "self_attention", "addressing")
_PATHS = (("data", "train"), ("data", "valid"), ("data", "test"), ("code",), ("init",))


class _Origins(dict[Key, str]):
    """Where each key was set: `file:line`, or the override as it was written."""

    def __init__(self, places: Mapping[Key, str] | None = None) -> None:
        super().__init__(places or {})
        self.idle: set[Key] = set()  # what was set beside a choice that makes it idle

    def note_bare_kind(self, key: Key, value: object) -> None:
        """Have the kind come from where `value`, if it is a bare one, was set."""
        if isinstance(value, str) and _has_kind(key):
            kind = (*key, "kind")
            self[kind] = self[key]

    def of(self, key: Key) -> str:
        """The origin of `key`, else of what is in it, else of its nearest parent that has one."""
        if key in self:
            return self[key]
        below = (origin for inner, origin in self.items() if key and inner[: len(key)] == key)
        above = (self[key[:length]] for length in range(len(key), 0, -1) if key[:length] in self)
        return next(below, next(above, ""))


def load_config(path: str | Path | None = None, overrides: Sequence[str] = ()) -> Config:
    """Return the configuration in the YAML file `path` with `key.subkey=value` overrides applied.

    Raises UserError naming the file and line (or the override), what was expected and found.
    """
    origins = _Origins()
    tree = _read_file(Path(path), origins, ()) if path is not None else {}
    return _overridden(tree, overrides, origins)


def load_dump(path: str | Path, overrides: Sequence[str] = ()) -> Config:
    """Return what `dump_config` wrote into `path`, with overrides applied, as `load_config` does.

    Every key is written out there, so that none is a wish: what has no effect is not refused, as in
    a run of before it was.
    """
    origins = _Origins()
    tree = _read_file(Path(path), origins, ())
    origins.idle.clear()
    return _overridden(tree, overrides, origins)


def _overridden(tree: Tree, overrides: Sequence[str], origins: _Origins) -> Config:
    _apply_overrides(tree, overrides, origins)
    config = parse_config(tree, origins)
    _refuse_idle(Config, tree, (), origins)
    return config


def parse_config(tree: Tree, origins: dict[Key, str] | None = None) -> Config:
    """Return the validated configuration of a plain tree; UserError at the first thing wrong."""
    try:
        return Config.model_validate(tree)
    except ValidationError as error:
        raise UserError(_explain(error, Config, _Origins(origins or {}))) from None


PartType = TypeVar("PartType", bound=Part)


def revise(part: PartType, changes: Mapping[str, Any]) -> PartType:
    """Return `part` with `changes`, checked as if the file had said so; UserError if they can't."""
    tree = {**part.model_dump(), **changes}
    try:
        revised = type(part).model_validate(tree)
    except ValidationError as error:
        raise UserError(_explain(error, type(part), _Origins())) from None
    for name, reason in part.idle(tree).items():
        if name in changes:
            raise UserError(f"{name} has no effect: {reason}")
    return revised


def dump_config(config: Config) -> str:
    """Return `config` as YAML, every key written out."""
    tree = config.model_dump(mode="json")
    return yaml.dump(tree, Dumper=_Dumper, sort_keys=False, allow_unicode=True)


def _read_file(path: Path, origins: _Origins, seen: tuple[Path, ...]) -> Tree:
    path = path.resolve()
    if path in seen:
        raise UserError(f"{path}: `extends` comes back to itself: {' -> '.join(map(str, seen))}")
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=_Loader)
    except FileNotFoundError:
        raise UserError(f"{path}: no such configuration file") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise UserError(f"{path}:{line}: expected UTF-8 text") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        raise UserError(f"{where}: not valid YAML: {getattr(error, 'problem', error)}") from None
    if node is None:
        return {}
    if not isinstance(node, yaml.MappingNode):
        raise UserError(f"{path}:1: expected a mapping of settings, found {_found(node)}")
    own_origins = _Origins()
    try:
        tree: Tree = _construct(
            node, (), lambda node: f"{path}:{node.start_mark.line + 1}", own_origins
        )
    except RecursionError:
        raise UserError(f"{path}: not a tree of settings: an alias stands within itself") from None
    _resolve_paths(tree, path.parent)
    if path == bundled_recipe(Path("base")):  # says the defaults for a reader; none is a wish
        _drop_equal(tree, Config().model_dump(mode="json"))
    parent = tree.pop("extends", None)
    if parent is not None:
        where = own_origins.of(("extends",))
        if not isinstance(parent, str):
            raise UserError(f"{where}: extends: expected one path, found {parent!r}")
        file = path.parent / expanduser(parent)
        if not file.is_file():
            recipe = bundled_recipe(Path(parent))
            if recipe is None:
                hint = did_you_mean(parent, [beside.name for beside in path.parent.glob("*.yaml")])
                raise UserError(f"{where}: extends: no such file {file}{hint}")
            file = recipe
        base = _read_file(file, origins, (*seen, path))
        origins.update(own_origins)
        _lay(tree, base, origins)
        return base
    origins.update(own_origins)
    _lay(tree, {}, origins)
    return tree


def _found(node: yaml.Node) -> str:
    return "a list" if isinstance(node, yaml.SequenceNode) else "one value"


def _drop_equal(tree: Tree, defaults: Tree) -> None:
    """Leave in `tree` only what differs from `defaults`."""
    for name in [*tree]:
        value, default = tree[name], defaults.get(name)
        if isinstance(value, dict) and isinstance(default, dict):
            _drop_equal(value, default)
            if not value:
                del tree[name]
        elif name in defaults and value == default:
            del tree[name]


def _construct(
    node: yaml.Node, key: Key, where: Callable[[yaml.Node], str], origins: _Origins
) -> Any:
    """The plain value of a YAML node, noting where each key stands and refusing a repeated one."""
    if not isinstance(node, yaml.MappingNode):
        try:
            return _Loader("").construct_object(node, deep=True)
        except (yaml.YAMLError, ValueError) as error:  # an unknown !tag
            reason = getattr(error, "problem", error)
            raise UserError(
                f"{where(node)}: {'.'.join(key)}: not a valid value: {reason}"
            ) from None
    tree: Tree = {}
    for key_node, value_node in node.value:
        place = where(key_node)
        if not isinstance(key_node, yaml.ScalarNode):
            raise UserError(f"{place}: expected the name of a setting, found a {key_node.id}")
        name = str(key_node.value)
        if name in tree:
            raise UserError(f"{place}: key {'.'.join((*key, name))!r} is given twice")
        here = (*key, name)
        origins[here] = place
        tree[name] = _construct(value_node, here, where, origins)
        origins.note_bare_kind(here, tree[name])
    return tree


def _lay(over: Tree, base: Tree, origins: _Origins) -> None:
    """Lay `over` on `base` in place, and see to what then does nothing."""
    _merge(base, over)
    _settle(Config, over, base, (), origins)


def _merge(base: Tree, over: Tree, key: Key = ()) -> None:
    """Lay `over` on `base` in place. A bare kind sets `kind`; a unit's options go with it."""
    for name, value in over.items():
        old, here = base.get(name), (*key, name)
        if isinstance(old, dict) and isinstance(value, str) and _has_kind(here):
            value = {"kind": value}
        if isinstance(old, str) and isinstance(value, dict) and _has_kind(here):
            old = base[name] = {"kind": old}
        if isinstance(old, dict) and isinstance(value, dict):
            new_unit = value.get("kind", old.get("kind")) != old.get("kind", value.get("kind"))
            if new_unit and here[-1] in _UNITS:
                base[name] = old = {k: v for k, v in old.items() if k in _UNITS}
            _merge(old, value, here)
        else:
            base[name] = value


def _settle(model: type[Part], over: Any, merged: Any, key: Key, origins: _Origins) -> None:
    """Note what `over` sets without effect; leave out what it has made so of the base."""
    if not isinstance(merged, dict):
        return
    given = over if isinstance(over, dict) else {}
    for name in model.idle(merged):
        if name not in given and (*key, name) not in origins.idle:
            merged.pop(name, None)
        elif name in given and given[name] != model.model_fields[name].default:
            origins.idle.add((*key, name))
    for name, part in _parts(model):
        _settle(part, given.get(name), merged.get(name), (*key, name), origins)


def _refuse_idle(model: type[Part], tree: Any, key: Key, origins: _Origins) -> None:
    """Refuse what was set without effect and has none in the end."""
    if not isinstance(tree, dict):
        return
    for name, reason in model.idle(tree).items():
        if (here := (*key, name)) in origins.idle:
            raise UserError(f"{origins.of(here)}: {'.'.join(here)} has no effect: {reason}")
    for name, part in _parts(model):
        _refuse_idle(part, tree.get(name), (*key, name), origins)


def _parts(model: type[Part]) -> Iterator[tuple[str, type[Part]]]:
    for name, field in model.model_fields.items():
        if _is_part(part := field.annotation):
            yield name, part


def _apply_overrides(tree: Tree, overrides: Sequence[str], origins: _Origins) -> None:
    """Lay all `key=value` overrides on the tree at once: their order says nothing."""
    over: Tree = {}
    given: dict[Key, tuple[str, Any]] = {}  # the override and the value
    for override in overrides:
        key, value, inner = _parse_override(override)
        for name in reversed(key):
            value = {name: value}
        _resolve_paths(value, Path.cwd())
        for leaf, found in _leaves(value, ()):
            _refuse_twice(leaf, found, override, given)
            given[leaf] = override, found
        origins.update(inner)
        _merge(over, value)
    _lay(over, tree, origins)


def overridden(overrides: Sequence[str]) -> dict[str, Any]:
    """Return the settings that `key=value` overrides give, by dotted key; `data={train: x}` too."""
    found: dict[str, Any] = {}
    for override in overrides:
        key, value, _ = _parse_override(override)
        found |= {".".join(leaf): inner for leaf, inner in _leaves(value, key)}
    return found


def _leaves(tree: Any, key: Key) -> Iterator[tuple[Key, Any]]:
    """The keys of all values of a tree, and the values; a bare kind is that of `kind`."""
    if isinstance(tree, dict):
        for name, value in tree.items():
            yield from _leaves(value, (*key, name))
    else:
        yield ((*key, "kind") if isinstance(tree, str) and _has_kind(key) else key), tree


def _has_kind(key: Key) -> bool:
    """Whether a part with a kind stands at `key`."""
    model: Any = Config
    for name in key:
        field = getattr(model, "model_fields", {}).get(name)
        model = field and next(
            (each for each in (field.annotation, *get_args(field.annotation)) if _is_part(each)),
            None,
        )
    return _is_part(model) and issubclass(model, KindPart)


def _is_part(value: object) -> TypeGuard[type[Part]]:
    return isinstance(value, type) and issubclass(value, Part)


def _refuse_twice(
    leaf: Key, value: Any, override: str, given: Mapping[Key, tuple[str, Any]]
) -> None:
    """Refuse an override that another one contradicts, or that is repeated."""
    for key, (other, other_value) in given.items():
        shorter = min(len(key), len(leaf))
        repeated = override.partition("=")[0] == other.partition("=")[0]
        if key[:shorter] != leaf[:shorter]:
            continue
        if repeated or key != leaf or value != other_value:
            beside = "" if repeated else f", by {other!r} too"
            raise UserError(f"override {override!r}: {'.'.join(leaf)} is given twice{beside}")


def _parse_override(override: str) -> tuple[Key, Any, _Origins]:
    """The key, the value, and the origins of all keys in it."""
    dotted, equals, text = override.partition("=")
    if not equals or not dotted:
        raise UserError(f"{override!r}: expected key=value, for example model.dropout=0.3")
    key, origin = tuple(dotted.split(".")), f"override {override!r}"
    origins = _Origins({key: origin})
    try:
        value = _plain_value(text, key, origin, origins)
    except (yaml.YAMLError, RecursionError):
        raise UserError(f"{override!r}: the value is not valid YAML") from None
    origins.note_bare_kind(key, value)
    return key, value, origins


def parse_value(text: str) -> Any:
    """Return what a setting's value means that was typed, as in `key=value`; UserError if none."""
    try:
        return _plain_value(text, (), "value", _Origins())
    except (yaml.YAMLError, RecursionError):
        raise UserError(f"expected a value, found {text!r}") from None


def _plain_value(text: str, key: Key, origin: str, origins: _Origins) -> Any:
    node = yaml.compose(text, Loader=_Loader)
    return None if node is None else _construct(node, key, lambda _: origin, origins)


def _resolve_paths(tree: Tree, folder: Path) -> None:
    for *parents, last in _PATHS:
        branch: Any = tree
        for name in parents:
            branch = branch.get(name) if isinstance(branch, dict) else None
        if not isinstance(branch, dict) or last not in branch:
            continue
        value = branch[last]
        if value != "":
            branch[last] = _resolved(value, folder)


def _resolved(value: Any, folder: Path) -> Any:
    """The paths in `value`, a list or lists of lists too, made absolute.

    They are seen from `folder`, ~ is home, and `corpora:` is where `data get` puts corpora.
    """
    if isinstance(value, list):
        return [_resolved(item, folder) for item in value]
    if not isinstance(value, str):
        return value
    if value.startswith(_FETCHED):
        return str((Path("corpora") / value.removeprefix(_FETCHED)).resolve())
    return str((folder / expanduser(value)).resolve())


# --- errors a person can read --------------------------------------------------------------------


def _key_at(model: type[BaseModel], place: Iterable[int | str]) -> tuple[Key, list[str]]:
    """The key that pydantic's `place` is in, and the names that may stand there.

    The place goes on below the key: with the member of a union, the index in a list.
    """
    key: list[str] = []
    names: list[str] = []
    for item in map(str, place):
        key.append(item)
        names = list(model.model_fields)
        field = model.model_fields.get(item)
        inner = field.annotation if field else None
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            break
        model = inner
    return tuple(key), names


def _meant_beside(model: type[BaseModel], key: Key, found: object) -> str:
    """A hint at the setting beside `key` that takes the value found there."""
    for name in key[:-1]:
        model = next(kind for kind in _kinds(model.model_fields[name].annotation) if _is_part(kind))
    takers = (n for n, f in model.model_fields.items() if found in get_args(f.annotation))
    return next((f" (did you mean {'.'.join((*key[:-1], name))}?)" for name in takers), "")


def _explain(error: ValidationError, model: type[BaseModel], origins: _Origins) -> str:
    """One line for the first thing wrong: where it was set, what was expected, what was found."""
    first = error.errors()[0]
    key, names = _key_at(model, first["loc"])
    found, origin = first["input"], origins.of(key)
    where = ": ".join(part for part in (origin, ".".join(key)) if part)
    if first["type"] == "extra_forbidden":
        hint = did_you_mean(key[-1], names)
        return ": ".join(part for part in (origin, f"unknown key {'.'.join(key)!r}{hint}") if part)
    if first["type"] == "literal_error":
        choices = first["ctx"]["expected"]
        hint = did_you_mean(str(found), re.findall(r"'([^']+)'", choices))
        hint = hint or _meant_beside(model, key, found)
        return f"{where}: expected {choices}, found {found!r}{hint}"
    if first["type"] == "value_error":
        return ": ".join(part for part in (where, str(first["ctx"]["error"])) if part)
    if first["type"] == "model_type":
        return f"{where}: expected a mapping of settings, found {found!r}"
    if first["type"] == "missing":
        return f"{where}: expected more values, found {found!r}"
    # "Input should be a valid integer, unable to parse string as an integer"
    expected = first["msg"].removeprefix("Input should be ").removeprefix("a valid ")
    expected = expected.partition(", unable")[0]
    if first["type"] == "int_parsing_size":
        expected = "integer of fewer digits"
    return f"{where}: expected {expected}, found {found!r}"
