"""`seq2seq explain -o page.html`: what the page holds is what the checkpoints do."""

from __future__ import annotations

import json
import shutil
from base64 import b64decode
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import seq2seq
from tests.integration.conftest import Command

TEXTS = ["the cat sees a dog", "a small bird likes the big cat"]
STEPS = ["00000075", "00000150"]


def _data(page: Path) -> dict[str, Any]:
    """What is embedded in the page."""
    _, _, rest = page.read_text(encoding="utf-8").partition('id="data">')
    data: dict[str, Any] = json.loads(rest.partition("</script>")[0])
    return data


def _weights(explanation: dict[str, Any]) -> npt.NDArray[np.float64]:
    first = explanation["maps"][0]
    codes = np.frombuffer(b64decode(first["codes"]), "<u2")
    return codes.reshape(first["shape"]) / 65534


def test_all_checkpoints_are_given_the_best_ones_translation(command: Command, world: Path) -> None:
    outcome = command("explain", *TEXTS, "--checkpoint", "all", "-o", "page.html")
    assert outcome.status == 0, outcome.err
    (run,) = _data(world / "page.html")["runs"]
    assert run["name"] == "runs/tiny"
    assert [checkpoint["name"] for checkpoint in run["checkpoints"]] == STEPS
    found = [translation.text for translation in seq2seq.load("runs/tiny").translate(TEXTS)]
    for checkpoint in run["checkpoints"]:
        translator = seq2seq.load("runs/tiny", checkpoint=checkpoint["name"])
        own = [translation.text for translation in translator.translate(TEXTS)]
        assert checkpoint["translations"] == own
        forced = translator.force(list(zip(TEXTS, found, strict=True)))
        for explanation, translation in zip(checkpoint["explanations"], forced, strict=True):
            (candidate,) = translation.candidates
            assert explanation["translation"] == candidate.text
            assert explanation["checkpoint"] == checkpoint["name"]
            expected_HTS = candidate.weights_HTS
            np.testing.assert_allclose(_weights(explanation), expected_HTS, atol=1e-5)  # 16 bits
            np.testing.assert_allclose(explanation["log_probs"], candidate.log_probs, atol=2e-5)


def test_several_models_are_several_runs_and_not_one_ensemble(
    command: Command, world: Path
) -> None:
    shutil.copytree(world / "runs/tiny", world / "runs/other", symlinks=True)
    models = ("--model", "runs/tiny", "--model", "runs/other")
    outcome = command("explain", TEXTS[0], *models, "--output", "page.html")
    assert outcome.status == 0, outcome.err
    first, second = _data(world / "page.html")["runs"]
    assert (first["name"], second["name"]) == ("runs/tiny", "runs/other")
    (checkpoint,) = first["checkpoints"]
    assert "translations" not in checkpoint  # the translation shown is its own
    assert checkpoint["explanations"][0]["source"] == TEXTS[0]


def test_one_checkpoint_is_printed_and_written(command: Command, world: Path) -> None:
    outcome = command("explain", *TEXTS, "-o", "page.html", "-o", "page.json")
    assert outcome.status == 0, outcome.err
    assert TEXTS[0] in outcome.out
    (run,) = _data(world / "page.html")["runs"]
    (checkpoint,) = run["checkpoints"]
    expected = json.loads((world / "page.json").read_text(encoding="utf-8"))
    for explanation, plain in zip(checkpoint["explanations"], expected, strict=True):
        assert explanation["translation"] == plain["translation"]
        assert explanation["axes"]["target"]["words"] == plain["target_words"]
        np.testing.assert_allclose(_weights(explanation), plain["weights"], atol=2e-5)


def test_a_page_of_no_sentence_is_written(command: Command, world: Path) -> None:
    for more in ((), ("--checkpoint", "all")):
        outcome = command("explain", "-o", "page.html", *more)
        assert outcome.status == 0, outcome.err
        assert _data(world / "page.html")["title"] == "0 sentences"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--checkpoint", "all"), "can only be shown in a page: give -o FILE.html"),
        (("-m", "runs/tiny", "-m", "runs/tiny"), "shown in a page: give -o FILE.html"),
        (("--checkpoint", "all", "-o", "page.json"), "shown in a page: give -o FILE.html"),
        (("--checkpoint", "all", "-o", "missing/page.html"), "no such folder to write to: missing"),
        (
            ("--checkpoint", "all", "--json", "-o", "page.html"),
            "works with one run and one checkpoint only",
        ),
    ],
)
def test_what_a_page_cannot_be_made_of_is_refused(
    command: Command, arguments: tuple[str, ...], message: str
) -> None:
    outcome = command("explain", TEXTS[0], *arguments)
    assert outcome.status != 0
    assert message in outcome.err
    assert "Traceback" not in outcome.err
