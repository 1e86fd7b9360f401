"""The package as a notebook uses it: names, one function for each thing, what is shown."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import seq2seq
from seq2seq import Run, Translator, UserError
from seq2seq.data.tokenizer import WordPieces
from seq2seq.translation.html import shaded_table
from seq2seq.translation.translation import Candidate, Translation
from tests.integration.conftest import french
from tests.integration.tiny import tiny

SENTENCE = "the big cat sees a dog"


@pytest.fixture
def folder(world: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(world)
    return "runs/tiny"


@pytest.fixture
def export(folder: str) -> Path:
    pytest.importorskip("onnx", reason="needs the extra: onnx")
    pytest.importorskip("onnxruntime", reason="needs the extra: onnx")
    from seq2seq.export.folder import export

    export(Run.open(folder), Path("exported"))
    return Path("exported")


# --- names ----------------------------------------------------------------------------------------


def test_a_tab_shows_the_public_names_before_any_is_used() -> None:
    shown = "import seq2seq, sys; print(*dir(seq2seq)); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", shown], capture_output=True, text=True, check=True)
    names, torch = done.stdout.splitlines()
    assert names.split() == sorted([*seq2seq.__all__, "__version__"])
    assert torch == "False"


EACH_IN_A_PROCESS_OF_ITS_OWN = """
import os, sys
import torch  # once: it takes seconds

for code in sys.argv[1:]:
    if (child := os.fork()) == 0:
        exec(code)
        sys.stdout.flush()
        os._exit(0)
    os.waitpid(child, 0)
"""


def test_a_package_is_a_function_whatever_was_imported_before() -> None:
    before = (
        *("", "import seq2seq.explain; ", "import seq2seq.compare; "),
        *("import seq2seq.explain.page; ", "from seq2seq.compare.comparison import Comparison; "),
    )
    shown = (
        f"print(callable(seq2seq.{name}), seq2seq.explain.Kinds)" for name in ("explain", "compare")
    )
    codes = [f"import seq2seq; {first}{then}" for then in shown for first in before]
    command = [sys.executable, "-c", EACH_IN_A_PROCESS_OF_ITS_OWN, *codes]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert re.sub("(?m)^True <class .*Kinds'>\n", "", done.stdout) == "", done.stderr
    assert done.stdout.count("\n") == len(codes)


# --- configuration --------------------------------------------------------------------------------


def test_a_recipe_goes_by_its_name_from_any_folder(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    config = seq2seq.load_config("demo", {"model.dropout": 0.3, "model.attention": "dot"})
    assert (config.model.dropout, config.model.attention.kind) == (0.3, "dot")
    assert config.data.train == seq2seq.load_config("demo.yaml").data.train
    assert seq2seq.load_config("demo", ["model.dropout=0.3"]).model.dropout == 0.3
    with pytest.raises(UserError, match=r"did you mean 'demo\.yaml'"):
        seq2seq.load_config("dmo")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("data.target", "no"),
        ("data.train", ["a b.en", "ü'\"#: {}.fr"]),
        ("training.tensorboard", True),
        ("training.max_minutes", 1e-5),
        ("data.test", None),
        ("model.attention", {"kind": "multihead", "heads": 4}),
    ],
)
def test_a_value_from_python_stays_what_it_is(key: str, value: Any) -> None:
    given: Any = seq2seq.load_config(overrides={key: value}).model_dump()
    for name in key.split("."):
        given = given[name]
    if key == "data.train":  # relative paths are the working directory's
        given = [Path(path).name for path in given]
    if isinstance(value, dict):
        given = {name: given[name] for name in value}
    assert given == value
    assert type(given) is type(value)


def test_overrides_as_one_text_are_refused() -> None:
    with pytest.raises(UserError, match="expected a list or a dict, found the text"):
        seq2seq.load_config("demo", "model.dropout=0.3")


# --- models ---------------------------------------------------------------------------------------


def test_a_run_goes_wherever_its_name_does(folder: str) -> None:
    run = Run.open(folder)
    assert isinstance(seq2seq.load(run), Translator)
    assert seq2seq.explain(run, SENTENCE).translation == french(SENTENCE)


def test_an_export_is_loaded_without_torch(export: Path) -> None:
    code = (
        "import sys; sys.modules['torch'] = None; import seq2seq; "
        f"translator = seq2seq.load({str(export)!r}); print(translator); "
        f"print(next(iter(translator.stream([{SENTENCE!r}]))).text)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    shown, text = done.stdout.splitlines()
    assert re.fullmatch(
        r"LightTranslator\(72 source and 72 target pieces, beam 5, on cpu, exported\)", shown
    )
    assert text == french(SENTENCE)


def test_an_export_says_what_it_can_not_do(export: Path, folder: str) -> None:
    with pytest.raises(UserError, match="exported: an exported model has one checkpoint"):
        seq2seq.load(export, checkpoint="last")
    with pytest.raises(UserError, match="exported: an exported model runs on the CPU"):
        seq2seq.load(export, device="cuda")
    with pytest.raises(UserError, match="exported: an exported model can't be in an ensemble"):
        seq2seq.load(folder, export)
    with pytest.raises(UserError, match="explain: an exported model can only translate"):
        seq2seq.explain(export, SENTENCE)
    with pytest.raises(UserError, match="evaluate: an exported model can only translate"):
        seq2seq.evaluate(export, [SENTENCE], [french(SENTENCE)])


def test_settings_of_decoding_are_keywords(folder: str) -> None:
    translator = seq2seq.load(folder)
    several = translator.translate([SENTENCE], beam=4, n_best=3)[0]
    options = seq2seq.DecodingConfig(beam=4, n_best=3)
    assert several.as_dict() == translator.translate(SENTENCE, options).as_dict()
    assert len(several.candidates) == 3
    on_top = translator.translate(SENTENCE, options, n_best=2)
    assert [c.text for c in on_top.candidates] == [c.text for c in several.candidates[:2]]
    assert len(translator.translate(SENTENCE).candidates) == 1
    with pytest.raises(UserError, match=r"baem.*did you mean 'beam'"):
        translator.translate(SENTENCE, baem=1)
    with pytest.raises(UserError, match="n_best 3 is more than beam 2"):
        translator.translate(SENTENCE, beam=2, n_best=3)


def test_an_export_takes_them_too(export: Path) -> None:
    translator = seq2seq.load(export)
    assert len(translator.translate(SENTENCE, beam=3, n_best=3).candidates) == 3
    with pytest.raises(UserError, match=r"decoding\.sample"):
        translator.translate(SENTENCE, sample=True)


# --- explaining and scoring -----------------------------------------------------------------------


def test_explain_takes_a_run_or_its_translator(folder: str) -> None:
    by_name = seq2seq.explain(folder, SENTENCE, checkpoint="last", beam=1)
    loaded = seq2seq.explain(seq2seq.load(folder, checkpoint="last"), SENTENCE, beam=1)
    assert (by_name.model, by_name.checkpoint) == (folder, "00000150")
    np.testing.assert_array_equal(by_name.weights_HTS, loaded.weights_HTS)
    given = seq2seq.explain(folder, SENTENCE, target="le chat")
    assert given.translation == "le chat"


def test_explain_says_what_it_can_not_do(folder: str) -> None:
    translator = seq2seq.load(folder)
    with pytest.raises(UserError, match="expected one text, found a list"):
        seq2seq.explain(translator, [SENTENCE])  # type: ignore[arg-type]
    with pytest.raises(UserError, match="checkpoint and device cannot be chosen for a translator"):
        seq2seq.explain(translator, SENTENCE, checkpoint="last")
    with pytest.raises(UserError, match="no effect with a target, which replaces the search: beam"):
        seq2seq.explain(translator, SENTENCE, target="le chat", beam=1)
    with pytest.raises(UserError, match="baem"):
        seq2seq.explain(translator, SENTENCE, baem=1)


def test_compare_takes_runs_files_and_recipes(folder: str, tmp_path: Path) -> None:
    files = [tmp_path / "one.fr", tmp_path / "other.fr"]
    for file in files:
        file.write_text("je t'aime\nmerci\n", encoding="utf-8")
    (tmp_path / "right.fr").write_text("je t'aime\nmerci bien\n", encoding="utf-8")
    told = seq2seq.compare(*files, references=[tmp_path / "right.fr"], samples=10)
    assert [result.name for result in told.systems] == ["one.fr", "other.fr"]
    assert str(told).startswith("| system | BLEU | ")
    assert isinstance(told, seq2seq.Comparison)
    trained = seq2seq.compare(
        *(folder, "tiny.yaml"),
        units=[{"kind": "general"}, "dot"],
        vary={"model.dropout": [0.0]},
        overrides={"training.max_steps": 2, "model.decoder.size": 64},
        seeds=1,
        into=tmp_path / "compared",
        samples=10,
    )
    assert len(trained.systems) == 3
    assert (tmp_path / "compared/comparison.md").exists()
    assert repr(told).startswith("Comparison(BLEU: one.fr ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "nobody"),
        ({"units": "dot"}, "units: expected a list of values, found one text"),
        ({"vary": ["model.dropout"]}, "vary: expected a dict of settings"),
        ({"vary": {"model.dropout": 0.1}}, "vary, model.dropout: expected a list"),
        ({"references": Path("x.fr")}, "references: expected a list of values"),
        ({"data": ["a", "b"]}, "data: expected a path, found a list"),
        ({"seeds": 0}, "seeds: expected a whole number from 1 on, found 0"),
        ({"jobs": -1}, "jobs: expected a whole number from 1 on"),
        ({"samples": -5}, "samples: expected a whole number from 0 on"),
    ],
)
def test_compare_says_what_is_wrong(folder: str, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        seq2seq.compare("nobody", **arguments)


@pytest.mark.parametrize(
    ("name", "arguments", "keywords", "message"),
    [
        ("load", [3], {}, "load: expected a path, found a int"),
        ("load", [["RUN"]], {}, "load: expected a path, found a list"),
        ("load", ["RUN"], {"device": None}, "device: expected a text, found a NoneType"),
        ("load_config", [b"demo"], {}, "load_config: expected a path, found a bytes"),
        ("load_config", ["demo", 5], {}, "overrides: expected a list or a dict, found 5"),
        ("load_config", ["demo", [5]], {}, "overrides: expected a text, found a int"),
        ("train", ["demo", None], {}, "train: expected a path, found a NoneType"),
        ("train", [{"seed": 1}, "x"], {}, "load_config: expected a path, found a dict"),
        ("explain", [None, "a cat"], {}, "load: expected a path, found a NoneType"),
        ("explain", ["RUN", "a cat"], {"target": 3}, "target: expected a text, found a int"),
        ("evaluate", ["RUN"], {"data": 3}, "data: expected a path, found a int"),
    ],
)
def test_a_value_of_another_type_is_told_of(
    folder: str, name: str, arguments: list[Any], keywords: dict[str, Any], message: str
) -> None:
    given = [folder if argument == "RUN" else argument for argument in arguments]
    with pytest.raises(UserError, match=f"^{message}"):
        getattr(seq2seq, name)(*given, **keywords)


def test_settings_given_to_one_call_are_of_that_call(folder: str) -> None:
    translator = seq2seq.load(folder)
    before = translator.options
    seq2seq.explain(translator, SENTENCE, beam=1)
    seq2seq.evaluate(translator, [SENTENCE], [french(SENTENCE)], beam=1, bootstrap=0)
    assert translator.options == before


def test_evaluate_takes_lists_or_a_corpus_or_the_run_s_own(folder: str) -> None:
    own = seq2seq.evaluate(folder, bootstrap=0)
    named = seq2seq.evaluate(Run.open(folder), data="test", alignments="test.align", bootstrap=0)
    sources = Path("test.en").read_text("utf-8").splitlines()
    references = Path("test.fr").read_text("utf-8").splitlines()
    given = seq2seq.evaluate(seq2seq.load(folder), sources, references, bootstrap=0)
    several = seq2seq.evaluate(folder, iter(sources), [references, references[::-1]], bootstrap=0)
    assert own.scores == given.scores == named.scores
    assert named.alignment is not None
    assert several.scores[0].value >= given.scores[0].value
    assert "nrefs:2" in several.scores[0].signature


def edit_config(folder: str, old: str, new: str) -> None:
    """Change a run's configuration as the error says: without its checksum."""
    path = Path(folder, "config.yaml")
    lines = path.read_text("utf-8").splitlines()[1:-1]
    path.write_text("\n".join(lines).replace(old, new), "utf-8")


def test_evaluate_takes_the_columns_that_the_run_takes(folder: str) -> None:
    sides = [Path(f"test.{side}").read_text("utf-8").splitlines() for side in ("en", "fr")]
    rows = (f"{fr}\t{en[::-1]}\t{en}\n" for en, fr in zip(*sides, strict=True))
    Path("table.tsv").write_text("".join(rows), "utf-8")
    edit_config(folder, "columns: null", "columns: [3, 1]")
    table = seq2seq.evaluate(folder, data="table.tsv", bootstrap=0)
    assert table.scores == seq2seq.evaluate(folder, data="test", bootstrap=0).scores


def test_bleu_counts_the_tokens_of_the_run_s_target_language(folder: str) -> None:
    edit_config(folder, "target: fr", "target: zh")
    lines = [SENTENCE], [french(SENTENCE)]
    by_run = seq2seq.evaluate(folder, *lines, bootstrap=0)
    translator = seq2seq.load(folder)
    by_language = seq2seq.evaluate(translator, *lines, language="zh", bootstrap=0)
    by_name = seq2seq.evaluate(folder, *lines, tokenize="char", bootstrap=0)
    assert "tok:zh" in by_run.scores[0].signature
    assert "tok:zh" in by_language.scores[0].signature
    assert "tok:char" in by_name.scores[0].signature


def test_a_missing_package_is_told_before_the_translating(
    folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    translator = seq2seq.load(folder)
    monkeypatch.setitem(sys.modules, "sacremoses", None)
    monkeypatch.setattr(translator, "stream", lambda *_, **__: pytest.fail("translated"))
    with pytest.raises(UserError, match=r"needs sacremoses: pip install 'seq2seq-attention\[moses"):
        seq2seq.evaluate(translator, [SENTENCE], [french(SENTENCE)], moses="fr")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ({"sources": ["a"]}, "expected both sources and references, or neither"),
        ({"sources": "a", "references": ["b"]}, "sources: expected a list of texts, found one"),
        ({"sources": ["a"], "references": "b"}, "references: expected a list of texts, found one"),
        ({"sources": [1], "references": ["b"]}, "sources 1: expected a text, found a int"),
        ({"sources": ["a"], "references": ["b"], "data": "test"}, "or data, found both"),
        ({"sources": ["a", "b"], "references": ["b"]}, "2"),
        ({"data": "no such"}, "no such"),
    ],
)
def test_evaluate_says_what_it_can_not_score(
    arguments: dict[str, Any], line: str, folder: str
) -> None:
    with pytest.raises(UserError, match=line):
        seq2seq.evaluate(folder, **arguments)


def test_a_translator_does_not_know_its_corpora(folder: str) -> None:
    with pytest.raises(UserError, match="a run directory instead of the translator"):
        seq2seq.evaluate(seq2seq.load(folder), data="test")


# --- training -------------------------------------------------------------------------------------


def test_a_callback_gets_every_record_of_the_metrics(tmp_path: Path) -> None:
    records: list[dict[str, Any]] = []
    config = tiny(tmp_path, "training.log_every=2")
    run = seq2seq.train(config, tmp_path / "run", callbacks=[records.append])
    lines = (tmp_path / "run/metrics.jsonl").read_text("utf-8").splitlines()
    assert len(lines) == len(records)
    assert records == run.read_metrics()
    assert [record["step"] for record in records if record["kind"] == "train"] == [2, 4, 6]
    assert [record["step"] for record in records if record["kind"] == "valid"] == [3, 6]
    assert run.result is not None


@pytest.mark.parametrize(("kind", "step"), [("train", 2), ("valid", 3), ("valid", 6)])
def test_what_a_callback_raises_ends_the_run_and_it_goes_on_as_if_nothing_had_happened(
    kind: str, step: int, tmp_path: Path
) -> None:
    class PrunedError(Exception):
        pass

    def prune(record: dict[str, Any]) -> None:
        if (record["kind"], record["step"]) == (kind, step):
            raise PrunedError

    config = tiny(tmp_path, "training.log_every=2")
    whole = seq2seq.train(config, tmp_path / "whole")
    with pytest.raises(PrunedError):
        seq2seq.train(config, tmp_path / "run", callbacks=[prune])
    assert repr(Run.open(tmp_path / "run")).endswith(f"unfinished at step {step})")
    run = seq2seq.train(config, tmp_path / "run", resume=True)
    ours, theirs = (r.checkpoint("last").folder / "model.safetensors" for r in (run, whole))
    assert ours.read_bytes() == theirs.read_bytes()
    assert steps(run) == steps(whole)
    assert run.result is not None


def steps(run: Run) -> list[tuple[str, int, float]]:
    records = map(json.loads, run.metrics.read_text("utf-8").splitlines())
    return [(record["kind"], record["step"], record["loss"]) for record in records]


def test_a_callback_can_not_change_what_is_logged(tmp_path: Path) -> None:
    run = seq2seq.train(tiny(tmp_path), tmp_path / "run", callbacks=[dict.clear, dict.clear])
    assert all(json.loads(line)["step"] for line in run.metrics.read_text("utf-8").splitlines())


# --- what is shown --------------------------------------------------------------------------------


def test_everything_says_what_it_is_on_one_line(folder: str) -> None:
    translator = seq2seq.load(folder)
    translation = translator.translate([SENTENCE, " "], seq2seq.DecodingConfig(n_best=3))[0]
    evaluation = seq2seq.evaluate(folder, alignments="test.align", bootstrap=0)
    quoted = f"'{SENTENCE}' -> '{french(SENTENCE)}'"
    shown = {
        r"Translator\(1 model of [\d,]+ parameters, \w+ attention, .* beam 5, on cpu\)": translator,
        rf"Translation\({quoted}, score -0\.\d+, 2 more\)": translation,
        rf"Candidate\('{french(SENTENCE)}', score -0\.\d+\)": translation.candidates[0],
        r"Run\('runs/tiny', en to fr, general attention, finished at step 150, bleu .*\)": (
            Run.open(folder)
        ),
        rf"Explanation\({quoted}, \d+ source and \d+ target pieces, general attention, 1 head\)": (
            seq2seq.explain(folder, SENTENCE)
        ),
        r"Evaluation\(BLEU [\d.]+, .*TER [\d.]+, AER [\d.]+%, 10 sentences\)": evaluation,
    }
    for pattern, value in shown.items():
        assert re.fullmatch(pattern, repr(value)), repr(value)
    ensemble = seq2seq.load(folder, folder)
    assert repr(ensemble).startswith("Translator(2 models of ")


def test_printing_shows_what_the_command_line_does(folder: str) -> None:
    translation = seq2seq.load(folder).translate([SENTENCE])[0]
    assert str(translation) == french(SENTENCE)
    explanation = seq2seq.explain(folder, SENTENCE)
    assert str(explanation).splitlines()[0] == f"{SENTENCE}  ->  {french(SENTENCE)}"
    evaluation = seq2seq.evaluate(folder, bootstrap=0)
    assert str(evaluation) == evaluation.render()


def test_a_blank_or_endless_text_has_a_short_name_too() -> None:
    assert repr(Translation(" ", [], [], [])) == "Translation(' ' -> '')"
    assert len(repr(Translation("long " * 10_000, [], [], []))) < 400


class Table(HTMLParser):
    """The cells of a page, the tags that are open, and what stands outside the table."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.rows: list[list[str]] = []
        self.told: list[str] = []
        self.paragraphs: list[str] = []
        self.seen: set[str] = set()
        self.feed(page)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.seen.add(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag == "p":
            self.paragraphs.append("")
        self.told += [value or "" for name, value in attrs if name == "title"]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "p" in self.open:
            self.paragraphs[-1] += data
        else:
            self.rows[-1][-1] += data


def test_a_notebook_shows_the_attention_as_a_table(folder: str) -> None:
    translator = seq2seq.load(folder)
    translation = translator.translate([SENTENCE], seq2seq.DecodingConfig(n_best=2))[0]
    page = Table(translation._repr_html_())
    other = translation.candidates[1]
    assert page.paragraphs == [
        SENTENCE,
        french(SENTENCE),
        f"{other.text} ({other.score:.3f})",
    ]
    assert page.rows[0] == ["", *(word.word for word in translation.source_words)]
    assert [row[0] for row in page.rows[1:]] == translation.words
    explained = Table(seq2seq.explain(folder, SENTENCE)._repr_html_())
    assert explained.rows[0] == page.rows[0]


def test_a_darker_cell_is_a_greater_weight_and_a_pointer_is_told_it() -> None:
    html = shaded_table(np.array([[0.0, 0.25, 0.75]]), ["x"], ["a", "b", "c"])
    page = Table(html)
    assert page.rows == [["", "a", "b", "c"], ["x", "", "0.25", "0.75"]]
    assert page.told == ["x ← a: 0.000", "x ← b: 0.250", "x ← c: 0.750"]
    reds = [int(red) for red in re.findall(r"rgb\((\d+),", html)]
    assert reds == sorted(reds, reverse=True)
    assert reds[0] == 255


def test_nothing_of_a_text_is_taken_for_html() -> None:
    hostile = "<script>alert(1)</script>\"'&amp;"
    words = [WordPieces(hostile, (0,))]
    best = Candidate(
        hostile, -1.0, [-1.0], [7], ["x"], words, True, np.ones((1, 1, 1), np.float32), words
    )
    page = Table(Translation(hostile, ["x"], words, [best, best])._repr_html_())
    assert page.seen == {"p", "table", "tr", "td", "th", "bdi"}
    assert page.rows == [["", hostile], [hostile, "1.00"]]
    assert page.paragraphs[:2] == [hostile, hostile]


@pytest.mark.parametrize("word", ["أحبك", "我爱", "नमस्ते", "👩‍🚀", "\ud800"])
def test_words_of_every_script_can_be_shown(word: str) -> None:
    html = shaded_table(np.array([[1.0]]), [word], [word])
    assert Table(html.encode("utf-8").decode()).rows[1][0] == word.replace("\ud800", "\ufffd")


def test_what_is_blank_without_attention_or_too_large_is_shown_all_the_same() -> None:
    assert Table(Translation(" ", [], [], [])._repr_html_()).rows == []
    assert shaded_table(np.zeros((2, 0)), ["a", "b"], []) == ""
    assert "attention of 60 by 60 words" in shaded_table(np.ones((60, 60)), ["a"] * 60, ["b"] * 60)
    assert Table(shaded_table(np.array([[np.nan]]), ["a"], ["b"])).rows[1] == ["a", ""]


# --- what is none of it -------------------------------------------------------------------------


@pytest.mark.parametrize("texts", [None, 5, 1.5, b"a cat", ["a cat", None], [b"a cat"], [["a"]]])
def test_what_is_no_text_is_refused_in_one_line(texts: Any, folder: str) -> None:
    with pytest.raises(
        UserError, match=r"^(expected one text or several|text \d: expected a text)"
    ):
        seq2seq.load(folder).translate(texts)


def test_options_of_translate_that_are_none_are_refused(folder: str) -> None:
    translator = seq2seq.load(folder)
    with pytest.raises(UserError, match="beam has no effect"):
        translator.translate(SENTENCE, sample=True, beam=3)
    with pytest.raises(UserError, match=r"attention: expected an intervention.* found 'uniform'"):
        translator.translate(SENTENCE, attention="uniform")  # type: ignore[call-overload]
    with pytest.raises(UserError, match="options: expected a DecodingConfig, found 5"):
        translator.translate(SENTENCE, 5)  # type: ignore[call-overload]


def test_references_and_resamples_that_are_none_are_refused(folder: str) -> None:
    with pytest.raises(UserError, match="references: expected a list of texts, found a int"):
        seq2seq.evaluate(folder, [SENTENCE], [5])  # type: ignore[arg-type]
    with pytest.raises(UserError, match=r"bootstrap: expected a whole number.* found -1"):
        seq2seq.evaluate(folder, [SENTENCE], [SENTENCE], bootstrap=-1)


def test_numbers_of_numpy_are_numbers() -> None:
    changes = {"training.max_steps": np.int64(4), "model.dropout": np.float32(0.5)}
    config = seq2seq.load_config("demo", changes)
    assert (config.training.max_steps, config.model.dropout) == (4, 0.5)
    with pytest.raises(UserError, match=r"overrides: expected .* found <object"):
        seq2seq.load_config("demo", {"seed": object()})


def test_callbacks_that_can_t_be_called_are_refused_before_the_training(tmp_path: Path) -> None:
    for callbacks in (print, [5], None):
        with pytest.raises(UserError, match="callbacks: expected a list of functions"):
            seq2seq.train("demo", tmp_path / "run", callbacks=callbacks)  # type: ignore[arg-type]
