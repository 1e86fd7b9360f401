"""Sources that are files, from training to the page: arrays, pictures and recordings alike."""

from __future__ import annotations

import json
import wave
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

import seq2seq
from seq2seq.config import Config, load_config
from seq2seq.errors import UserError
from seq2seq.kinds import SOURCES
from seq2seq.pipeline import train
from seq2seq.runs.run import Run
from tests.integration.conftest import Command, snapshot

COLOURS = {"rouge": (220, 30, 30), "vert": (30, 160, 50), "bleu": (40, 70, 220)}
SETTINGS = {
    "tokenizer.joint": "false",
    "tokenizer.source_end": "false",
    "tokenizer.vocab_size": "60",
    "batching.sentences": "6",
    "model.embedding": "16",
    "model.tie": "target",
    "model.dropout": "0.0",
    "model.encoder.size": "16",
    "model.decoder.size": "32",
    "training.max_steps": "60",
    "training.validate_every": "60",
    "training.label_smoothing": "0",
    "training.optimizer.lr": "0.02",
    "training.device": "cpu",
    "training.threads": "1",
    "training.samples": "0",
    "decoding.beam": "1",
}
Save = Callable[[Path, np.ndarray], None]


def squares() -> Iterator[tuple[np.ndarray, str]]:
    """Two squares of 4 x 4 pixels beside each other, and the words for their colours."""
    for left, one in COLOURS.items():
        for right, other in COLOURS.items():
            pixels = np.zeros((4, 8, 3), np.uint8)
            pixels[:, :4], pixels[:, 4:] = one, other
            yield pixels, f"{left} puis {right}"


def write(folder: Path, ending: str, save: Save) -> None:
    """Twice the same split, learnt by heart."""
    (folder / "files").mkdir(parents=True)
    names, texts = [], []
    for number, (pixels, text) in enumerate(squares()):
        names.append(f"files/{number}.{ending}")
        save(folder / names[-1], pixels)
        texts.append(text)
    for split in ("train", "valid"):
        for side, lines in (("source", names), ("fr", texts)):
            (folder / f"{split}.{side}").write_text("".join(f"{line}\n" for line in lines))


def save_array(path: Path, pixels: np.ndarray) -> None:
    np.save(path, pixels)


def save_picture(path: Path, pixels: np.ndarray) -> None:
    pytest.importorskip("PIL.Image", reason="needs the extra: images").fromarray(pixels).save(path)


def save_sound(path: Path, pixels: np.ndarray) -> None:
    """Two notes, a height for each colour."""
    heights = [
        200 + 3 * int(pixels[0, column, 0]) + 5 * int(pixels[0, column, 1]) for column in (0, 7)
    ]
    times = np.arange(400) / 4000
    notes = np.concatenate([np.sin(2 * np.pi * hertz * times) for hertz in heights])
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(4000)
        file.writeframes((notes * 20000).astype("<i2").tobytes())


KINDS: dict[str, tuple[str, Save, str]] = {
    "array": ("npy", save_array, "{kind: array, patch: 4}"),
    "image": ("png", save_picture, "{kind: image, patch: 4}"),
    "sound": ("wav", save_sound, "{kind: sound, rate: 4000, step: 25, bands: 20}"),
}


def configured(folder: Path, kind: str, *changes: str) -> Config:
    settings = {
        **SETTINGS,
        "data.source": "source",
        "data.source_kind": KINDS[kind][2],
        "data.train": str(folder / "train"),
        "data.valid": str(folder / "valid"),
        "data.test": str(folder / "valid"),
    }
    for change in changes:
        key, _, value = change.partition("=")
        settings[key] = value
    return load_config(None, [f"{key}={value}" for key, value in settings.items()])


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQ2SEQ_CACHE", str(tmp_path_factory.getbasetemp() / "sources-cache"))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus of arrays, and runs/tiny, which knows it by heart."""
    folder = tmp_path_factory.mktemp("arrays")
    write(folder, "npy", save_array)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEQ2SEQ_CACHE", str(tmp_path_factory.getbasetemp() / "sources-cache"))
        train(configured(folder, "array"), folder / "runs/tiny")
    return folder


@pytest.mark.parametrize("kind", ["image", "sound"])
def test_pictures_and_recordings_are_learnt_by_heart(tmp_path: Path, kind: str) -> None:
    ending, save, _ = KINDS[kind]
    write(tmp_path, ending, save)
    run = train(configured(tmp_path, kind, "training.max_steps=100"), tmp_path / "run")
    translator = seq2seq.load(run)
    names = [str(tmp_path / f"files/{number}.{ending}") for number in range(9)]
    found = [translation.text for translation in translator.translate(names)]
    assert found == [text for _, text in squares()]


def test_names_on_the_command_line_are_translated(command: Command) -> None:
    found = command("translate", "--run", "runs/tiny", "files/1.npy", "files/3.npy")
    assert (found.status, found.out) == (0, "rouge puis vert\nvert puis rouge\n")


def test_names_in_a_list_begin_in_its_folder_and_a_blank_line_stays_blank(
    command: Command, world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = world / "some.source"
    listed.write_text("files/1.npy\n\nfiles/3.npy\n")
    monkeypatch.chdir(tmp_path)
    found = command("translate", "--run", str(world / "runs/tiny"), "-i", str(listed))
    assert (found.status, found.out) == (0, "rouge puis vert\n\nvert puis rouge\n")


def test_a_missing_file_is_one_line_and_status_2(command: Command) -> None:
    found = command("translate", "--run", "runs/tiny", "files/none.npy")
    assert (found.status, found.out) == (2, "")
    assert found.err.splitlines()[-1].endswith("files/none.npy: no such file")


def test_keep_is_refused_since_there_is_no_text_to_keep(command: Command) -> None:
    found = command("translate", "--run", "runs/tiny", "--keep", "files/1.npy")
    assert found.status == 2
    assert "decoding.keep needs text, and sources are files (array)" in found.err


def test_each_position_is_a_word_named_after_its_place(command: Command) -> None:
    found = json.loads(command("translate", "--run", "runs/tiny", "--json", "files/1.npy").out)
    assert found["source_words"] == found["source_pieces"] == ["1,1", "1,2"]
    (hypothesis,) = found["hypotheses"]
    assert hypothesis["words"] == ["rouge", "puis", "vert"]
    np.testing.assert_allclose(np.sum(hypothesis["attention"], 1), 1, atol=1e-3)


def test_evaluation_finds_the_files_and_reports_no_words_of_theirs(command: Command) -> None:
    found = command("evaluate", "--run", "runs/tiny")
    assert found.status == 0
    assert "chrF" in found.out
    assert "100.00" in found.out
    assert "source words" not in found.out
    as_json = json.loads(command("evaluate", "--run", "runs/tiny", "--json").out)
    assert as_json["pathologies"] is None


def test_explain_shows_the_places(command: Command, tmp_path: Path) -> None:
    page, numbers = tmp_path / "page.html", tmp_path / "all.npz"
    found = command(
        "explain", "--run", "runs/tiny", "--saliency", "files/1.npy", "-o", str(page), "-o",
        str(numbers),
    )  # fmt: skip
    assert found.status == 0, found.err
    assert "1,1" in found.out
    assert "1,1" in page.read_text()
    assert "img-src data:" in page.read_text()
    assert page.read_text().count("data:image/png;base64,") == 4  # the source, and three words
    assert np.load(numbers)["weights_HTS"].shape[2] == 2


def test_a_picture_lights_what_each_word_was_read_from(command: Command, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="needs the extra: plots")
    picture, matrix = tmp_path / "lit.png", tmp_path / "matrix.svg"
    found = command(
        "explain", "--run", "runs/tiny", "files/1.npy", "-o", str(picture), "-o", str(matrix)
    )
    assert found.status == 0, found.err
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "1,2" in matrix.read_text()


def test_an_intervention_may_hide_a_place(command: Command) -> None:
    found = command(
        "translate", "--run", "runs/tiny", "--attention", "mask=1,2", "--json", "files/1.npy"
    )
    assert found.status == 0, found.err
    (hypothesis,) = json.loads(found.out)["hypotheses"]
    assert [row[1] for row in hypothesis["attention"]] == [0] * len(hypothesis["attention"])


def test_data_check_says_that_it_is_for_text(command: Command, world: Path) -> None:
    found = command("data", "check", "-c", str(world / "runs/tiny/config.yaml"))
    assert found.status == 2
    assert "data check reads text on both sides, and sources are files (array)" in found.err


READER = """
import numpy as np
from seq2seq.data.sources import FileReader
from seq2seq.kinds import SOURCES


class Colours(FileReader):
    kind = "colours"
    frequencies = 0

    def __init__(self, *, most: int = 2) -> None:
        super().__init__()
        self.most = most

    def read(self, name):
        return np.load(name)[0, :: 4][: self.most].astype(np.float32)

    def cell(self, axes):
        return (1,)


SOURCES["colours"] = Colours
"""


def test_a_user_s_own_reader_is_kept_with_the_run(tmp_path: Path) -> None:
    write(tmp_path, "npy", save_array)
    (tmp_path / "colours.py").write_text(READER)
    config = configured(
        tmp_path, "array", "data.source_kind={kind: colours, most: 2}",
        f"code={tmp_path / 'colours.py'}", "training.max_steps=80", "training.validate_every=80",
    )  # fmt: skip
    run = train(config, tmp_path / "run")
    (tmp_path / "colours.py").unlink()
    name = str(tmp_path / "files/5.npy")
    translation = seq2seq.load(run.folder).translate(name)
    assert translation.text == list(squares())[5][1]
    assert translation.source_pieces == ["1", "2"]
    del SOURCES["colours"]  # which tests of other files would find


def test_a_stopped_run_goes_on_as_if_it_had_not_stopped(tmp_path: Path) -> None:
    write(tmp_path, "npy", save_array)
    whole = configured(tmp_path, "array", "training.max_steps=6", "training.validate_every=3")
    half = configured(tmp_path, "array", "training.max_steps=3", "training.validate_every=3")
    train(whole, tmp_path / "whole")
    train(half, tmp_path / "halves")
    train(whole, tmp_path / "halves", resume=True)
    one, two = (Run.open(tmp_path / name).load_model("last") for name in ("whole", "halves"))
    for name, weight in one.state_dict().items():
        assert torch.equal(weight, two.state_dict()[name]), name


def test_a_run_does_not_go_on_with_other_pictures_of_the_same_names(tmp_path: Path) -> None:
    write(tmp_path, "npy", save_array)
    config = configured(tmp_path, "array", "training.max_steps=2", "training.validate_every=2")
    train(config, tmp_path / "run")
    np.save(tmp_path / "files/0.npy", np.zeros((4, 8, 3), np.uint8))
    with pytest.raises(UserError, match=r"data\.train is not the text that the run began with"):
        train(config, tmp_path / "run", resume=True)


def test_a_run_may_start_from_another_and_reads_as_it_did(tmp_path: Path, world: Path) -> None:
    write(tmp_path, "npy", save_array)
    changes = (f"init={world / 'runs/tiny'}", "training.max_steps=1", "training.validate_every=1")
    plain = {key: value for key, value in SETTINGS.items() if not key.startswith("model.")}
    settings = {
        **{key: value for key, value in plain.items() if not key.startswith("tokenizer.")},
        "data.train": str(tmp_path / "train"),
        "data.valid": str(tmp_path / "valid"),
    }
    settings |= dict(change.split("=", 1) for change in changes)
    given = [f"{key}={value}" for key, value in settings.items()]
    run = train(load_config(None, given), tmp_path / "run")
    assert run.tokenizers.input.model == Run.open(world / "runs/tiny").tokenizers.input.model
    with pytest.raises(
        UserError, match=r"data\.source_kind: was array with .*'patch': 4.* and can't"
    ):
        train(
            load_config(None, [*given, "data.source_kind={kind: array, patch: 2}"]), tmp_path / "x"
        )


def test_the_exported_model_says_what_its_run_says(world: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason="needs the extra: onnx")
    pytest.importorskip("onnxruntime", reason="needs the extra: onnx")
    from seq2seq.export.folder import export

    export(Run.open(world / "runs/tiny"), tmp_path / "exported")
    names = [str(world / f"files/{number}.npy") for number in range(9)]
    ours, theirs = (seq2seq.load(path) for path in (world / "runs/tiny", tmp_path / "exported"))
    for one, other in zip(ours.translate(names), theirs.translate(names), strict=True):
        assert one.text == other.text
        np.testing.assert_allclose(one.attention, other.attention, atol=1e-5)


def test_training_again_gives_the_same_run(tmp_path: Path, world: Path) -> None:
    train(configured(world, "array", "training.max_steps=2"), tmp_path / "one")
    train(configured(world, "array", "training.max_steps=2"), tmp_path / "two")
    one, two = (snapshot(tmp_path / name / "checkpoints/00000002") for name in ("one", "two"))
    assert one["model.safetensors"] == two["model.safetensors"]
