"""What the documents quote is what the files say."""

import json
import re
from pathlib import Path

import pytest

import seq2seq
from scripts.bench_growth import PAGE, RESULTS, render
from scripts.docs_pages import relinked

ROOT = Path(__file__).parents[2]
PAGES = sorted(ROOT.glob("docs/*.md"))
QUOTING = [page for page in PAGES if page.stem != "python"]  # whose code a test of its own runs
MADE = ["settings.md", "contributing.md"]  # by scripts/docs_pages.py


@pytest.mark.parametrize("page", QUOTING, ids=lambda page: page.stem)
def test_code_that_a_page_quotes_stands_in_the_package(page: Path) -> None:
    package = "\n".join(file.read_text("utf-8") for file in ROOT.glob("seq2seq/**/*.py"))
    for block in re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), re.DOTALL):
        assert block in package, block


@pytest.mark.parametrize("page", [*PAGES, ROOT / "README.md"], ids=lambda page: page.stem)
def test_files_that_a_page_links_to_are_there(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8")):
        assert (page.parent / target).exists() or target in MADE, target


def test_every_public_name_has_its_place_in_the_reference() -> None:
    shown = re.findall(r"^::: seq2seq\.(?:api\.)?(\w+)$", (ROOT / "docs/api.md").read_text(), re.M)
    assert sorted(shown) == sorted(seq2seq.__all__)


def test_links_of_a_page_of_the_site_lead_to_pages_or_are_text() -> None:
    names = ["index.md", "settings.md", "attention.md", "results/a.txt"]
    readme = (
        "[a](docs/attention.md#b) [c](configs/base.yaml) [d](seq2seq/api.py) [e](docs) [f](no.md)"
    )
    assert relinked(readme, "README.md", "index.md", names) == (
        "[a](attention.md#b) [c](settings.md) d e [f](no.md)"
    )
    page = (
        "[a](results/a.txt) [b](../README.md) [c](../tests) ![p](x.svg) [w](https://a.b/c) [h](#h)"
    )
    assert relinked(page, "docs/x.md", "x.md", names) == (
        "[a](results/a.txt) [b](index.md) c ![p](x.svg) [w](https://a.b/c) [h](#h)"
    )


def test_the_page_on_growth_quotes_what_was_measured() -> None:
    table = render(json.loads(RESULTS.read_text("utf-8")))
    assert table in (ROOT / "docs" / PAGE).read_text("utf-8")
