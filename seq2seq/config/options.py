"""A part's options, checked: the keyword-only arguments of what its kind names; without torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pydantic import PydanticUserError, ValidationError, create_model

from seq2seq.config.tree import Part, UnitConfig
from seq2seq.errors import UserError, shortened
from seq2seq.kinds import options_of, unknown_kind, unknown_option

Built = TypeVar("Built")
Kind = TypeVar("Kind", bound=Callable[..., Any])


def chosen(kinds: Mapping[str, Kind], config: UnitConfig, key: str) -> Kind:
    """Return the class that `config`, which stands at `key`, names; UserError if there is none."""
    if config.kind not in kinds:
        raise UserError(f"{key}.kind: {unknown_kind(kinds, config.kind, key)}")
    return kinds[config.kind]


def build(
    kinds: Mapping[str, Callable[..., Built]], config: UnitConfig, key: str, *given: Any
) -> Built:
    """Return the part that `config` names, made of `given` and of its own options.

    Raises UserError for an unknown kind, an option that it doesn't take, or a value of another
    type; `key` says in messages where `config` stands.
    """
    kind = chosen(kinds, config, key)
    return kind(*given, **checked_options(kind, config, key))


def checked_options(kind: Callable[..., Any], config: UnitConfig, key: str) -> dict[str, Any]:
    """Return the options given, converted to the annotated types of what `kind` takes."""
    fields = _fields(kind)
    return _converted(kind, config, key, fields, _wishes(config, fields))


def check_values(kind: Callable[..., Any], config: UnitConfig, key: str) -> None:
    """Refuse an option of `kind` alone whose value is of another type or out of bounds."""
    fields = {name: field for name, field in _fields(kind).items() if name in config.options}
    _converted(kind, config, key, fields, config.options)


def _fields(kind: Callable[..., Any]) -> dict[str, Any]:
    return {
        option.name: (
            Any if option.annotation is option.empty else option.annotation,
            ... if option.default is option.empty else option.default,
        )
        for option in options_of(kind)
    }


def _converted(
    kind: Callable[..., Any],
    config: UnitConfig,
    key: str,
    fields: Mapping[str, Any],
    given: Mapping[str, Any],
) -> dict[str, Any]:
    try:
        schema = create_model(getattr(kind, "__name__", config.kind), __base__=Part, **fields)
    except (PydanticUserError, TypeError, NameError) as error:  # of a user's own kind
        raise UserError(
            f"{key}: an option of kind {config.kind} has a type that no setting can have: "
            f"{str(error).splitlines()[0]}"
        ) from None
    try:
        valid = schema.model_validate(given)
        return {name: getattr(valid, name) for name in given}
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        where = f"{key}.{name}"
        if first["type"] == "extra_forbidden":
            raise UserError(f"{where}: {unknown_option(config.kind, name, fields)}") from None
        if first["type"] == "value_error":
            raise UserError(f"{where}: {first['ctx']['error']}") from None
        expected = first["msg"].replace("Input should be", "expected")
        raise UserError(f"{where}: {expected}, found {shortened(repr(first['input']))}") from None


def _wishes(config: UnitConfig, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The options to give: all that the kind takes, and others that somebody has set.

    A setting that the tree itself knows, and that has its default, is nobody's wish.
    """
    wishes = dict(config.options)
    for name, field in type(config).model_fields.items():
        if name in ("kind", *config.common):
            continue
        value = getattr(config, name)
        if name in fields or value != field.default:
            wishes[name] = value
    return wishes
