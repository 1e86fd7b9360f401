"""Imports run one way: the order of the packages, no circle, and what needs no torch.

Every import counts, one within a function or for type checkers too: it needs the other's names.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]

ORDER = (
    ("counted", "errors"),
    ("bounds", "callables", "extras", "kinds", "machine"),
    ("bundled", "extension"),
    ("config",),
    ("data",),
    ("kernels",),
    ("model",),
    ("runs",),
    ("search",),
    ("translation",),
    ("inference", "training"),
    ("explain",),
    ("evaluation",),
    ("pipeline",),
    ("bench", "compare", "conformance", "export"),
    ("planning",),
    ("api", "environment"),
    ("cli",),
    ("__main__",),
)
"""The packages and modules of seq2seq/; each may import only what stands in an earlier row."""

UPWARD = {
    ("seq2seq.compare", "seq2seq.api"): "seq2seq.compare(...) calls a package: the function of api",
    ("seq2seq.explain", "seq2seq.api"): "seq2seq.explain(...) calls a package: the function of api",
}
"""The imports against the order, with their reasons."""

WITHOUT_TORCH = (
    "cli",
    "api",
    "config",
    "data.prepare",
    "data.doctor",
    "evaluation.scores",
    "export.network",
    "export.translator",
    "runs.finding",
    "runs.listing",
    "search.arrays",
    "search.beam",
    "search.hypothesis",
    "search.loop",
    "translation",
)
"""Packages, with all their modules, and modules."""


class Import(NamedTuple):
    """One of our modules that imports another."""

    importer: str
    imported: str
    line: int


def our_modules() -> dict[str, ast.Module]:
    """Return the code of each of our modules by its dotted name."""
    code = {}
    for file in sorted((ROOT / "seq2seq").rglob("*.py")):
        name = ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        code[name] = ast.parse(file.read_text(encoding="utf-8"))
    return code


@pytest.fixture(scope="module")
def imports() -> list[Import]:
    """Each import among our modules but for the root's, which only names what is public."""
    code = our_modules()
    found = []
    for importer, tree in code.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{importer}:{node.lineno}: expected an absolute import"
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            else:
                continue
            named = {name if name in code else name.rpartition(".")[0] for name in names}
            found += [Import(importer, name, node.lineno) for name in sorted(named & set(code))]
    return [each for each in found if "seq2seq" not in (each.importer, each.imported)]


def package_of(module: str) -> str:
    return module.split(".")[1]


def test_every_package_has_a_place_in_the_order() -> None:
    packages = {package_of(module) for module in our_modules() if module != "seq2seq"}
    assert packages == {package for row in ORDER for package in row}


def test_a_package_imports_only_packages_of_earlier_rows(imports: list[Import]) -> None:
    row_of = {package: row for row, packages in enumerate(ORDER) for package in packages}
    against = [
        each
        for each in imports
        if (importer := package_of(each.importer)) != (imported := package_of(each.imported))
        and row_of[importer] <= row_of[imported]
    ]
    unlisted = [each for each in against if (each.importer, each.imported) not in UPWARD]
    assert not unlisted, f"imports against the order: {unlisted}"
    needless = UPWARD.keys() - {(each.importer, each.imported) for each in against}
    assert not needless, f"take out of UPWARD, as nothing imports so any more: {needless}"


def test_no_modules_import_each_other_in_a_circle(imports: list[Import]) -> None:
    assert not circles(imports)


def circles(imports: list[Import]) -> list[list[str]]:
    """Return the groups of modules in which each imports, by way of others, all the rest."""
    direct: dict[str, set[str]] = {}
    for importer, imported, _ in imports:
        direct.setdefault(importer, set()).add(imported)
        direct.setdefault(imported, set())
    reached = {module: reachable(module, direct) for module in direct}
    groups = {
        frozenset(other for other in reached[module] if module in reached[other])
        for module in direct
    }
    return sorted(sorted(group) for group in groups if group)


def reachable(module: str, direct: dict[str, set[str]]) -> set[str]:
    reached: set[str] = set()
    waiting = [module]
    while waiting:
        new = direct[waiting.pop()] - reached
        reached |= new
        waiting += new
    return reached


def test_circles_are_found_at_any_length() -> None:
    pairs = ("ab", "bc", "ca", "cd", "de", "ed", "ef")
    found = circles([Import(pair[0], pair[1], 1) for pair in pairs])
    assert found == [["a", "b", "c"], ["d", "e"]]


def test_what_a_command_needs_at_once_imports_no_torch() -> None:
    inside = [
        module
        for module in our_modules()
        if any(f"{module}.".startswith(f"seq2seq.{name}.") for name in WITHOUT_TORCH)
    ]
    program = "import sys, importlib; sys.modules['torch'] = None\n"
    program += "".join(f"importlib.import_module({module!r})\n" for module in inside)
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
