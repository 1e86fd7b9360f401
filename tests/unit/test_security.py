"""What the page on security says is so."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from seq2seq.errors import UserError
from seq2seq.runs.checkpoint import Checkpoint
from tests.unit.test_architecture import our_modules

ROOT = Path(__file__).parents[2]
PROOFS = re.findall(
    r"`(tests/[\w/]+\.py)::(\w+)`", (ROOT / "docs" / "security.md").read_text("utf-8")
)


@pytest.mark.parametrize(("file", "test"), PROOFS)
def test_the_page_names_tests_that_are_there(file: str, test: str) -> None:
    assert f"def {test}(" in (ROOT / file).read_text("utf-8")


SAFE = {"torch.load": ("weights_only", True), "np.load": ("allow_pickle", False)}
FORBIDDEN = ("pickle.load", "joblib.load", "eval", "yaml.load", "yaml.unsafe_load", "os.system")


def calls() -> Iterator[tuple[str, int, str, ast.Call]]:
    for module, tree in our_modules().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                yield module, node.lineno, ast.unparse(node.func), node


def test_nothing_is_unpickled() -> None:
    for module, line, name, call in calls():
        assert name not in FORBIDDEN, f"{module}:{line}"
        assert name != "exec" or module == "seq2seq.extension", f"{module}:{line}"
        if name in SAFE:
            keyword, value = SAFE[name]
            given = {each.arg: ast.literal_eval(each.value) for each in call.keywords
                     if each.arg == keyword}  # fmt: skip
            assert given == {keyword: value}, f"{module}:{line}"


class Harm:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (self.mark,)  # type: ignore[return-value]


def test_a_pickle_in_a_checkpoint_does_nothing(tmp_path: Path) -> None:
    torch.save({"optimizer": Harm(tmp_path / "ran")}, tmp_path / "trainer.pt")
    (tmp_path / "state.json").write_text("{}")
    with pytest.raises(UserError, match=r"trainer\.pt: ") as refused:
        Checkpoint(tmp_path).trainer_tensors()
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "ran").exists()
