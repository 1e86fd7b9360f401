"""The site of the documentation: the reference is whole, and links lead somewhere."""

import re
from pathlib import Path

import seq2seq
from scripts.docs_pages import MADE, relinked

ROOT = Path(__file__).parents[2]


def test_pages_that_are_made_are_made_of_files() -> None:
    assert all((ROOT / source).is_file() for source in MADE.values())


def test_every_page_is_in_the_navigation() -> None:
    shown = re.findall(r"^  - .*: (.+\.md)$", (ROOT / "mkdocs.yml").read_text("utf-8"), re.M)
    assert sorted(shown) == sorted([*MADE, *(page.name for page in ROOT.glob("docs/*.md"))])


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
