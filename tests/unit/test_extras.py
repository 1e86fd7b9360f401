"""The distribution has one name, wherever it is said."""

import re
from importlib.util import find_spec
from pathlib import Path

from seq2seq.extras import DISTRIBUTION, install_hint

ROOT = Path(__file__).parents[2]
PYPROJECT = (ROOT / "pyproject.toml").read_text("utf-8")


def test_messages_name_the_distribution_of_pyproject() -> None:
    (name,) = re.findall(r'^name = "(.*?)"', PYPROJECT, re.MULTILINE)
    assert name == DISTRIBUTION
    assert install_hint("onnx") == f"pip install '{name}[onnx]'"


def test_every_extra_that_is_asked_for_is_one_and_no_file_names_another_distribution() -> None:
    extras = PYPROJECT.partition("[project.optional-dependencies]")[2].partition("\n[")[0]
    offered = set(re.findall(r"^(\w+) = ", extras, re.MULTILINE))
    for file in [*ROOT.glob("seq2seq/**/*.py"), *ROOT.glob("scripts/*"), *ROOT.glob("docs/*.md")]:
        if file.is_file():
            text = file.read_text("utf-8")
            for name, extra in re.findall(r"(?:pip install ')([\w-]+)\[([\w,]+)\]", text):
                assert name == DISTRIBUTION, file
                assert set(extra.split(",")) <= offered, file
            assert set(re.findall(r"install_hint\(['\"](\w+)['\"]\)", text)) <= offered, file


def test_the_module_keeps_its_name() -> None:
    assert find_spec("seq2seq") is not None
    assert 'seq2seq = "seq2seq.cli:main"' in PYPROJECT
