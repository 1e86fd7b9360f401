"""`seq2seq explain`, used for real on a tiny run."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from seq2seq.inference.translator import load
from tests.integration.conftest import Command, french

SENTENCE = "the big cat sees a dog"
FRENCH = french(SENTENCE)


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")


def test_it_prints_the_table_and_the_matrix(command: Command) -> None:
    status, out, err = command("explain", SENTENCE)
    title, table, legend, matrix, end = out.split("\n\n")
    assert (status, err, end) == (0, "model: runs/tiny (best)\n", "")
    assert title == f"{SENTENCE}  ->  {FRENCH}"
    header, *rows = table.splitlines()
    titles = ["step", "x", "h, H", "s", "scores", "w = softmax", "c = H w", "y"]
    assert re.split("  +", header) == titles
    assert [row.split()[0] for row in rows] == [str(n) for n in range(1, len(rows) + 1)]
    assert rows[0].split()[1] == "the"
    assert rows[-1].endswith("</s>")
    assert [line[0] for line in legend.splitlines() if line[0] != " "] == ["H", "s", "w"]
    assert len(matrix.splitlines()) == 1 + len(FRENCH.split())


def test_the_largest_weight_of_each_row_is_in_brackets(command: Command) -> None:
    _, out, _ = command("-q", "explain", SENTENCE)
    header, *rows = out.split("\n\n")[3].splitlines()
    assert header.split() == [*SENTENCE.split(), "</s>"]
    assert [row.split()[0] for row in rows] == FRENCH.split()
    for row in rows:
        weights = [float(cell.strip("[]")) for cell in row.split()[1:]]
        bracketed = [float(cell) for cell in re.findall(r"\[(.+?)\]", row)]
        assert bracketed == [max(weights)]
        assert sum(weights) == pytest.approx(1, abs=0.05)


def test_json_is_an_object_a_line_and_agrees_with_translate(command: Command) -> None:
    status, out, _ = command("-q", "explain", "--json", SENTENCE, "", "a bird")
    first, blank, _ = map(json.loads, out.splitlines())
    (translation,) = load("runs/tiny").translate([SENTENCE])
    assert status == 0
    assert (first["model"], first["checkpoint"]) == (
        "runs/tiny",
        Path("runs/tiny/best").resolve().name,
    )
    assert (first["attention"], first["addressing"]) == ("general", "softmax")
    assert (first["source"], first["translation"]) == (SENTENCE, FRENCH)
    (candidate,) = translation.candidates
    np.testing.assert_allclose(first["weights"][0], candidate.weights_HTS[0], atol=2e-5)
    np.testing.assert_allclose(first["log_probs"], candidate.log_probs, atol=2e-5)
    assert first["target_pieces"] == [*candidate.pieces, "</s>"]
    assert (blank["translation"], blank["weights"], blank["steps"]) == ("", [[]], [])


def test_the_text_may_come_from_a_file_or_standard_input(command: Command) -> None:
    Path("in.txt").write_text(f"{SENTENCE}\n\n")
    by_argument = command("-q", "explain", SENTENCE, "").out
    assert by_argument.endswith("(nothing to explain: the text is blank)\n\n")
    assert command("-q", "explain", "-i", "in.txt").out == by_argument
    assert command("-q", "explain", stdin=f"{SENTENCE}\n\n".encode()).out == by_argument


def test_a_target_can_be_given(command: Command) -> None:
    _, out, _ = command("-q", "explain", "--target", "un chien", SENTENCE)
    assert out.startswith(f"{SENTENCE}  ->  un chien\n")


def test_the_terminal_s_width_is_kept_and_full_is_not_bound_by_it(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    narrow, full = command("-q", "explain", SENTENCE).out, command("-q", "explain", "--full", "cat")
    assert max(map(len, narrow.splitlines())) <= 80
    row = full.out.split("\n\n")[1].splitlines()[1]
    assert len(row.split()) >= 3 + 64  # step, x, norm and both directions' 32


def test_pieces_and_a_head_can_be_asked_for(command: Command) -> None:
    _, mean, _ = command("-q", "explain", "--pieces", SENTENCE)
    _, first, _ = command("-q", "explain", "--pieces", "--head", "1", SENTENCE)
    assert mean == first  # there is one head
    assert mean.split("\n\n")[3].splitlines()[-1].startswith("</s>")


def test_places_are_listed_without_a_text(command: Command) -> None:
    status, out, _ = command("-q", "explain", "--units")
    assert status == 0
    assert re.split("  +", out.strip()) == [
        "decoder.source",
        "general, softmax",
        "1 head: target pieces x source pieces",
        "words are aligned by it",
    ]
    (listed,) = json.loads(command("-q", "explain", "--units", "--json").out)
    assert (listed["place"], listed["rows"], listed["aligned"]) == (
        "decoder.source",
        "target",
        True,
    )
    refused = command("explain", "--units", SENTENCE)
    assert (refused.status, "leave TEXT out" in refused.err) == (2, True)


def test_a_unit_may_be_named_and_an_unknown_one_is_refused(command: Command) -> None:
    named = command("-q", "explain", "--unit", "decoder.source", "--head", "1", SENTENCE)
    assert named.out == command("-q", "explain", "--head", "1", SENTENCE).out
    unknown = command("explain", "--unit", "decoder.sorce", SENTENCE)
    assert unknown.status == 2
    assert "expected one of decoder.source, found 'decoder.sorce'" in unknown.err
    assert "did you mean 'decoder.source'?" in unknown.err
    head = command("explain", "--unit", "decoder.source", "--head", "2", SENTENCE)
    assert head.err.endswith("--head: expected mean or 1 of decoder.source, found '2'\n")


def test_a_grid_needs_a_file_to_be_drawn_in(command: Command) -> None:
    refused = command("explain", "--grid", SENTENCE)
    assert refused.err == "error: explain: --grid needs -o FILE with the ending .png, .svg, .html\n"
    assert command("-q", "explain", "--grid", SENTENCE, "-o", "x.svg", "-o", "x.html").status == 0
    assert "data:image/png;base64," in Path("x.svg").read_text()
    assert '"grid":true' in Path("x.html").read_text()


def test_files_are_written_by_their_endings_beside_what_is_printed(command: Command) -> None:
    pytest.importorskip("matplotlib", reason="needs the extra: plots")
    names = ["x.json", "x.npz", "x.png", "x.svg"]
    files = [part for name in names for part in ("-o", name)]
    assert command("-q", "explain", SENTENCE, *files).out == command("-q", "explain", SENTENCE).out
    assert json.loads(Path("x.json").read_text())["translation"] == FRENCH
    with np.load("x.npz", allow_pickle=False) as arrays:
        assert arrays["translation"] == FRENCH
        assert arrays["model"] == "runs/tiny"
    assert Path("x.png").read_bytes().startswith(b"\x89PNG")
    assert f">{FRENCH}</text>" in Path("x.svg").read_text()


def test_several_sentences_share_a_file(command: Command) -> None:
    assert command("-q", "explain", SENTENCE, "a dog", "-o", "x.json", "-o", "x.npz").status == 0
    found = json.loads(Path("x.json").read_text())
    assert [one["source"] for one in found] == [SENTENCE, "a dog"]
    with np.load("x.npz", allow_pickle=False) as arrays:
        assert arrays["2/source"] == "a dog"


def test_one_missing_package_does_not_keep_the_other_outputs_from_being_written(
    command: Command, world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    outputs = ["-o", "x.json", "-o", "x.png", "-o", "x.svg"]
    done = command("--quiet", "explain", "--model", "runs/tiny", "the cat", *outputs)
    assert done.status == 2
    assert done.err.splitlines() == [
        "error: x.png: needs matplotlib: pip install 'seq2seq-attention[plots]'; .svg needs none"
    ]
    assert done.out.startswith("the cat  ->  ")
    assert sorted(file.name for file in world.glob("x.*")) == ["x.json", "x.svg"]


def test_a_missing_package_is_told_before_the_work_where_there_is_no_other_output(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    done = command("explain", "--model", "no such run", "the cat", "-o", "x.png")
    assert (done.status, done.out) == (2, "")
    assert "needs matplotlib" in done.err


def test_an_output_that_fails_does_not_keep_the_others_from_being_written(
    command: Command, world: Path
) -> None:
    done = command("--quiet", "explain", "--model", "runs/tiny", "", "-o", "x.svg", "-o", "x.json")
    assert done.status == 2
    assert done.err.splitlines() == [
        "error: picture: expected something to draw, found a blank text"
    ]
    assert (world / "x.json").is_file()
