"""Configurations: what a file, its bases and overrides amount to, and how a mistake is told."""

from collections.abc import Iterator
from itertools import permutations
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from pydantic import BaseModel

from seq2seq.bundled import find_recipe
from seq2seq.config import (
    BatchingConfig,
    Config,
    DecodingConfig,
    ScheduleConfig,
    differences,
    dump_config,
    load_config,
    load_dump,
    revise,
)
from seq2seq.errors import UserError

CONFIGS = Path(__file__).parents[3] / "configs"


def written(folder: Path, text: str, name: str = "run.yaml") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def keys(tree: Any, key: str = "") -> set[str]:
    """The dotted names of all leaves of a tree."""
    if not isinstance(tree, dict):
        return {key}
    return {leaf for name in tree for leaf in keys(tree[name], f"{key}.{name}" if key else name)}


# --- the recipes ----------------------------------------------------------------------------------


def test_the_base_recipe_says_the_defaults_and_every_one_of_them() -> None:
    assert list(differences(load_config(CONFIGS / "base.yaml"), Config())) == []
    written_keys = keys(yaml.safe_load((CONFIGS / "base.yaml").read_text("utf-8")))
    assert written_keys == keys(Config().model_dump(mode="json"))


def test_the_base_recipe_follows_the_order_of_the_tree() -> None:
    tree = yaml.safe_load((CONFIGS / "base.yaml").read_text("utf-8"))
    assert yaml.safe_dump(tree, sort_keys=False) == dump_config(Config())


@pytest.mark.parametrize("path", sorted(CONFIGS.rglob("*.yaml")), ids=lambda path: path.stem)
def test_every_recipe_loads(path: Path) -> None:
    load_config(path)


# --- extends --------------------------------------------------------------------------------------


def test_a_file_changes_what_it_says_of_its_base_and_nothing_else(tmp_path: Path) -> None:
    written(tmp_path, "seed: 3\nmodel: {dropout: 0.5, decoder: {size: 9, layers: 2}}", "base.yaml")
    path = written(tmp_path, "extends: base.yaml\nmodel: {decoder: {size: 7}}")
    config = load_config(path)
    assert (config.seed, config.model.dropout) == (3, 0.5)
    assert (config.model.decoder.size, config.model.decoder.layers) == (7, 2)


def test_bases_may_have_bases_and_are_found_beside_the_file_that_names_them(
    tmp_path: Path,
) -> None:
    written(tmp_path, "seed: 3", "a.yaml")
    written(tmp_path, "extends: ../a.yaml\nmodel: {dropout: 0.5}", "deep/b.yaml")
    config = load_config(written(tmp_path, "extends: deep/b.yaml"))
    assert (config.seed, config.model.dropout) == (3, 0.5)


def test_a_part_of_another_kind_keeps_the_base_s_other_settings_but_for_a_unit_s_options(
    tmp_path: Path,
) -> None:
    base = "model: {decoder: {kind: luong, size: 9}, attention: {kind: multihead, heads: 2}}"
    written(tmp_path, base, "base.yaml")
    path = written(tmp_path, "extends: base.yaml\nmodel: {decoder: conditional, attention: dot}")
    model = load_config(path).model
    assert (model.decoder.kind, model.decoder.size) == ("conditional", 9)
    assert (model.attention.kind, model.attention.options) == ("dot", {})


def test_a_unit_s_options_join_those_of_the_base_while_the_unit_is_the_same(
    tmp_path: Path,
) -> None:
    written(tmp_path, "model: {attention: {kind: multihead, heads: 2}}", "base.yaml")
    path = written(tmp_path, "extends: base.yaml\nmodel: {attention: {size: 8}}")
    attention = load_config(path).model.attention
    assert (attention.kind, attention.options) == ("multihead", {"heads": 2, "size": 8})


def test_settings_join_a_bare_kind_of_the_base(tmp_path: Path) -> None:
    written(tmp_path, "model: {decoder: luong}", "base.yaml")
    path = written(tmp_path, "extends: base.yaml\nmodel: {decoder: {size: 9}}")
    decoder = load_config(path).model.decoder
    assert (decoder.kind, decoder.size) == ("luong", 9)


def test_a_loop_of_bases_is_refused(tmp_path: Path) -> None:
    written(tmp_path, "extends: b.yaml", "a.yaml")
    with pytest.raises(UserError, match="`extends` comes back to itself"):
        load_config(written(tmp_path, "extends: a.yaml", "b.yaml"))


def test_a_missing_base_is_refused_where_it_is_named(tmp_path: Path) -> None:
    written(tmp_path, "", "base.yaml")
    path = written(tmp_path, "seed: 1\nextends: bace.yaml")
    with pytest.raises(UserError, match=r"run\.yaml:2: .*bace\.yaml.*did you mean 'base\.yaml'"):
        load_config(path)


def test_a_base_that_is_no_path_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"run\.yaml:1: extends: expected one path"):
        load_config(written(tmp_path, "extends: [a.yaml, b.yaml]"))


# --- overrides ------------------------------------------------------------------------------------


def test_an_override_wins_over_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, "model: {dropout: 0.5, embedding: 9}")
    model = load_config(path, ["model.dropout=0.1"]).model
    assert (model.dropout, model.embedding) == (0.1, 9)


@pytest.mark.parametrize("first", ["model.attention=multihead", "model.attention.kind=multihead"])
def test_overrides_may_come_in_any_order(first: str) -> None:
    overrides = [first, "model.attention.heads=2", "model.attention.size=8"]
    for order in permutations(overrides):
        attention = load_config(None, order).model.attention
        assert (attention.kind, attention.options) == ("multihead", {"heads": 2, "size": 8})


def test_an_override_reaches_into_a_bare_kind(tmp_path: Path) -> None:
    path = written(tmp_path, "model: {attention: additive, decoder: luong}")
    model = load_config(path, ["model.attention.size=8", "model.decoder.size=9"]).model
    assert (model.attention.kind, model.attention.options) == ("additive", {"size": 8})
    assert (model.decoder.kind, model.decoder.size) == ("luong", 9)


def test_an_override_s_value_is_yaml() -> None:
    overrides = ["training.max_steps=7", "training.patience=null", "tokenizer.joint=false"]
    config = load_config(None, [*overrides, "training.optimizer.betas=[0.8, 0.9]"])
    assert (config.training.max_steps, config.training.patience) == (7, None)
    assert not config.tokenizer.joint
    assert config.training.optimizer.betas == (0.8, 0.9)


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["seed=1", "seed=2"], r"'seed=2': seed is given twice"),
        (["seed"], r"'seed': expected key=value"),
        (["=3"], r"'=3': expected key=value"),
        (["seed=[1"], r"'seed=\[1': the value is not valid YAML"),
        (["model.dropuot=0.1"], r"'model\.dropuot=0\.1': unknown key 'model\.dropuot' .*'dropout'"),
        (["seed.deep=1"], r"'seed\.deep=1': seed: expected"),
        (["model.dropout=1"], r"'model\.dropout=1': model\.dropout: expected less than 1, found 1"),
    ],
)
def test_a_wrong_override_is_refused_as_it_was_written(overrides: list[str], said: str) -> None:
    with pytest.raises(UserError, match=said):
        load_config(None, overrides)


def test_overrides_of_one_part_join_whatever_their_order() -> None:
    given = [
        "model.attention={heads: 2}",
        "model.attention.kind=multihead",
        "model.attention.size=8",
    ]
    for order in permutations(given):
        attention = load_config(CONFIGS / "demo.yaml", order).model.attention
        assert (attention.kind, attention.options) == ("multihead", {"heads": 2, "size": 8})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("model.attention=multihead", "model.attention.kind=dot"),
        ("model.attention={kind: qkv}", "model.attention.kind=dot"),
        ("model.encoder=lstm", "model.encoder.kind=gru"),
        ("model.attention.addressing=entmax", "model={attention: {addressing: softmax}}"),
        ("model={dropout: 0.1}", "model.dropout=0.2"),
        ("model.encoder.self_attention=null", "model.encoder.self_attention.heads=2"),
        ("data.test=null", "data={test: x}"),
    ],
)
def test_of_two_overrides_that_contradict_each_other_none_is_dropped(one: str, other: str) -> None:
    for order in ([one, other], [other, one]):
        with pytest.raises(UserError, match="is given twice") as raised:
            load_config(None, order)
        assert one in str(raised.value)
        assert other in str(raised.value)


def test_two_overrides_may_say_the_same() -> None:
    decoder = load_config(None, ["model.decoder={size: 8}", "model.decoder.size=8"]).model.decoder
    assert decoder.size == 8
    with pytest.raises(UserError, match="'seed=1': seed is given twice"):
        load_config(None, ["seed=1", "seed=1"])


def test_a_key_twice_in_one_override_is_refused() -> None:
    with pytest.raises(UserError, match=r"key 'model\.dropout' is given twice"):
        load_config(None, ["model={dropout: 0.1, dropout: 0.2}"])


def test_another_unit_keeps_the_addressing_of_the_base(tmp_path: Path) -> None:
    written(tmp_path, "model: {attention: {kind: qkv, size: 8, addressing: entmax}}", "base.yaml")
    path = written(tmp_path, "extends: base.yaml\nmodel: {attention: dot}")
    for attention in (
        load_config(path).model.attention,
        load_config(tmp_path / "base.yaml", ["model.attention=dot"]).model.attention,
    ):
        assert (attention.kind, attention.options) == ("dot", {})
        assert attention.addressing.kind == "entmax"


# --- scalars --------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["no", "off", "yes", "on", "y", "n", "12:30", "2020-01-31", "1_0"])
def test_a_text_is_a_text(word: str, tmp_path: Path) -> None:
    in_file = load_config(written(tmp_path, f"data: {{target: {word}}}"))
    assert in_file.data.target == load_config(None, [f"data.target={word}"]).data.target == word
    assert load_config(written(tmp_path, dump_config(in_file))) == in_file


@pytest.mark.parametrize("text", ["1e3", "0x1f", "true", "null", "007", ".5", "~", "0o7", "1."])
def test_a_text_that_looks_like_another_value_is_quoted_when_it_is_dumped(
    text: str, tmp_path: Path
) -> None:
    config = Config.model_validate({"data": {"source": text}})
    assert load_config(written(tmp_path, dump_config(config))) == config


@pytest.mark.parametrize(
    ("text", "number"),
    [("1e-3", 0.001), ("1E-3", 0.001), ("+.5", 0.5), ("5.", 5.0), ("1e+2", 100.0), ("0x10", 16)],
)
def test_a_number_may_be_written_in_every_way_of_yaml_1_2(text: str, number: float) -> None:
    assert load_config(None, [f"training.optimizer.lr={text}"]).training.optimizer.lr == number


def test_a_leading_zero_makes_no_octal_number() -> None:
    assert load_config(None, ["seed=010"]).seed == 10
    assert load_config(None, ["seed=0o10"]).seed == 8


def test_truth_is_no_number() -> None:
    for key in ("seed", "training.patience", "model.encoder.layers", "training.optimizer.lr"):
        with pytest.raises(UserError, match=f"{key}: expected a number, found True"):
            load_config(None, [f"{key}=true"])
    with pytest.raises(UserError, match="betas: expected a number"):
        load_config(None, ["training.optimizer.betas=[true, 0.9]"])


def numbers(model: type[BaseModel], key: str = "") -> Iterator[str]:
    """The dotted keys of all settings that are real numbers."""
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from numbers(inner, f"{key}{name}.")
        elif float in (inner, *get_args(inner)):
            yield f"{key}{name}"


@pytest.mark.parametrize("key", list(numbers(Config)))
@pytest.mark.parametrize("value", [".inf", "-.inf", ".nan", "inf", "nan", "1e999"])
def test_a_number_is_finite(key: str, value: str) -> None:
    text = f"[{value}, 0.9]" if key.endswith("betas") else value
    with pytest.raises(UserError, match=rf"{key}: expected .*, found"):
        load_config(None, [f"{key}={text}"])


# --- settings without effect ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (
            ["training.schedule.factor=0.3"],
            "factor has no effect: it belongs to kind plateau.* kind is constant",
        ),
        (
            ["training.schedule=cosine", "training.max_steps=9", "training.schedule.patience=3"],
            "patience has no effect: it belongs to kind plateau.* kind is cosine",
        ),
        (["training.schedule.minimum=0.1"], "minimum .*belongs to kind plateau or cosine"),
        (["training.teacher_forcing.end=0.5"], "end .*belongs to kind linear or exponential"),
        (
            ["training.teacher_forcing.per=batch"],
            "per has no effect: every input comes from the reference",
        ),
        (
            [
                "training.teacher_forcing={kind: linear, end: 1}",
                "training.teacher_forcing.per=batch",
            ],
            "per has no effect: every input comes from the reference",
        ),
        (["batching.sentences=3", "batching.tokens=99"], "tokens .*sentences sets the size"),
        (["model.encoder.self_residual=true"], "self_residual .*self_attention is null"),
    ],
)
def test_a_setting_without_effect_is_refused(overrides: list[str], said: str) -> None:
    with pytest.raises(UserError, match=f"{overrides[-1]}': .*{said}"):
        load_config(None, overrides)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("data: {source: ../../x}", "1: data.source: expected the code of a language"),
        ('data: {target: "a\\eb"}', "1: data.target: expected the code of a language"),
        ("code: !!python/object/apply:os.system ['true']", "1: code: not a valid value"),
    ],
    ids=range(3),
)
def test_a_file_that_was_made_to_do_harm_is_one_line(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=said) as refused:
        load_config(written(tmp_path, text))
    assert "\n" not in str(refused.value)


def test_a_setting_without_effect_is_refused_where_the_file_says_it(tmp_path: Path) -> None:
    written(tmp_path, "training: {max_steps: 9, schedule: cosine}", "base.yaml")
    path = written(tmp_path, "extends: base.yaml\ntraining:\n  schedule:\n    factor: 0.3")
    with pytest.raises(UserError, match=r"run\.yaml:4: training\.schedule\.factor has no effect"):
        load_config(path)


def test_what_a_run_of_before_it_was_refused_has_without_effect_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(dump_config(load_config()).replace("factor: 0.5", "factor: 0.7"))
    assert load_dump(path) == load_config()
    plateau = load_dump(path, ["training.schedule=plateau"]).training.schedule
    assert (plateau.kind, plateau.factor) == ("plateau", 0.7)
    with pytest.raises(UserError, match="patience has no effect: it belongs to kind plateau"):
        load_dump(path, ["training.schedule.patience=3"])


def test_a_setting_that_an_override_gives_effect_is_kept(tmp_path: Path) -> None:
    path = written(tmp_path, "training: {schedule: {factor: 0.3}}")
    schedule = load_config(path, ["training.schedule=plateau"]).training.schedule
    assert (schedule.kind, schedule.factor) == ("plateau", 0.3)
    with pytest.raises(UserError, match=r"run\.yaml:1: .*factor has no effect.* kind is inverse"):
        load_config(path, ["training.schedule=inverse_sqrt"])


def test_what_a_base_says_for_another_kind_is_left_out(tmp_path: Path) -> None:
    base = "training: {max_steps: 9, schedule: {kind: plateau, factor: 0.3, patience: 4}}"
    written(tmp_path, f"{base}\nbatching: {{tokens: 99}}", "base.yaml")
    path = written(tmp_path, "extends: base.yaml\ntraining: {schedule: cosine}")
    config = load_config(path, ["batching.sentences=3"])
    assert config.training.schedule == ScheduleConfig(kind="cosine")
    assert config.batching == BatchingConfig(sentences=3)
    assert load_config(written(tmp_path, dump_config(config))) == config


# --- paths ----------------------------------------------------------------------------------------


def test_a_path_in_a_file_is_relative_to_it_and_one_in_an_override_to_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, "data: {train: corpus/train, test: [a.en, a.fr]}", "far/base.yaml")
    path = written(tmp_path, "extends: ../far/base.yaml\ncode: units.py", "near/run.yaml")
    monkeypatch.chdir(tmp_path)
    config = load_config(path, ["data.valid=valid"])
    assert config.data.train == str(tmp_path / "far" / "corpus" / "train")
    assert config.data.test == [str(tmp_path / "far" / name) for name in ("a.en", "a.fr")]
    assert config.data.valid == str(tmp_path / "valid")
    assert config.code == [str(tmp_path / "near" / "units.py")]


def test_an_absolute_path_stays(tmp_path: Path) -> None:
    path = written(tmp_path, f"data: {{train: {tmp_path / 'x'}}}", "near/run.yaml")
    assert load_config(path).data.train == str(tmp_path / "x")


# --- mistakes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("\nsede: 1", r"run\.yaml:2: unknown key 'sede' \(did you mean 'seed'\?\)"),
        ("model:\n  dropuot: 1", r"yaml:2: unknown key 'model\.dropuot' \(did you mean 'dropout'"),
        (
            "model:\n  encoder:\n    bidirectoinal: true",
            r"yaml:3: model\.encoder\.bidirectoinal: unknown option .*did you mean 'bidirectional'",
        ),
        ("training:\n  zzz: 1", r"yaml:2: unknown key 'training\.zzz'$"),
        (
            "training:\n  schedule:\n    kind: platau",
            r"yaml:3: training\.schedule\.kind: expected one of .*, found 'platau' "
            r"\(did you mean 'plateau'",
        ),
        (  # and not that it takes no steps
            "training:\n  teacher_forcing: {kind: lineal, steps: 5}",
            r"yaml:2: training\.teacher_forcing\.kind: .* found 'lineal' .*mean 'linear'",
        ),
        ("model:\n  decoder: lunog", r"yaml:2: model\.decoder.*found 'lunog' .*mean 'luong'"),
        ("seed: soon", r"yaml:1: seed: expected integer, found 'soon'"),
        ("seed: -1", r"yaml:1: seed: expected greater than or equal to 0, found -1"),
        ("model: {dropout: 1.5}", r"yaml:1: model\.dropout: expected less than 1, found 1\.5"),
        ("model: 3", r"yaml:1: model: expected a mapping of settings, found 3"),
        ("data:\n  train: [[a]]", r"yaml:2: data\.train: expected one path, \[source, target\]"),
        ("data:\n  train: 3", r"yaml:2: data\.train: expected one path, \[source, target\]"),
        (
            "training:\n  optimizer:\n    betas: [0.9]",
            r"yaml:3: training\.optimizer\.betas: expected more values",
        ),
        ("seed: 1\nmodel: {}\nseed: 2", r"yaml:3: key 'seed' is given twice"),
        ("model:\n  tie: all\n  tie: none", r"yaml:3: key 'model\.tie' is given twice"),
        ("- seed", r"yaml:1: expected a mapping of settings, found a list"),
        ("just words", r"yaml:1: expected a mapping of settings, found one value"),
        ("seed: 1\nmodel: {", r"yaml:\d: not valid YAML"),
        ("seed: 1\n\tmodel: 2", r"yaml:2: not valid YAML"),
        ("training: {patience: null}", r"yaml:1: training: would never end: set max_steps"),
        ("training:\n  schedule: cosine", r"schedule cosine ends at max_steps, which is not set"),
        (
            "model:\n  decoder:\n    input_feeding: true",
            r"model\.decoder: input_feeding belongs to kind luong",
        ),
        ("decoding: {n_best: 6}", r"decoding: n_best 6 is more than beam 5"),
        ("decoding: {min_length: 201}", r"decoding: min_length 201 exceeds max_length 200"),
        ("decoding: {temperature: 2}", r"decoding: temperature, top_k and top_p need sample: true"),
    ],
)
def test_a_mistake_is_one_line_that_says_where_what_and_what_instead(
    text: str, said: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=said) as raised:
        load_config(written(tmp_path, text))
    assert "\n" not in str(raised.value)


def test_a_mistake_in_a_base_is_told_of_the_base(tmp_path: Path) -> None:
    written(tmp_path, "seed: 1\nsede: 2", "base.yaml")
    with pytest.raises(UserError, match=r"base\.yaml:2: unknown key 'sede'"):
        load_config(written(tmp_path, "extends: base.yaml"))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.yaml: no such configuration file"):
        load_config(tmp_path / "none.yaml")


def test_a_directory_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="expected a configuration file, found a folder"):
        load_config(tmp_path)


def test_text_that_is_not_utf_8_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_bytes("seed: 1\n# d'été".encode("latin-1"))
    with pytest.raises(UserError, match=r"run\.yaml:2: expected UTF-8"):
        load_config(path)


@pytest.mark.parametrize("text", ["", "# nothing yet\n"])
def test_an_empty_file_says_the_defaults(text: str, tmp_path: Path) -> None:
    assert load_config(written(tmp_path, text)) == Config()


# --- trees ----------------------------------------------------------------------------------------


def test_a_dumped_configuration_loads_as_itself(tmp_path: Path) -> None:
    overrides = [
        "model.attention=multihead",
        "model.attention.heads=2",
        "training.optimizer.eps=1e-9",
        "training.max_minutes=0.1",
        "data.source=français",
    ]
    config = load_config(None, overrides)
    assert load_config(written(tmp_path, dump_config(config))) == config


def test_differences_are_told_by_key_with_both_values() -> None:
    other = load_config(None, ["seed=2", "model.attention=dot", "model.decoder.size=9"])
    assert list(differences(Config(), other)) == [
        ("seed", 1, 2),
        ("model.attention.kind", "additive", "dot"),
        ("model.decoder.size", 512, 9),
    ]


def test_an_option_that_only_one_side_has_is_a_difference() -> None:
    other = load_config(None, ["model.attention.size=9"])
    assert list(differences(Config(), other)) == [("model.attention.size", None, 9)]
    assert list(differences(other, Config())) == [("model.attention.size", 9, None)]


def test_a_part_is_revised_under_the_same_checks() -> None:
    options = DecodingConfig(beam=3)
    assert revise(options, {"n_best": 2}) == DecodingConfig(beam=3, n_best=2)
    assert options.n_best == 1
    with pytest.raises(UserError, match="n_best 4 is more than beam 3"):
        revise(options, {"n_best": 4})
    with pytest.raises(UserError, match=r"beam: expected greater than or equal to 1, found 0"):
        revise(options, {"beam": 0})
    with pytest.raises(UserError, match=r"unknown key 'beem' \(did you mean 'beam'"):
        revise(options, {"beem": 2})


def test_a_configuration_cannot_be_changed_in_place() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Config().model.dropout = 0.5


def test_a_file_anywhere_may_extend_a_bundled_recipe_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("extends: multi30k.yaml\ndata: {target: de}\n", encoding="utf-8")
    mine, recipe = load_config(path), load_config(CONFIGS / "multi30k.yaml")
    assert mine.data.target == "de"
    assert mine.model == recipe.model


def test_a_bundled_recipe_is_found_by_its_name_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("variants/1-dot", "configs/variants/1-dot.yaml"):
        assert find_recipe(Path(name)) == CONFIGS / "variants" / "1-dot.yaml"
    with pytest.raises(UserError, match=r"did you mean 'variants/1-dot.yaml'"):
        find_recipe(Path("variants/1-dott"))


def test_a_folder_does_not_stand_in_a_recipe_s_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "demo").mkdir()
    (tmp_path / "base.yaml").mkdir()
    assert find_recipe(Path("demo")) == CONFIGS / "demo.yaml"
    assert load_config(written(tmp_path, "extends: base.yaml", "x.yaml")) == Config()


@pytest.mark.parametrize(
    ("file", "asked", "found"),
    [("demo", "demo", "demo"), ("demo.yaml", "demo.yaml", "demo.yaml"), ("demo.yaml", "demo", "")],
)
def test_of_a_file_here_and_a_recipe_it_is_said_which_was_taken(
    file: str,
    asked: str,
    found: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.chdir(tmp_path)
    written(tmp_path, "seed: 2", file)
    with caplog.at_level("INFO"):
        assert find_recipe(Path(asked)) == (Path(found) if found else CONFIGS / "demo.yaml")
    assert len(caplog.messages) == 1
    assert "the bundled recipe" in caplog.messages[0]


# --- mistakes told where they are -----------------------------------------------------------------


@pytest.mark.parametrize("base", ['""', ".", "./"])
def test_a_base_without_a_name_is_told_with_its_line(tmp_path: Path, base: str) -> None:
    with pytest.raises(UserError, match=r"run\.yaml:1: extends: no such file"):
        load_config(written(tmp_path, f"extends: {base}\n"))


def test_a_bare_kind_that_is_none_is_told_where_it_stands(tmp_path: Path) -> None:
    path = written(tmp_path, "extends: demo.yaml\ntraining: {schedule: bogus}\n")
    with pytest.raises(UserError, match=r"run\.yaml:2: training\.schedule\.kind: expected"):
        load_config(path)
    with pytest.raises(UserError, match=r"override 'model.encoder=gated': model\.encoder"):
        load_config(find_recipe(Path("demo")), ["model.encoder=gated"])


def test_a_dot_too_many_is_told_of_the_override() -> None:
    with pytest.raises(UserError, match=r"override 'model\.\.dropout=1': unknown key"):
        load_config(find_recipe(Path("demo")), ["model..dropout=1"])


def test_what_is_found_is_as_it_was_written(tmp_path: Path) -> None:
    path = written(tmp_path, "extends: demo.yaml\ndata: {train: {a: b}}\n")
    with pytest.raises(UserError, match=r"data\.train: expected one path.* found \{'a': 'b'\}"):
        load_config(path)
    with pytest.raises(UserError, match=r"model: expected a mapping of settings, found 'big'"):
        load_config(find_recipe(Path("demo")), ["model=big"])
    with pytest.raises(UserError, match="expected integer of fewer digits, found 1e"):
        load_config(None, ["model.encoder.size=1e99"])
    with pytest.raises(UserError, match="expected a mapping of settings, found a list"):
        load_config(written(tmp_path, "- a\n"))


def test_a_beam_beside_draws_is_without_effect(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"run\.yaml:1: decoding\.beam has no effect: .*draws"):
        load_config(written(tmp_path, "decoding: {sample: true, beam: 3}\n"))
    assert load_config(written(tmp_path, "decoding: {beam: 3}\n"), ["decoding.sample=true"])
    with pytest.raises(UserError, match="beam has no effect"):
        revise(DecodingConfig(), {"sample": True, "beam": 3})
    with pytest.raises(UserError, match="beam has no effect"):
        revise(DecodingConfig(sample=True), {"beam": 3})
