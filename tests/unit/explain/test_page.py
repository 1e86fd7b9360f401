"""The page as text: what is embedded comes out as it went in, and nothing else can get in."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from typing import Any

import pytest

from seq2seq.explain.page import PageCheckpoint, PageRun, render_page

NASTY = [
    "</script><script>alert(1)</script>",
    "<!-- <script>",
    "]]> & &amp; \"'`$title ${x} $",
    "a\u2028b\u2029c\x00\x1f\x7f",
    "\ud800 half a pair",
    "أنا أحب 私は猫が好き é 👩‍👩‍👧‍👦",
    "\\u003c \\",
]


class _Elements(HTMLParser):
    """Every element's name and attributes, and the text of scripts, styles and the title."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.starts: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}
        self.inside = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.starts.append((tag, dict(attrs)))
        self.inside = dict(attrs).get("id") or tag

    def handle_data(self, data: str) -> None:
        self.texts[self.inside] = self.texts.get(self.inside, "") + data

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.starts)


def _explanation(text: str) -> dict[str, Any]:
    axis = {"pieces": [text], "words": [{"word": text, "pieces": [0]}]}
    return {
        "model": text,
        "checkpoint": "00000001",
        "source": text,
        "translation": text,
        "log_probs": [-0.5],
        "axes": {"source": axis, "target": axis},
        "maps": [],
    }


def _page(text: str) -> str:
    runs = [PageRun(text, [PageCheckpoint(text, [_explanation(text)], [text])])]
    return render_page(runs, title=text)


@pytest.mark.parametrize("text", NASTY)
def test_any_text_comes_out_of_the_page_as_it_went_in(text: str) -> None:
    data = json.loads(_Elements(_page(text)).texts["data"])
    checkpoint = {"name": text, "explanations": [_explanation(text)], "translations": [text]}
    assert data.pop("first") == {"head": None, "pieces": False, "unit": None, "grid": False}
    assert data == {"title": text, "runs": [{"name": text, "checkpoints": [checkpoint]}]}


@pytest.mark.parametrize("text", NASTY)
def test_no_text_of_a_user_becomes_an_element(text: str) -> None:
    harmless, page = _Elements(_page("harmless")), _Elements(_page(text))
    assert [name for name, _ in page.starts] == [name for name, _ in harmless.starts]


def test_the_title_is_the_title_and_the_heading() -> None:
    page = _Elements(_page("I love <you> & yours"))
    assert page.texts["title"] == "I love <you> & yours"
    assert page.texts["bdi"] == "I love <you> & yours"


def test_translations_of_its_own_are_there_only_if_a_checkpoint_has_them() -> None:
    page = render_page([PageRun("r", [PageCheckpoint("1", [])])], title="t")
    data = json.loads(_Elements(page).texts["data"])
    assert data["runs"][0]["checkpoints"] == [{"name": "1", "explanations": []}]


def test_the_policy_allows_this_script_and_style_and_nothing_else() -> None:
    page = _Elements(_page("I love you"))
    (policy,) = (
        attributes["content"]
        for _, attributes in page.starts
        if attributes.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy is not None
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    for name in ("script", "style"):
        digest = b64encode(sha256(page.texts[name].encode()).digest()).decode()
        assert rules[f"{name}-src"] == f"'sha256-{digest}'"


def test_the_page_names_no_other_file_and_no_address() -> None:
    page = _page("I love you")
    addresses = set(re.findall(r"https?://[^\s\"']+", page))
    assert addresses == {"http://www.w3.org/2000/svg"}  # a name space, never fetched
    elements = _Elements(page)
    assert elements.count("link") == elements.count("img") == elements.count("iframe") == 0
    assert not any({"src", "href", "style"} & set(attributes) for _, attributes in elements.starts)
    assert not re.search(r"url\(|@import|fetch\(|XMLHttpRequest|\bimport\b", page)


def test_weights_that_are_no_numbers_are_refused_rather_than_made_bad_json() -> None:
    explanation = {**_explanation("I"), "log_probs": [float("nan")]}
    with pytest.raises(ValueError, match="JSON"):
        render_page([PageRun("r", [PageCheckpoint("1", [explanation])])], title="t")
