"""The attention of translations as one HTML page, which needs no network and no other file.

page.html is the frame, page.css its looks and page.js the drawing; they are put together here with
the explanations as JSON. Everything that comes from a user is escaped, and the page itself forbids
what it doesn't need: its policy names the hashes of its own script and style and allows nothing
else, no request to anywhere.

The matrix is an HTML table, so that its labels can stay in sight, a screen reader finds the words
of a cell, and every script is laid out by the browser. A chart library (d3, Observable Plot) would
draw it as SVG without these, and be larger than all the rest of the page.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

from seq2seq.explain.view import UNASKED, View


@dataclass(frozen=True)
class PageCheckpoint:
    """One checkpoint and what it did with each sentence, as `Explanation.as_page` gives it.

    Where the explanations are of translations that were given, so that checkpoints can be compared,
    `translations` are what this one finds itself.
    """

    name: str
    explanations: Sequence[Mapping[str, Any]]
    translations: Sequence[str] | None = None


@dataclass(frozen=True)
class PageRun:
    """One run and its checkpoints, in order of steps; all of them explain the same sentences."""

    name: str
    checkpoints: Sequence[PageCheckpoint]


def render_page(runs: Sequence[PageRun], *, title: str, view: View = UNASKED) -> str:
    """Return the page that shows the runs: any number, any number of checkpoints and sentences.

    `view` is what it shows when it is opened.
    """
    style, script = _asset("page.css"), _asset("page.js")
    explanations = (e for run in runs for c in run.checkpoints for e in c.explanations)
    images = "img-src data:; " if any("pictures" in each for each in explanations) else ""
    policy = (
        f"default-src 'none'; {images}style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    return Template(_asset("page.html")).substitute(
        policy=policy,
        title=_escaped(title),
        style=style,
        script=script,
        data=_embedded(
            {
                "title": title,
                "first": view._asdict(),
                "runs": [_plain_run(run) for run in runs],
            }
        ),
    )


def title_of(texts: Sequence[str]) -> str:
    """Return the title of a page about these sentences."""
    return texts[0] if len(texts) == 1 and texts[0].strip() else f"{len(texts)} sentences"


def _plain_run(run: PageRun) -> dict[str, Any]:
    return {"name": run.name, "checkpoints": [_plain_checkpoint(c) for c in run.checkpoints]}


def _plain_checkpoint(checkpoint: PageCheckpoint) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "name": checkpoint.name,
        "explanations": [dict(explanation) for explanation in checkpoint.explanations],
    }
    if checkpoint.translations is not None:
        plain["translations"] = list(checkpoint.translations)
    return plain


def _embedded(value: object) -> str:
    """JSON that can stand in a script element.

    All is ASCII, so it has no line separator and no half of a pair; and without `<` no tag.
    """
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("<", r"\u003c").replace(">", r"\u003e").replace("&", r"\u0026")


def _escaped(text: str) -> str:
    """HTML of a text in ASCII; of half a surrogate pair, a browser makes U+FFFD."""
    return escape(text).encode("ascii", "xmlcharrefreplace").decode()


def _hash(text: str) -> str:
    """How a content security policy names an inline script or style."""
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


def _asset(name: str) -> str:
    return (files("seq2seq.explain") / name).read_text(encoding="utf-8")
