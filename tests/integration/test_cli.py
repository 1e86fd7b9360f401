"""Every command, used for real on a tiny run: results on standard output, all else beside it."""

from __future__ import annotations

import gzip
import json
import logging
import os
import pty
import re
import select
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from seq2seq import __version__
from seq2seq.inference.translator import Translator
from seq2seq.runs.run import Run
from tests.integration.conftest import Command, french

SENTENCES = ["the big cat sees a dog", "a bird likes the small bird"]
FRENCH = [french(sentence) for sentence in SENTENCES]


def seq2seq(
    folder: Path, *arguments: str, stdin: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    """The command as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "seq2seq", *arguments],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
        input=stdin,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
    )


# --- training -------------------------------------------------------------------------------------


def test_train_prints_the_run_and_says_everything_else_on_stderr(
    world: Path, command: Command
) -> None:
    settings = ["training.max_steps=4", "training.validate_every=2", "training.samples=1"]
    status, out, err = command("train", "-c", "tiny.yaml", "--run", "runs/new", *settings)
    assert (status, out) == (0, "runs/new\n")
    assert "using data prepared earlier: " in err
    assert re.search(r"^[\d,]+ parameters \(encoder", err, re.MULTILINE)
    assert len(re.findall(r"^step [24], epoch", err, re.MULTILINE)) == 2
    assert re.search(r"^  reference   un|le ", err, re.MULTILINE)
    assert "finished (max_steps) after 4 steps" in err
    assert (world / "runs/new/best/model.safetensors").exists()
    assert "finished" in (world / "runs/new/train.log").read_text()


def test_train_goes_on_with_a_run_that_is_named_alone(world: Path, command: Command) -> None:
    arguments = ["train", "--run", "runs/tiny", "--resume", "training.max_steps=152"]
    status, out, err = command(*arguments)
    assert (status, out) == (0, "runs/tiny\n")
    assert "resumed at step 150" in err
    assert json.loads((world / "runs/tiny/result.json").read_text())["steps"] == 152


def test_prepare_prints_a_folder_that_the_second_call_finds_again(
    tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEQ2SEQ_CACHE", str(tmp_path / "cache"))
    first = command("prepare", "-c", "tiny.yaml")
    second = command("prepare", "-c", "tiny.yaml")
    assert (first.status, second.status) == (0, 0)
    assert first.out == second.out
    assert Path(first.out.strip()).parent == tmp_path / "cache/prepared"
    assert "training: 240 pairs read" in first.err
    assert second.err == f"using data prepared earlier: {first.out}"


def test_average_prints_a_checkpoint_that_translates(command: Command) -> None:
    status, out, _ = command("average", "runs/tiny", "--last", "2")
    assert (status, out) == (0, "runs/tiny/checkpoints/average-00000150-2-a1c178cf\n")
    averaged = command("translate", "--checkpoint", "average", SENTENCES[0])
    assert averaged.status == 0
    assert averaged.err == "model: runs/tiny (average)\n"


def test_average_takes_what_a_run_keeps_where_no_number_is_said(command: Command) -> None:
    status, out, err = command("average", "runs/tiny")
    assert (status, out) == (0, "runs/tiny/checkpoints/average-00000150-2-a1c178cf\n")
    assert err == "average of 2 checkpoints: 00000075, 00000150\n"


def test_average_takes_the_best_of_the_validation_set(command: Command) -> None:
    best = Run.open("runs/tiny").checkpoint("best").step  # as training judged
    status, out, err = command("average", "--best", "1")
    assert (status, err) == (0, f"average of 1 checkpoints: {best:08d}\n")
    assert out.startswith(f"runs/tiny/checkpoints/average-{best:08d}-1-")
    assert command("average", "--best", "2").err == "average of 2 checkpoints: 00000075, 00000150\n"


# --- translating ----------------------------------------------------------------------------------


def test_translate_takes_the_newest_finished_run_and_says_so(world: Path, command: Command) -> None:
    shutil.copytree(world / "runs/tiny", world / "runs/newer", symlinks=True)
    os.utime(world / "runs/newer/result.json", (2**31, 2**31))
    shutil.copytree(world / "runs/tiny", world / "runs/unfinished", symlinks=True)
    (world / "runs/unfinished/result.json").unlink()
    status, out, err = command("translate", SENTENCES[0])
    assert (status, out, err) == (0, f"{FRENCH[0]}\n", "model: runs/newer (best)\n")


def test_translate_gives_a_line_for_every_text(command: Command) -> None:
    assert command("-q", "translate", *SENTENCES) == (0, "".join(f"{f}\n" for f in FRENCH), "")


def test_translate_keeps_lines_in_their_places_blank_ones_too(command: Command) -> None:
    text = f"{SENTENCES[0]}\n\n  \n{SENTENCES[1]}\r\n{SENTENCES[0]}"
    expected = f"{FRENCH[0]}\n\n\n{FRENCH[1]}\n{FRENCH[0]}\n"
    assert command("-q", "translate", stdin=text.encode()) == (0, expected, "")
    assert command("-q", "translate", "-i", "-", stdin=text.encode()) == (0, expected, "")
    assert command("-q", "translate", "--batch", "1", stdin=text.encode()).out == expected


def test_translate_of_nothing_is_nothing(command: Command) -> None:
    assert command("-q", "translate", stdin=b"") == (0, "", "")


def test_translate_reads_and_writes_files(world: Path, command: Command) -> None:
    (world / "in.gz").write_bytes(gzip.compress("\n".join(SENTENCES).encode()))
    (world / "out.fr").write_text("old\n")
    (world / "link.fr").symlink_to("out.fr")
    assert command("-q", "translate", "-i", "in.gz", "-o", "link.fr") == (0, "", "")
    assert (world / "out.fr").read_text() == "".join(f"{line}\n" for line in FRENCH)
    assert (world / "link.fr").is_symlink()
    assert not list(world.glob(".*.part"))


def test_translate_writes_to_a_device_and_leaves_it_one(command: Command) -> None:
    assert command("-q", "translate", "-o", os.devnull, SENTENCES[0]) == (0, "", "")
    assert not Path(os.devnull).is_file()


def test_translate_as_json_is_an_object_a_line(command: Command) -> None:
    status, out, _ = command("-q", "translate", "--json", "--n-best", "2", SENTENCES[0], "")
    first, blank = map(json.loads, out.splitlines())
    assert status == 0
    assert first["source"] == SENTENCES[0]
    assert first["translation"] == first["hypotheses"][0]["text"] == FRENCH[0]
    assert len(first["hypotheses"]) == 2
    attention = first["hypotheses"][0]["attention"]
    assert [len(row) for row in attention] == [len(first["source_words"])] * len(FRENCH[0].split())
    assert all(sum(row) == pytest.approx(1, abs=1e-3) for row in attention)
    assert (blank["translation"], blank["hypotheses"]) == ("", [])


def test_translate_n_best_is_number_score_and_text_between_tabs(command: Command) -> None:
    _, out, _ = command("-q", "translate", "--n-best", "3", SENTENCES[0], "", SENTENCES[1])
    rows = [line.split("\t") for line in out.splitlines()]
    assert [row[0] for row in rows] == ["1"] * 3 + ["2"] + ["3"] * 3
    scores = [float(row[1]) for row in rows]
    assert scores[:3] == sorted(scores[:3], reverse=True)
    assert (rows[0][2], rows[3], rows[4][2]) == (FRENCH[0], ["2", "0.0000", ""], FRENCH[1])


def test_every_decoding_option_changes_what_the_search_is_told(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {
        "n_best": 2,
        "length_penalty": 0.5,
        "min_length": 1,
        "max_length": 7,
        "no_repeat_ngram": 2,
        "batch": 2,
        "workers": 2,
        "precision": "bf16",
        "keep": True,
    }
    of_draws = {"sample": True, "temperature": 0.5, "top_k": 4, "top_p": 0.9, "seed": 5}
    told: list[dict[str, Any]] = []

    def stream(self: Translator, texts: object, options: Any, **_: object) -> list[Any]:
        told.append(options.model_dump())
        return []

    monkeypatch.setattr(Translator, "stream", stream)
    ways: list[dict[str, Any]] = [{}, {"beam": 3, **given}, {**of_draws, **given}]
    for way in ways:
        arguments: list[str] = []
        for name, value in way.items():
            flag = f"--{name.replace('_', '-')}"
            arguments += [flag] if value is True else [flag, str(value)]
        assert command("-q", "translate", "x", *arguments).status == 0
    assert told == [{**told[0], **way} for way in ways]
    assert told[0]["beam"] == 5


def test_bf16_translates_and_scores_as_fp32_does(command: Command) -> None:
    texts = ["the cat sees a dog", "a dog hears the bird"]  # known: of others bf16 may say others
    full = command("-q", "translate", *texts)
    assert command("-q", "translate", "--precision", "bf16", *texts).out == full.out
    done = command("-q", "translate", "--precision", "fp8", *texts)
    assert done.status == 2
    assert "precision: expected 'fp32' or 'bf16', found 'fp8'" in done.err
    scores = [
        command("-q", "evaluate", "--precision", precision, "--bootstrap", "0").out
        for precision in ("fp32", "bf16")
    ]
    assert scores[0] == scores[1]


def test_length_options_are_obeyed(command: Command) -> None:
    def pieces(*options: str) -> int:
        _, out, _ = command("-q", "translate", "--json", SENTENCES[0], *options)
        return len(json.loads(out)["hypotheses"][0]["pieces"])

    usual = pieces()
    assert pieces("--max-length", "3") < usual < 20 <= pieces("--min-length", "20")


def test_draws_depend_on_the_seed_alone(command: Command) -> None:
    draw = ["-q", "translate", "--sample", "--temperature", "5", *SENTENCES, "--seed"]
    assert command(*draw, "1").out == command(*draw, "1").out != command(*draw, "2").out


def test_several_checkpoints_of_a_run_are_an_ensemble(command: Command) -> None:
    alone = command("-q", "translate", "--json", "--checkpoint", "75", *SENTENCES[:2])
    both = command("translate", "--json", "--checkpoint", "75, last", *SENTENCES[:2])
    assert (both.status, both.err) == (0, "model: runs/tiny (75, last)\n")
    assert len(both.out.splitlines()) == 2
    assert both.out != alone.out  # the scores are others


def test_an_ensemble_of_a_run_with_itself_is_the_run(command: Command) -> None:
    status, out, err = command("translate", "-m", "runs/tiny", "-m", "runs/tiny", SENTENCES[0])
    assert (status, out) == (0, f"{FRENCH[0]}\n")
    assert err == "model: runs/tiny, runs/tiny (best)\n"


def test_a_word_that_is_a_files_name_too_is_translated_and_told(
    world: Path, command: Command
) -> None:
    (world / "bird").write_text("a cat\n")
    (world / "dog").mkdir()
    status, out, err = command("-q", "translate", "bird", "dog")
    assert (status, len(out.splitlines())) == (0, 2)
    assert err == ("bird is translated as text; to read the file of that name, give --input bird\n")


@pytest.mark.parametrize("options", [[], ["--tokenized"], ["--n-best", "2"]], ids=str)
def test_alignments_are_a_line_of_links_for_each_input_line(
    options: list[str], world: Path, command: Command
) -> None:
    texts = [SENTENCES[0], "", "😀"]
    status, _, _ = command("-q", "translate", "--alignments", "links", *options, *texts)
    assert status == 0
    diagonal = " ".join(f"{i}-{i}" for i in range(6))  # as in every gold alignment of this world
    assert (world / "links").read_text() == f"{diagonal}\n\n\n"


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--alignments", "links", "--keep"], "--alignments cannot be used with --keep"),
        (["--alignments", "-"], "--alignments -: standard output is for the translations"),
    ],
)
def test_alignments_that_would_mislead_are_refused(
    options: list[str], complaint: str, command: Command
) -> None:
    status, out, err = command("-q", "translate", *options, f"<b>{SENTENCES[0]}</b>")
    assert (status, out) == (2, "")
    assert err.startswith(f"error: {complaint}")


# --- measuring ------------------------------------------------------------------------------------


def test_evaluate_scores_the_runs_own_test_set(world: Path, command: Command) -> None:
    arguments = ["--alignments", "test.align", "--bootstrap", "50", "--output", "out.fr"]
    status, out, err = command("evaluate", "--beam", "2", *arguments)
    assert (status, err) == (0, "model: runs/tiny (best)\n")
    title, bleu, chrf, ter, *_ = out.splitlines()
    assert re.fullmatch(r".*/test: 10 sentences, beam 2", title)
    assert re.fullmatch(r"BLEU \d+\.\d\d \[.+, .+\]  nrefs:1\|bs:50\|.*tok:13a.*", bleu)
    assert (chrf[:5], ter[:3]) == ("chrF2", "TER")
    assert re.search(r"^AER \d+\.\d%", out, re.MULTILINE)
    assert len((world / "out.fr").read_text().splitlines()) == 10
    assert command("-q", "score", "out.fr", "test.fr", "--bootstrap", "50").out == "\n".join(
        [bleu, chrf, ter, ""]
    )


def test_evaluate_as_json_is_one_object(command: Command) -> None:
    arguments = ["--json", "--bootstrap", "0", "--data", "valid", "--alignments", "valid.align"]
    status, out, _ = command("-q", "evaluate", *arguments)
    (line,) = out.splitlines()
    found = json.loads(line)
    assert (status, found["test_set"]) == (0, "valid")
    assert [score["name"] for score in found["scores"]] == ["BLEU", "chrF2", "TER"]
    assert 0 <= found["alignment"]["best"]["aer"] <= found["alignment"]["unshifted"]["aer"] <= 1


def test_score_of_the_references_themselves_is_perfect(command: Command) -> None:
    status, out, err = command("score", "test.fr", "test.fr", "--json", "--bootstrap", "0")
    values = {score["name"]: score["value"] for score in json.loads(out)}
    assert (status, err) == (0, "")
    assert values == pytest.approx({"BLEU": 100, "chrF2": 100, "TER": 0})


def test_the_file_that_is_standard_input_is_not_written_to(world: Path) -> None:
    (world / "mine.en").write_text("a cat\n")
    (world / "link.en").symlink_to("mine.en")
    with (world / "mine.en").open() as file:
        found = subprocess.run(
            [sys.executable, "-m", "seq2seq", "-q", "translate", "-o", "link.en"],
            cwd=world,
            stdin=file,
            capture_output=True,
            text=True,
        )
    assert (found.returncode, found.stderr) == (
        2,
        "error: link.en: is standard input, and would be lost; name another file\n",
    )
    assert (world / "mine.en").read_text() == "a cat\n"


def test_evaluate_prints_exposure_bias(command: Command) -> None:
    arguments = ["-q", "evaluate", "--exposure", "--bootstrap", "0"]
    lines = command(*arguments).out.splitlines()
    first = lines.index("exposure bias: second halves of 10 references, plain greedy search")
    own, reference, gap, why = (line.split()[-2:] for line in lines[first + 2 : first + 6])
    values = json.loads(command(*arguments, "--json").out)["exposure"]
    assert values["sentences"] == 10
    assert values["own_bleu"] is values["bleu_gap"] is None
    assert own == ["-", f"{values['own_chrf']:.2f}"]
    assert reference == ["-", f"{values['reference_chrf']:.2f}"]
    assert gap == ["-", f"{values['chrf_gap']:+.2f}"]
    assert why == ["than", "100)"]


def test_the_share_of_right_lines_is_the_same_in_evaluate_and_score(
    world: Path, command: Command
) -> None:
    arguments = ["--exact", "--bootstrap", "0"]
    out = command("-q", "evaluate", *arguments, "--output", "exact.fr").out
    (line,) = [line for line in out.splitlines() if line.startswith("exact")]
    lines = zip(
        *((world / f).read_text().splitlines() for f in ("exact.fr", "test.fr")), strict=True
    )
    right = sum(ours == theirs for ours, theirs in lines)
    assert line.startswith(f"exact {10 * right:.2f} [")
    assert line.endswith(f"  {right} of 10 lines")
    assert command("-q", "score", "exact.fr", "test.fr", *arguments).out.splitlines()[-1] == line


# --- data and configurations ----------------------------------------------------------------------


def test_data_get_lists_what_there_is(command: Command) -> None:
    status, out, err = command("data", "get")
    assert (status, err) == (0, "")
    assert [line.split()[0] for line in out.splitlines()][:2] == ["multi30k", "tatoeba"]


def test_data_get_takes_a_folder_of_ones_own_and_says_what_it_could_not_check(
    world: Path, command: Command
) -> None:
    mine = world / "mine"
    mine.mkdir()
    for split in ("train", "val"):
        for side in ("en", "fr"):
            (mine / f"{split}.{side}").write_text("one\ntwo\n")
    status, out, err = command("data", "get", "multi30k", "--from", "mine", "--into", "corpora")
    assert (status, err) == (0, "")
    assert out.startswith("corpora/multi30k\n")
    assert "not checked against a pinned hash: train.en, " in out
    assert (world / "corpora/multi30k/valid.fr").exists()
    assert "(already there)" in command("data", "get", "multi30k").out


def test_data_get_passes_on_what_mtdata_says(
    world: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = world / "packages/mtdata"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text("import sys; sys.exit('INFO:: one\\nINFO:: no route')")
    monkeypatch.syspath_prepend(str(package.parent))
    monkeypatch.setenv("PYTHONPATH", str(package.parent))
    status, out, err = command("data", "get", "ted")
    assert (status, out) == (2, "")
    assert err.startswith("mtdata: INFO:: one\nmtdata: INFO:: no route\nerror: mtdata could not")


def test_data_check_has_status_1_only_if_something_must_be_fixed(
    world: Path, command: Command
) -> None:
    options = ["--train", "train", "--source", "en", "--target", "fr"]
    good = command("data", "check", *options)
    assert (good.status, good.err) == (0, "")
    assert "240" in good.out
    assert command("data", "check", "-c", "tiny.yaml").status in (0, 1)
    (world / "train.fr").write_text("un chat\n")
    bad = command("data", "check", *options)
    assert (bad.status, bad.err) == (1, "")
    assert re.search(r"^error +train +line counts ", bad.out, re.MULTILINE)


@pytest.mark.parametrize(
    ("corpus", "different"),
    [(["x.tsv"], "1 pair"), (["train"], "211 pairs"), (["train.en", "train.fr"], "211 pairs")],
    ids=str,
)
def test_data_check_takes_a_corpus_by_name_and_says_what_to_expect_of_it(
    corpus: list[str], different: str, world: Path, command: Command
) -> None:
    (world / "x.tsv").write_text("a cat\tun chat\n" * 240)
    status, out, _ = command("data", "check", *corpus, "data.max_length=50")
    assert status in (0, 1)
    assert re.search(r"train +size +240 ", out)
    assert f"\nto expect of {different}: a phrase book: " in out


def test_data_check_options_stand_in_for_the_configurations_corpora(
    world: Path, command: Command
) -> None:
    (world / "x.tsv").write_text("a cat\tun chat\n")
    status, out, _ = command("data", "check", "-c", "tiny.yaml", "--valid", "x.tsv")
    assert status in (0, 1)
    assert re.search(r"valid +size +1 ", out)
    assert re.search(r"train +size +240 ", out)


def test_data_check_with_a_run_counts_pieces_it_does_not_know(
    world: Path, command: Command
) -> None:
    (world / "x.tsv").write_text("a cat\tun chat\na 猫\tun chat\n")
    _, out, _ = command("data", "check", "--train", "x.tsv", "--model", "runs/tiny")
    assert "unknown pieces" in out


def test_config_show_is_a_configuration_again(world: Path, command: Command) -> None:
    status, out, err = command("config", "show", "-c", "tiny.yaml", "seed=7")
    assert (status, err) == (0, "")
    (world / "whole.yaml").write_text(out)
    assert command("config", "show", "-c", "whole.yaml").out == out
    assert command("config", "diff", "tiny.yaml", "whole.yaml").out == "seed: 1 -> 7\n"


def test_config_diff_of_a_run_and_what_it_was_made_of_is_nothing(
    trained: Path, command: Command
) -> None:
    assert command("config", "diff", str(trained / "tiny.yaml"), "runs/tiny") == (0, "", "")


def test_config_check_builds_the_model(command: Command) -> None:
    status, out, err = command("config", "check", "-c", "demo")
    assert (status, err) == (0, "")
    assert re.fullmatch(r"[\d,]+ parameters \(encoder [\d,]+, attention [\d,]+\)\n", out)


def test_doctor_shows_versions_the_device_and_the_newest_run(command: Command) -> None:
    status, out, err = command("doctor")
    rows = dict(line.split(maxsplit=1) for line in out.splitlines())
    assert (status, err) == (0, "")
    assert rows["seq2seq"] == __version__
    assert re.search(r"^newest run +runs/tiny \(general attention\)$", out, re.MULTILINE)
    assert {"python", "torch", "sentencepiece", "sacrebleu", "device", "cache"} <= rows.keys()


# --- what all commands have -----------------------------------------------------------------------


def test_the_version_is_one_line(command: Command) -> None:
    assert command("--version") == (0, f"seq2seq {__version__}\n", "")


@pytest.mark.parametrize("where", ["before", "after"])
def test_debug_shows_the_traceback_and_keeps_the_line_and_the_status(
    where: str, command: Command
) -> None:
    arguments = ["translate", "-m", "none", "x"]
    arguments.insert(0 if where == "before" else 4, "--debug")
    status, out, err = command(*arguments)
    assert (status, out) == (2, "")
    assert err.startswith("Traceback (most recent call last):")
    assert err.endswith("error: none: no such run directory\n")


def test_debug_may_be_a_text(command: Command) -> None:
    status, out, _ = command("-q", "translate", "--", "--debug")
    assert (status, len(out.splitlines())) == (0, 1)


def test_an_interrupt_is_silent_and_has_status_130(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Translator, "stream", interrupted)
    assert command("-q", "translate", "x") == (130, "", "")


def test_a_log_that_nobody_reads_any_more_stops_nothing(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr("tqdm.tqdm.write", broken)
    assert command("translate", SENTENCES[0]) == (0, f"{FRENCH[0]}\n", "")
    assert not logging.raiseExceptions


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["--version"]])
def test_help_does_not_wait_for_torch(arguments: list[str], world: Path) -> None:
    program = (
        f"import sys; from seq2seq.cli import main; sys.argv = ['seq2seq', *{arguments!r}]\n"
        "try: main()\nfinally: print(sorted({'torch', 'numpy', 'yaml'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=world, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("\n[]\n")


def test_python_m_seq2seq_pipes_text_whatever_the_locale(world: Path) -> None:
    done = seq2seq(
        world, "translate", stdin=f"{SENTENCES[0]}\n☃\n", PYTHONIOENCODING="ascii", PYTHONUTF8="0"
    )
    first, _ = done.stdout.splitlines()
    assert (done.returncode, first) == (0, FRENCH[0])
    assert done.stderr == (
        "model: runs/tiny (best)\nno word known to the model: line 2 (decoding.unknown)\n"
    )


def test_a_reader_that_has_enough_is_no_error(world: Path) -> None:
    (world / "many.en").write_text(f"{SENTENCES[0]}\n" * 3000)
    line = f"'{sys.executable}' -m seq2seq translate --beam 1 -i many.en | head -1"
    done = subprocess.run(
        ["bash", "-c", line],
        cwd=world,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.stdout, done.stderr) == (f"{FRENCH[0]}\n", "model: runs/tiny (best)\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_standard_output_that_is_full_is_one_line(world: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "seq2seq", "config", "show"],
            cwd=world,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )
    assert (done.returncode, done.stderr) == (2, "error: No space left on device\n")


def test_at_a_terminal_every_line_is_answered_at_once(world: Path) -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "seq2seq", "-q", "translate"],
        cwd=world,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdin=theirs,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        os.close(theirs)
        assert process.stdout is not None
        answers = []
        for english in SENTENCES:
            os.write(ours, f"{english}\n".encode())
            ready, _, _ = select.select([process.stdout], [], [], 30)
            answers.append(process.stdout.readline() if ready else "nothing")
        os.close(ours)  # hangs up
        process.kill()
    assert answers == [f"{line}\n" for line in FRENCH]


def conversation(world: Path, *lines: str, arguments: tuple[str, ...] = ()) -> str:
    """What a terminal shows when `lines` are typed at the prompt, each after the last answer."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(world)
        os.environ.update(OMP_NUM_THREADS="1", TERM="dumb", SEQ2SEQ_CACHE=str(world / "cache"))
        os.execv(sys.executable, [sys.executable, "-m", "seq2seq", "translate", *arguments])
    shown = ""
    for line in [*lines, ""]:
        new = ""
        while not new.endswith("\n> "):
            ready, _, _ = select.select([terminal], [], [], 90)
            try:
                block = os.read(terminal, 1 << 16) if ready else b""
            except OSError:  # hung up
                block = b""
            if not block:
                break
            new += block.decode().replace("\r\n", "\n")
        shown += new
        if line:
            os.write(terminal, line.encode())
    os.close(terminal)
    assert os.waitpid(pid, 0)[1] == 0
    return shown


def test_at_a_terminal_translate_is_a_prompt_with_commands_and_history(world: Path) -> None:
    shown = conversation(
        world,
        f"{SENTENCES[0]}\n",
        ":explain\n",
        ":beam 2\n",
        ":n-best 3\n",
        ":baem 2\n",
        ":top-k 5\n",
        ":sample true\n",
        "half a line\x03",
        f"{SENTENCES[1]}\n",
        "\x04",
    )
    answers = [part.partition("\n")[2] for part in shown.split("\n> ")]
    assert answers[1] == FRENCH[0]
    assert "scores" in answers[2]
    assert f"{SENTENCES[0]}  ->  {FRENCH[0]}" in answers[2]
    assert answers[3] == "beam: 2"
    assert answers[4] == "error: n_best 3 is more than beam 2"
    assert answers[5] == (
        "error: :baem: no such command (did you mean 'beam'?); :help lists all commands"
    )
    assert answers[6] == "error: :top_k has no effect without :sample; give both or neither"
    assert answers[7] == "sample: True"
    assert "Traceback" not in shown
    history = (world / "cache/history").read_text().splitlines()
    assert history[-8:-5] == [SENTENCES[0], ":explain", ":beam 2"]


def test_a_writer_who_waits_for_the_answer_gets_it(world: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "seq2seq", "-q", "translate"],
        cwd=world,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        answers = []
        for english in [*SENTENCES, "", SENTENCES[0]]:
            process.stdin.write(f"{english}\n")
            process.stdin.flush()
            ready, _, _ = select.select([process.stdout], [], [], 60)
            answers.append(process.stdout.readline() if ready else "nothing")
        process.stdin.close()
        assert process.stdout.read() == ""
    assert process.returncode == 0
    assert answers == [f"{line}\n" for line in [*FRENCH, "", FRENCH[0]]]
