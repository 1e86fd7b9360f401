"""What the documents quote is what the files say."""

import json
import re
from pathlib import Path
from types import ModuleType

import pytest

from scripts import bench_gpu, bench_growth, variants_page
from tests.unit.test_architecture import ORDER

ROOT = Path(__file__).parents[2]
PAGES = sorted(ROOT.glob("docs/*.md"))
QUOTING = [page for page in PAGES if page.stem != "python"]  # whose code a test of its own runs
MADE = ["settings.md", "contributing.md"]  # by scripts/docs_pages.py: see test_site.py


@pytest.mark.parametrize("page", QUOTING, ids=lambda page: page.stem)
def test_code_that_a_page_quotes_stands_in_the_package(page: Path) -> None:
    package = "\n".join(file.read_text("utf-8") for file in ROOT.glob("seq2seq/**/*.py"))
    for block in re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), re.DOTALL):
        assert block in package, block


@pytest.mark.parametrize("page", [*PAGES, ROOT / "README.md"], ids=lambda page: page.stem)
def test_files_that_a_page_links_to_are_there(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8")):
        assert (page.parent / target).exists() or target in MADE, target


def test_the_map_of_contributing_has_every_package_in_the_order_of_imports() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    shown = re.findall(r"^\| `(\w+)(?:/|\.py)` \|", text, re.MULTILINE)
    packages = {file.parent.name for file in ROOT.glob("seq2seq/*/__init__.py")}
    assert packages <= set(shown)
    ranks = {name: rank for rank, row in enumerate(ORDER) for name in row}
    known = [name for name in shown if name in ranks]
    assert known == sorted(known, key=ranks.__getitem__)


@pytest.mark.parametrize(
    ("bench", "page"), [(bench_growth, bench_growth.PAGE), (bench_gpu, "performance.md")]
)
def test_a_page_quotes_what_was_measured(bench: ModuleType, page: str) -> None:
    table = bench.render(json.loads(bench.RESULTS.read_text("utf-8")))
    assert table in (ROOT / "docs" / page).read_text("utf-8")


def test_the_page_of_the_variants_shows_what_was_measured() -> None:
    page = variants_page.PAGE.read_text("utf-8")
    results = variants_page.RESULTS.read_text("utf-8")
    assert variants_page.render(page, results) == page
    recipes = {file.stem for file in (ROOT / "configs" / "variants").glob("*.yaml")}
    assert recipes == set(variants_page.blocks(results)) - {variants_page.SEEDS}
