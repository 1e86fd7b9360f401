"""What names on the command line mean, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from seq2seq.compare.members import Grid, find_members, parse_vary, unequal_budgets
from seq2seq.errors import UserError

INTO = Path("into")


def names(recipes: list[str], seeds: int = 1, **vary: list[Any]) -> list[tuple[str, int | None]]:
    grid = Grid(seeds, {k.replace("__", "."): v for k, v in vary.items()}, [])
    return [(member.system, member.seed) for member in find_members(recipes, grid, INTO)]


def test_a_recipe_has_a_member_for_each_seed() -> None:
    assert names(["demo"], 2) == [("demo", 1), ("demo", 2)]


def test_values_of_settings_are_crossed_and_named() -> None:
    found = names(
        ["demo"],
        model__attention=["dot", {"kind": "additive", "size": 8, "addressing": "sparsemax"}],
        model__dropout=[0.1, 0.3],
    )
    assert [name for name, _ in found] == [
        "dot, dropout 0.1",
        "dot, dropout 0.3",
        "additive, size 8, sparsemax, dropout 0.1",
        "additive, size 8, sparsemax, dropout 0.3",
    ]


def test_of_several_recipes_the_name_says_which() -> None:
    found = names(["demo", "variants/1-dot"], model__dropout=[0.1])
    assert [name for name, _ in found] == ["demo, dropout 0.1", "variants/1-dot, dropout 0.1"]


def test_seeds_may_be_varied_like_any_setting() -> None:
    assert names(["demo"], 3, seed=[7, 9]) == [("seed 7", 7), ("seed 9", 9)]


def test_folders_tell_all_members_apart() -> None:
    grid = Grid(2, {"model.attention": ["dot", {"kind": "additive", "size": 8}]}, [])
    folders = [member.path for member in find_members(["demo"], grid, INTO)]
    assert [path.name for path in folders] == [
        "dot-1",
        "dot-2",
        "additive-size-8-1",
        "additive-size-8-2",
    ]


def test_a_file_of_translations_is_a_system(tmp_path: Path) -> None:
    (tmp_path / "a.fr").write_text("je t'aime\n")
    (member,) = find_members([str(tmp_path / "a.fr")], Grid(None, {}, []), INTO)
    assert (member.system, member.seed, member.is_run) == ("a.fr", None, False)


@pytest.mark.parametrize(
    ("recipes", "vary", "message"),
    [
        (["dmeo"], {}, r"dmeo: no such configuration file \(did you mean 'demo\.yaml'"),
        (["demo", "demo"], {}, r"demo, seed 1 is compared already"),
        (["demo"], {"model.attentoin": ["dot"]}, r"unknown key 'model\.attentoin'"),
        ([], {}, r"expected recipes, runs or files of translations, found none"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    recipes: list[str], vary: dict[str, list[Any]], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        find_members(recipes, Grid(1, vary, []), INTO)


def test_settings_need_a_recipe(tmp_path: Path) -> None:
    (tmp_path / "a.fr").write_text("je t'aime\n")
    with pytest.raises(UserError, match="are for recipes, and none is trained here"):
        find_members([str(tmp_path / "a.fr")], Grid(1, {}, ["model.dropout=0.1"]), INTO)


def test_a_list_of_values_is_read_as_yaml() -> None:
    assert parse_vary("model.attention=[dot, {kind: additive, size: 8}]") == (
        "model.attention",
        ["dot", {"kind": "additive", "size": 8}],
    )


@pytest.mark.parametrize("text", ["model.dropout", "model.dropout=0.1", "=[1]", "seed=[]"])
def test_another_list_of_values_is_refused(text: str) -> None:
    with pytest.raises(UserError, match=r"expected KEY=\[VALUE, VALUE\]"):
        parse_vary(text)


def test_budgets_that_differ_are_told() -> None:
    grid = Grid(1, {"training.max_steps": [100, 200]}, ["training.max_epochs=null"])
    found = unequal_budgets(find_members(["demo"], grid, INTO))
    assert "max_steps 100" in found
    assert "max_steps 200" in found
    assert not unequal_budgets(find_members(["demo"], Grid(2, {}, []), INTO))
