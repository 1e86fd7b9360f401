"""YAML files and `key=value` overrides -> the configuration tree, and back.

`load_config` reads YAML 1.2 (in which `no` is a text: the code of Norwegian), follows `extends` (to
a file beside it, or a bundled recipe), applies `dotted.key=value` overrides and validates.

Relative paths written in a file are relative to that file; those in an override, to the working
directory. `corpora:NAME/train` is in corpora/NAME/ of the working directory, wherever it is
written: what `seq2seq data get NAME` has put there.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from os.path import expanduser
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from seq2seq.bundled import bundled_recipe
from seq2seq.config.messages import Origins, explain
from seq2seq.config.options import check_values
from seq2seq.config.tree import Config, Key, Part, chosen_parts, has_kind, parts_of
from seq2seq.errors import UserError, did_you_mean, shortened
from seq2seq.kinds import option_names, unknown_kind, unknown_option
from seq2seq.machine.input import read_text
from seq2seq.machine.sealed import check_sealed_text


class _Loader(yaml.SafeLoader):
    """Reads plain scalars as YAML 1.2 has them: `no`, `12:30` and `2020-01-31` are texts.

    What is nested too deep to be walked, or grows without end by aliases of aliases, is refused
    while it is read.
    """

    # ruamel.yaml would read 1.2 as well; for a page of resolvers it is one more dependency.

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._depth = self._count = 0
        self._sizes: dict[yaml.Node, int] = {}  # with all that their aliases stand for

    def compose_node(self, parent: yaml.Node | None, index: Any) -> Any:
        """Return the next node; a YAML error if it is no part of a tree of a sane size."""
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        self._depth += 1
        before = self._count
        if self._depth > _DEEPEST:
            self._refuse(event, f"nested more than {_DEEPEST} levels deep")
        node: Any = super().compose_node(parent, index)
        if isinstance(event, yaml.AliasEvent):
            if node not in self._sizes:
                self._refuse(event, "an alias stands within itself")
            self._count += self._sizes[node]
        else:
            self._count += 1
            self._sizes[node] = self._count - before
        if self._count > _LARGEST:
            self._refuse(event, f"more than {_LARGEST:,} values, with those of its aliases")
        self._depth -= 1
        return node

    @staticmethod
    def _refuse(event: Any, problem: str) -> None:
        raise yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)


_DEEPEST, _LARGEST = 50, 100_000
_NO_TEXT = re.compile("[\0\ud800-\udfff]")  # what no name of a file can have, and no UTF-8
_LONGEST_NUMBER = 100  # characters: Python itself refuses to write one of 4,300 digits


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
_TAG = "tag:yaml.org,2002:"
_READ: dict[str, Callable[[str], Any]] = {  # a scalar's tag -> what its text, which fits, means
    "null": lambda text: None,
    "bool": lambda text: text.lower() == "true",
    "int": lambda text: int(text, 0 if text[:2] in ("0o", "0x") else 10),
    "float": lambda text: float(re.sub(r"\.(?=[in])", "", text.lower())),  # -.inf
    "str": str,
}

Tree = dict[str, Any]
_FETCHED = "corpora:"  # begins a path in ./corpora/, where `data get` leaves them
TEACHERS = ("training", "objective", "teachers")
"""Runs that an objective of kind distillation learns from."""
_UNITS = ("attention", "self_attention", "addressing", "cell", "source_kind", "objective")
_PATHS = (("data", "train"), ("data", "valid"), ("data", "test"), ("code",), ("init",), TEACHERS)


def load_config(path: str | Path | None = None, overrides: Sequence[str] = ()) -> Config:
    """Return the configuration in the YAML file `path` with `key.subkey=value` overrides applied.

    Raises UserError naming the file and line (or the override), what was expected and found.
    """
    origins = Origins()
    tree = _read_file(Path(path), origins, ()) if path is not None else {}
    config = _overridden(tree, overrides, origins)
    _refuse_unknown_options(config, origins)
    return config


def _refuse_unknown_options(config: Config, origins: Origins) -> None:
    """Refuse an option that the tree doesn't know, and that the kind chosen doesn't take."""
    for key, part in chosen_parts(config):
        if not (part.options and part.kind in part.table):
            continue
        taken = option_names(part.table[part.kind])
        for name in part.options:
            if name not in taken:
                here = (*key, name)
                reason = unknown_option(part.kind, name, taken, type(part).model_fields)
                if config.init and key[0] == "model":
                    kind = ".".join((*key, "kind"))
                    reason += f"; if the run of init has another kind, name it too: {kind}=KIND"
                raise UserError(f"{origins.of(here)}: {'.'.join(here)}: {reason}")
        try:
            check_values(part.table[part.kind], part, ".".join(key))
        except UserError as error:
            name = str(error).partition(":")[0].rpartition(".")[2]
            raise UserError(f"{origins.of((*key, name))}: {error}") from None


def load_dump(path: str | Path, overrides: Sequence[str] = ()) -> Config:
    """Return what `dump_config` wrote into `path`, with overrides applied, as `load_config` does.

    Every key is written out there, so that none is a wish: what has no effect is not refused, as in
    a run of before it was. It has no `extends`: a run, which may come from anywhere, is complete in
    itself and reads no other file. Raises DamagedError if it differs from its checksum, where it
    has one.
    """
    origins = Origins()
    if Path(path).is_file():
        check_sealed_text(Path(path))
    tree = _read_file(Path(path), origins, (), extends=False)
    origins.idle.clear()
    return _overridden(tree, overrides, origins)


def _overridden(tree: Tree, overrides: Sequence[str], origins: Origins) -> Config:
    _apply_overrides(tree, overrides, origins)
    config = parse_config(tree, origins)
    if not config.code:  # which may register more
        _refuse_unknown_kinds(config, origins)
    _refuse_idle(Config, tree, (), origins)
    return config


def _refuse_unknown_kinds(config: Config, origins: Origins) -> None:
    """Refuse a part chosen by a name that no table has."""
    for key, part in chosen_parts(config):
        if part.kind not in part.table:
            here = (*key, "kind")
            reason = unknown_kind(part.table, part.kind, ".".join(key))
            raise UserError(": ".join(filter(None, (origins.of(here), ".".join(here), reason))))


def parse_config(tree: Tree, origins: dict[Key, str] | None = None) -> Config:
    """Return the validated configuration of a plain tree; UserError at the first thing wrong."""
    try:
        return Config.model_validate(tree)
    except ValidationError as error:
        raise UserError(explain(error, Config, Origins(origins or {}))) from None


PartType = TypeVar("PartType", bound=Part)


def revise(part: PartType, changes: Mapping[str, Any]) -> PartType:
    """Return `part` with `changes`, checked as if the file had said so; UserError if they can't."""
    tree = {**part.model_dump(), **changes}
    try:
        revised = type(part).model_validate(tree)
    except ValidationError as error:
        raise UserError(explain(error, type(part), Origins())) from None
    for name, reason in part.idle(tree).items():
        if name in changes:
            raise UserError(f"{name} has no effect: {reason}")
    return revised


def dump_config(config: Config) -> str:
    """Return `config` as YAML, every key written out."""
    tree = config.model_dump(mode="json")
    return yaml.dump(tree, Dumper=_Dumper, sort_keys=False, allow_unicode=True)


def _read_file(
    path: Path, origins: Origins, seen: tuple[Path, ...], *, extends: bool = True
) -> Tree:
    path = Path(os.path.realpath(path))
    if path in seen:
        raise UserError(f"{path}: `extends` comes back to itself: {' -> '.join(map(str, seen))}")
    try:
        node = yaml.compose(read_text(path, "a configuration file"), Loader=_Loader)
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
        raise UserError(f"{where}: not valid YAML: {_problem(error)}") from None
    if node is None:
        return {}
    if not isinstance(node, yaml.MappingNode):
        raise UserError(f"{path}:1: expected a mapping of settings, found {_found(node)}")
    own_origins = Origins()
    tree: Tree = _construct(
        node, (), lambda node: f"{path}:{node.start_mark.line + 1}", own_origins
    )
    _resolve_paths(tree, path.parent)
    if path == bundled_recipe(Path("base")):  # says the defaults for a reader; none is a wish
        _drop_equal(tree, Config().model_dump(mode="json"))
    parent = tree.pop("extends", None)
    if parent is not None:
        where = own_origins.of(("extends",))
        if not extends:
            raise UserError(
                f"{where}: extends: a run's configuration has every key in itself; remove the line"
            )
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


def _problem(error: yaml.YAMLError) -> str:
    if isinstance(error, yaml.reader.ReaderError):
        return f"it has the character {chr(int(error.character))!r}"
    return str(getattr(error, "problem", None) or error)


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
    node: yaml.Node, key: Key, where: Callable[[yaml.Node], str], origins: Origins
) -> Any:
    """The plain value of a YAML node, noting where each key stands and refusing a repeated one.

    Only what YAML's core schema has is a value: no date, no object of Python.
    """
    if isinstance(node, yaml.ScalarNode):
        return _scalar(node, key, where)
    if node.tag != f"{_TAG}{'map' if isinstance(node, yaml.MappingNode) else 'seq'}":
        raise _unfit(node, key, where, f"{_found(node)} cannot have the tag {node.tag!r}")
    if isinstance(node, yaml.SequenceNode):
        return [_construct(item, key, where, origins) for item in node.value]
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


def _scalar(node: yaml.ScalarNode, key: Key, where: Callable[[yaml.Node], str]) -> Any:
    tag, text = node.tag.removeprefix(_TAG), node.value
    tag = "str" if tag == "!" else tag
    if tag not in _READ:
        raise _unfit(node, key, where, f"expected one of {', '.join(_READ)}, found {node.tag!r}")
    if tag in _SCALARS and not re.fullmatch(_SCALARS[tag][0], text):
        raise _unfit(node, key, where, f"expected {tag}, found {shortened(text)!r}")
    if tag in ("int", "float") and len(text) > _LONGEST_NUMBER:
        raise _unfit(node, key, where, f"expected a number, found one of {len(text):,} characters")
    if tag == "str" and (odd := _NO_TEXT.search(text)):
        raise _unfit(node, key, where, f"expected a text, found one with {odd.group()!r}")
    return _READ[tag](text)


def _unfit(node: yaml.Node, key: Key, where: Callable[[yaml.Node], str], reason: str) -> UserError:
    place = ": ".join(filter(None, (where(node), ".".join(key))))
    return UserError(f"{place}: not a valid value: {reason}")


def _lay(over: Tree, base: Tree, origins: Origins) -> None:
    """Lay `over` on `base` in place, and see to what then does nothing."""
    _merge(base, over)
    _settle(Config, over, base, (), origins)


def _merge(base: Tree, over: Tree, key: Key = ()) -> None:
    """Lay `over` on `base` in place. A bare kind sets `kind`; a unit's options go with it."""
    for name, value in over.items():
        old, here = base.get(name), (*key, name)
        if isinstance(old, dict) and isinstance(value, str) and has_kind(here):
            value = {"kind": value}
        if isinstance(old, str) and isinstance(value, dict) and has_kind(here):
            old = base[name] = {"kind": old}
        if isinstance(old, dict) and isinstance(value, dict):
            new_unit = value.get("kind", old.get("kind")) != old.get("kind", value.get("kind"))
            if new_unit and here[-1] in _UNITS:
                base[name] = old = {k: v for k, v in old.items() if k in _UNITS}
            _merge(old, value, here)
        else:
            base[name] = value


def _settle(model: type[Part], over: Any, merged: Any, key: Key, origins: Origins) -> None:
    """Note what `over` sets without effect; leave out what it has made so of the base."""
    if not isinstance(merged, dict):
        return
    given = over if isinstance(over, dict) else {}
    for name in model.idle(merged):
        if name not in given and (*key, name) not in origins.idle:
            merged.pop(name, None)
        elif name in given and not _is_default(given[name], model.model_fields[name].default):
            origins.idle.add((*key, name))
    for name, part in parts_of(model):
        _settle(part, given.get(name), merged.get(name), (*key, name), origins)


def _is_default(value: Any, default: Any) -> bool:
    """Whether a plain value, or some keys of a branch, are as they are by default."""
    if isinstance(default, Part) and isinstance(value, dict):
        plain = default.model_dump(mode="json")
        return {**plain, **value} == plain
    return bool(value == default)


def _refuse_idle(model: type[Part], tree: Any, key: Key, origins: Origins) -> None:
    """Refuse what was set without effect and has none in the end."""
    if not isinstance(tree, dict):
        return
    for name, reason in model.idle(tree).items():
        if (here := (*key, name)) in origins.idle:
            raise UserError(f"{origins.of(here)}: {'.'.join(here)} has no effect: {reason}")
    for name, part in parts_of(model):
        _refuse_idle(part, tree.get(name), (*key, name), origins)


def _apply_overrides(tree: Tree, overrides: Sequence[str], origins: Origins) -> None:
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
        yield ((*key, "kind") if isinstance(tree, str) and has_kind(key) else key), tree


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
            beside = "" if repeated else f", by {shortened(other)!r} too"
            raise UserError(
                f"override {shortened(override)!r}: {'.'.join(leaf)} is given twice{beside}"
            )


def _parse_override(override: str) -> tuple[Key, Any, Origins]:
    """The key, the value, and the origins of all keys in it."""
    dotted, equals, text = override.partition("=")
    if not equals or not dotted:
        recipe = "" if equals or not bundled_recipe(Path(override)) else "; or --config before it"
        raise UserError(
            f"{shortened(override)!r}: expected key=value, for example model.dropout=0.3{recipe}"
        )
    key, origin = tuple(dotted.split(".")), _origin(override)
    origins = Origins({key: origin})
    if len(key) > _DEEPEST:
        raise UserError(f"{origin}: nested more than {_DEEPEST} levels deep")
    try:
        value = _plain_value(text, key, origin, origins)
    except yaml.YAMLError as error:
        raise UserError(f"{origin}: the value is not valid YAML: {_problem(error)}") from None
    origins.note_bare_kind(key, value)
    return key, value, origins


def _origin(override: str) -> str:
    return f"override {shortened(override)!r}"


def parse_value(text: str) -> Any:
    """Return what a setting's value means that was typed, as in `key=value`; UserError if none."""
    try:
        return _plain_value(text, (), "value", Origins())
    except yaml.YAMLError:
        raise UserError(f"expected a value, found {shortened(text)!r}") from None


def _plain_value(text: str, key: Key, origin: str, origins: Origins) -> Any:
    node = yaml.compose(text, Loader=_Loader)
    return None if node is None else _construct(node, key, lambda _: origin, origins)


def _resolve_paths(tree: Tree, folder: Path) -> None:
    for *parents, last in _PATHS:
        branch: Any = tree
        for name in parents:
            branch = branch.get(name) if isinstance(branch, dict) else None
        if not isinstance(branch, dict) or last not in branch:
            continue
        if (*parents, last) == TEACHERS and branch.get("kind", "distillation") != "distillation":
            continue  # an option of a user's own objective
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
        return os.path.realpath(Path("corpora") / value.removeprefix(_FETCHED))
    return os.path.realpath(folder / expanduser(value))
