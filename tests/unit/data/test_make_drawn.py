"""Made pictures, films and recordings, read back from their numbers alone."""

from __future__ import annotations

import hashlib
import re
import wave
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from seq2seq.bundled import find_recipe
from seq2seq.config import load_config
from seq2seq.data.make import TASKS, Draws, build_task, make_corpus
from seq2seq.data.make.drawn import Drawn
from seq2seq.data.make.figures import COLOURS, SHAPES, Figure, blank, draw
from seq2seq.data.make.scenes import draw_scene
from seq2seq.data.prepare import prepare
from seq2seq.data.tokenizer import train_target_tokenizer
from seq2seq.errors import UserError

WHITE = (255, 255, 255)
FEMININE = {"croix", "étoile"}
AGREED = {  # from a grammar, not from the table of the generator
    "red": ("rouge", "rouge"),
    "green": ("vert", "verte"),
    "blue": ("bleu", "bleue"),
    "yellow": ("jaune", "jaune"),
    "purple": ("violet", "violette"),
    "orange": ("orange", "orange"),
    "black": ("noir", "noire"),
}
NOUNS = {
    "circle": "cercle",
    "square": "carré",
    "triangle": "triangle",
    "cross": "croix",
    "star": "étoile",
}
RELATIONS = {
    "above": "au-dessus",
    "below": "au-dessous",
    "to the left of": "à gauche",
    "to the right of": "à droite",
}


def lines(file: Path) -> list[str]:
    return file.read_text("utf-8").splitlines()


def figures_in(pixels: npt.NDArray[np.uint8]) -> dict[str, tuple[float, float]]:
    """The middle of the full-coloured pixels of each colour."""
    found = {}
    for colour in COLOURS:
        rows, columns = np.nonzero((pixels == colour.pixels).all(-1))
        if len(rows):
            middle = (rows.min() + rows.max()) / 2, (columns.min() + columns.max()) / 2
            found[colour.english] = middle
    return found


def in_french(english: str) -> str:
    """A figure in French."""
    _, colour, shape = english.split()
    noun = NOUNS[shape]
    feminine = noun in FEMININE
    return f"{'une' if feminine else 'un'} {noun} {AGREED[colour][feminine]}"


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("PIL.Image", reason="needs the extra: images")
    return make_corpus("scenes", tmp_path_factory.mktemp("made"), pairs=150, held_out=10).folder


def test_a_picture_shows_what_its_sentence_says(scenes: Path) -> None:
    from PIL import Image

    sentence = re.compile(
        r"(an? (\w+) \w+) (above|below|to the left of|to the right of) (an? (\w+) \w+)"
    )
    told = 0
    for name, english in zip(
        lines(scenes / "train.image"), lines(scenes / "train.en"), strict=True
    ):
        match = sentence.fullmatch(english)
        assert match
        _, first, relation, _, second = match.groups()
        if first == second:  # then colours don't tell which is which
            continue
        places = figures_in(np.asarray(Image.open(scenes / name)))
        assert set(places) == {first, second}
        down = places[first][0] - places[second][0]
        right = places[first][1] - places[second][1]
        sides = {"above": -down, "below": down, "to the left of": -right, "to the right of": right}
        assert sides[relation] == max(sides.values())
        told += 1
    assert told > 100


def test_the_larger_figure_is_named_first_so_that_each_picture_has_one_sentence() -> None:
    draws = Draws("larger")
    for _ in range(50):
        first, second = draw_scene(draws).places
        assert first.radius > second.radius + 2


def test_the_french_sentence_says_the_same_and_its_words_agree(scenes: Path) -> None:
    for english, french in zip(lines(scenes / "train.en"), lines(scenes / "train.fr"), strict=True):
        relation = next(words for words in RELATIONS if f" {words} " in english)
        first, second = english.split(f" {relation} ")
        assert french == f"{in_french(first)} {RELATIONS[relation]} d'{in_french(second)}"
        for figure in (first, second):
            assert figure.startswith("an ") == (figure.split()[1][0] in "aeiou")


def test_no_picture_comes_twice(scenes: Path) -> None:
    files = [file.read_bytes() for file in scenes.rglob("*.png")]
    assert len(files) == len({hashlib.sha256(file).digest() for file in files}) == 170


def test_every_shape_is_drawn_within_its_square_and_they_all_differ() -> None:
    drawn = []
    for shape in SHAPES:
        pixels = blank(20)
        draw(pixels, Figure(shape, COLOURS[0]), 10, 9, 6)
        changed = (pixels != WHITE).any(-1)
        rows, columns = np.nonzero(changed)
        assert rows.min() >= 4
        assert rows.max() < 16
        assert columns.min() >= 3
        assert columns.max() < 15
        assert changed.sum() > 20
        drawn.append(changed)
    pairs = [(a, b) for n, a in enumerate(drawn) for b in drawn[:n]]
    assert all((a != b).sum() > 15 for a, b in pairs)


def test_a_film_shows_a_figure_that_moves_as_its_sentence_says(tmp_path: Path) -> None:
    folder = make_corpus("clips", tmp_path, pairs=60, held_out=5).folder
    films = np.load(folder / "train.npy")
    assert films.shape == (60, 8, 24, 24, 3)
    ways = {"up": (-1, 0), "down": (1, 0), "to the left": (0, -1), "to the right": (0, 1)}
    french = {"up": "haut", "down": "bas", "to the left": "gauche", "to the right": "droite"}
    for number, (name, english, other) in enumerate(
        zip(*(lines(folder / f"train.{side}") for side in ("array", "en", "fr")), strict=True)
    ):
        assert name == f"train.npy#{number}"
        match = re.fullmatch(r"an? (\w+) \w+ moves (slowly|quickly) (.*)", english)
        assert match
        colour, speed, way = match.groups()
        middles = [figures_in(frame)[colour] for frame in films[number]]
        step = 2 if speed == "quickly" else 1
        for before, after in pairwise(middles):
            moved = after[0] - before[0], after[1] - before[1]
            assert moved == (ways[way][0] * step, ways[way][1] * step)
        assert other.startswith(in_french(english.partition(" moves")[0]))
        assert other.endswith(french[way])
        assert ("vite" in other) == (speed == "quickly")


def test_a_recording_has_the_notes_of_its_sentence(tmp_path: Path) -> None:
    folder = make_corpus("tones", tmp_path, pairs=40, held_out=5).folder
    for name, english, french in zip(
        *(lines(folder / f"train.{side}") for side in ("sound", "en", "fr")), strict=True
    ):
        with wave.open(str(folder / name)) as file:
            rate = file.getframerate()
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(float)
        heard = [spoken(note, rate) for note in notes_of(samples, rate)]
        assert english == ", ".join(heard)
        words = {"low": "grave", "middle": "moyen", "high": "aigu"}
        plain = [note.removeprefix("long ") for note in heard]
        translated = [
            words[note] + (" long" if long else "")
            for note, long in zip(plain, ("long " in note for note in heard), strict=True)
        ]
        assert french == ", ".join(translated)


def notes_of(samples: npt.NDArray[np.float64], rate: int) -> list[npt.NDArray[np.float64]]:
    """The stretches between pauses of 30 ms and more."""
    loud = np.flatnonzero(samples)
    gaps = np.flatnonzero(np.diff(loud) > rate * 0.03)
    return [samples[part[0] : part[-1] + 1] for part in np.split(loud, gaps + 1)]


def spoken(note: npt.NDArray[np.float64], rate: int) -> str:
    """A note by the number of times that it crosses 0, and by its length."""
    hertz = np.count_nonzero(np.diff(np.sign(note[note != 0]))) / 2 / (len(note) / rate)
    height = "low" if hertz < 450 else "middle" if hertz < 1100 else "high"
    return f"long {height}" if len(note) / rate > 0.19 else height


@pytest.mark.parametrize("kind", ["scenes", "clips", "tones"])
def test_a_seed_gives_the_same_files_and_another_seed_others(kind: str, tmp_path: Path) -> None:
    if kind == "scenes":
        pytest.importorskip("PIL.Image", reason="needs the extra: images")
    one, again, other = (
        digest(make_corpus(kind, tmp_path / name, pairs=20, held_out=3, seed=seed).folder)
        for name, seed in (("one", 1), ("again", 1), ("other", 2))
    )
    assert one == again != other


@pytest.mark.parametrize("name", ["scenes", "clips", "tones"])
def test_a_recipe_has_a_piece_for_every_word_and_none_too_many(name: str) -> None:
    config = load_config(find_recipe(Path("scenes") / name))
    task, draws = build_task(name, {}), Draws(name)
    examples = [task.example(draws, task.longest) for _ in range(1000)]
    tokenizer = train_target_tokenizer([e.target for e in examples], config.tokenizer)
    assert len(tokenizer) == config.tokenizer.vocab_size


@pytest.mark.parametrize("name", ["scenes", "scenes-hard", "scenes-perceiver", "clips", "tones"])
def test_a_recipe_reads_the_corpus_of_its_task_by_a_reader_of_its_kind(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = load_config(find_recipe(Path("scenes") / name))
    task = TASKS[name.partition("-")[0]]
    assert issubclass(task, Drawn)
    assert config.data.train == str(tmp_path / "corpora" / name.partition("-")[0] / "train")
    assert (config.data.source, config.data.source_kind.kind) == (task.kind, task.kind)
    with pytest.raises(
        UserError, match=f"make it with: seq2seq data make {name.partition('-')[0]}"
    ):
        prepare(config, cache=tmp_path)


def digest(folder: Path) -> str:
    files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
    content = [file.name.encode() + file.read_bytes() for file in files]
    return hashlib.sha256(b"".join(content)).hexdigest()


def test_tones_have_tests_with_more_notes_than_training(tmp_path: Path) -> None:
    folder = make_corpus("tones", tmp_path, pairs=20, held_out=4).folder
    assert {line.count(",") for line in lines(folder / "test-6.en")} == {5}
    assert {line.count(",") for line in lines(folder / "train.en")} <= {1, 2, 3}


@pytest.mark.parametrize(
    ("kind", "options", "reason"),
    [
        ("scenes", {"longest": 3}, "--longest 3: expected 2, as every file shows 2 figures"),
        ("clips", {"symbols": 3}, "--symbols: belongs to copy or .*, and the task is clips"),
        ("tones", {"shortest": 5}, "--shortest 5 --longest 4: expected 1 or more notes"),
    ],
)
def test_options_that_have_no_use_are_refused(
    kind: str, options: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=reason):
        make_corpus(kind, tmp_path, **options)
