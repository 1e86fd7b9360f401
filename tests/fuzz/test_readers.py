"""Every reader of files, given files that were changed at random: it reads, or says one line."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from seq2seq.config import SourceConfig, load_config
from seq2seq.data.corpus import find_corpus, read_texts
from seq2seq.data.doctor import check_corpora
from seq2seq.data.sources import open_reader, read_model
from seq2seq.data.tokenizer import Tokenizers, train_tokenizers
from seq2seq.evaluation.gold import read_gold
from seq2seq.evaluation.references import read_references
from seq2seq.inference.specs import parse_intervention
from tests.fuzz.changes import VALUES, changed, other_shape
from tests.fuzz.conftest import read_or_refused
from tests.unit.data.sources.test_damaged import NUMBERS, archive, npy, picture, wav
from tests.unit.data.test_formats import PAIRS, TEXTS

CONFIGS = Path(__file__).parents[2] / "configs"
RECIPES = [
    path.read_bytes().replace(b"extends:", b"#")
    for name in ("demo.yaml", "variants/5-location.yaml", "systems/ntm.yaml", "base.yaml")
    if (path := CONFIGS / name).exists()
]
SMALL = load_config(None, ["tokenizer.vocab_size=120", "data.source=en", "data.target=fr"])
TOKENIZERS = train_tokenizers([en for en, _ in PAIRS], [fr for _, fr in PAIRS], SMALL.tokenizer)


class Reader(NamedTuple):
    """A way to read a file of this name, and files that it can read."""

    file: str
    examples: list[bytes]
    read: Callable[[Path], object]


def pairs(path: Path) -> object:
    return list(find_corpus(str(path), "en", "fr").pairs())


def corpora_of(path: Path) -> object:
    """What `data check` reads, which looks closer."""
    return str(check_corpora({"train": str(path), "valid": str(path)}, "en", "fr"))


def source(kind: str) -> Callable[[Path], object]:
    def read(path: Path) -> object:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # which would be a line of its own
            return open_reader(SourceConfig(kind=kind)).grid(str(path))

    return read


def tokenizers(path: Path) -> object:
    loaded = Tokenizers.load(path.parent)
    return loaded.target.decode(loaded.source.encode("I love you, 3 < 4."))


def texts(*endings: str) -> list[bytes]:
    return [text.encode() for name, text in TEXTS.items() if name.endswith(endings)]


def zipped(name: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as members:
        members.writestr(name, TEXTS[name])
    return content.getvalue()


def as_json(*values: object) -> list[bytes]:
    return [json.dumps(value).encode() for value in values]


TSV = TEXTS["plain.tsv"].encode()
LINES = [b"I love you very much.\nHe left.\n", "Où es-tu ?\r\n\u2028x\n".encode()]
WEIGHTS = [
    {"attention": [[0.5, 0.5], [0.1, 0.9]]},
    {"text": "Je t'aime beaucoup.", "attention": [[1, 0, 0]] * 5},
    {"weights": [[[0.5, 0.5]], [[0.1, 0.9]]]},
    {"hypotheses": [{"text": "Je", "attention": [[1.0]]}]},
]
READERS = {
    "configuration": Reader("c.yaml", RECIPES, load_config),
    "lines": Reader("a.txt", LINES, lambda path: list(read_texts(path))),
    "tsv": Reader("a.tsv", texts(".tsv", "anki.txt"), pairs),
    "csv": Reader("a.csv", [TSV.replace(b"\t", b","), b"en;fr\na;b\n", b'"a","b""c"\n'], pairs),
    "jsonl": Reader("a.jsonl", texts(".jsonl", ".ndjson"), pairs),
    "json": Reader("a.json", texts(".json"), pairs),
    "tmx": Reader("a.tmx", texts("memory.tmx"), pairs),
    "sgm": Reader("a.sgm", texts(".sgm"), pairs),
    "xml": Reader("a.xml", texts(".xml"), pairs),
    "zip": Reader("a.zip", [zipped(name) for name in ("plain.tsv", "memory.tmx")], pairs),
    "gz": Reader("a.tsv.gz", [gzip.compress(TSV)], pairs),
    "bz2": Reader("a.tsv.bz2", [bz2.compress(TSV)], pairs),
    "xz": Reader("a.tsv.xz", [lzma.compress(TSV)], pairs),
    "data check": Reader("a.tsv", texts("plain.tsv", "crlf.tsv", "quoted.tsv"), corpora_of),
    "alignments": Reader("a.align", [b"0-0 1-1 2?1\n\n0-3\n", b"1 1 1 S\n1 2 2 P\n"], read_gold),
    "references": Reader("r.txt", LINES, lambda path: read_references([path], 2)),
    "lists of references": Reader(
        "r.jsonl",
        [b'["a", "b"]\n["c"]\n', b'{"en": "x", "fr": ["a"]}\n{"fr": "b"}\n'],
        lambda path: read_references([path], 2, language="fr"),
    ),
    "array": Reader("x.npy", [npy(NUMBERS), npy(NUMBERS.astype("int8"))], source("array")),
    "arrays": Reader("x.npz", [archive(npy(NUMBERS))], source("array")),
    "sound": Reader("x.wav", [wav(), wav(1)], source("sound")),
    "picture": Reader("x.png", [picture("PNG")], source("image")),
    "other pictures": Reader("x.tiff", [picture(k) for k in ("TIFF", "GIF")], source("image")),
    "intervention": Reader(
        "w.json", as_json(*WEIGHTS), lambda path: parse_intervention(str(path), TOKENIZERS)
    ),
    "matrix": Reader(
        "w.npy", [npy(NUMBERS)], lambda path: parse_intervention(str(path), TOKENIZERS)
    ),
    "tokenizer": Reader("joint.model", [TOKENIZERS.source.model], tokenizers),
    "sources of a run": Reader(
        "source.json", [open_reader(SourceConfig(kind="array")).model], read_model
    ),
}


@pytest.mark.parametrize("name", READERS)
@given(data=st.data())
def test_a_file_changed_at_random_is_read_or_refused(
    name: str, data: st.DataObject, folder: Path
) -> None:
    reader = READERS[name]
    path = folder / reader.file
    path.write_bytes(data.draw(changed(reader.examples)))
    read_or_refused(name, lambda: reader.read(path))


# --- values of another shape, well written --------------------------------------------------------

TREES: dict[str, Reader] = {name: READERS[name] for name in ("intervention", "sources of a run")}
JSON_LINES: dict[str, list[Any]] = {
    "jsonl": [{"id": 1, "fr": "a", "en": "b"}, {"translation": {"en": "a", "fr": "b"}}, ["a", "b"]],
    "json": [{"version": 1, "data": [{"en": "a", "fr": "b"}]}, [{"en": "a", "fr": "b"}]],
    "lists of references": [{"en": "x", "fr": ["a", "b"]}, ["a", "b"]],
}


@pytest.mark.parametrize("name", TREES)
@given(data=st.data())
def test_json_of_another_shape_is_read_or_refused(
    name: str, data: st.DataObject, folder: Path
) -> None:
    reader = TREES[name]
    path = folder / reader.file
    tree = json.loads(data.draw(st.sampled_from(reader.examples)))
    path.write_text(json.dumps(data.draw(other_shape(tree))), "utf-8")
    read_or_refused(f"{name}: shape", lambda: reader.read(path))


@pytest.mark.parametrize("name", JSON_LINES)
@given(data=st.data())
def test_json_lines_of_another_shape_are_read_or_refused(
    name: str, data: st.DataObject, folder: Path
) -> None:
    path = folder / READERS[name].file
    records = [
        data.draw(other_shape(data.draw(st.sampled_from(JSON_LINES[name])))) for _ in range(2)
    ]
    path.write_text("".join(f"{json.dumps(record)}\n" for record in records), "utf-8")
    read_or_refused(f"{name}: shape", lambda: READERS[name].read(path))


@given(data=st.data())
def test_a_configuration_of_another_shape_is_read_or_refused(
    data: st.DataObject, folder: Path
) -> None:
    tree: Any = yaml.safe_load(data.draw(st.sampled_from(RECIPES)))
    text = json.dumps(data.draw(other_shape(tree)))  # JSON is YAML
    (folder / "c.yaml").write_text(text, "utf-8")
    read_or_refused("configuration: shape", lambda: load_config(folder / "c.yaml"))


KEYS = [
    *("seed", "data", "model", "training", "decoding", "model.attention", "model.encoder.size"),
    *("model.attention.kind", "training.optimizer.lr", "training.optimizer.betas", "code"),
    *("data.train", "data.columns", "tokenizer", "decoding.beam", "training.schedule.kind"),
]


@given(
    st.lists(
        st.one_of(
            st.builds("{}={}".format, st.sampled_from(KEYS), st.text(max_size=20)),
            st.builds(
                lambda key, value: f"{key}={json.dumps(value)}", st.sampled_from(KEYS), VALUES
            ),
            st.text(max_size=30),
        ),
        max_size=3,
    )
)
def test_settings_on_the_command_line_are_read_or_refused(overrides: list[str]) -> None:
    read_or_refused("settings", lambda: load_config(None, overrides))


@given(
    st.one_of(
        st.text(max_size=30),
        st.builds(
            "{}={}".format,
            st.sampled_from(["uniform", "shift", "temperature", "mask", "hard"]),
            st.one_of(st.text(max_size=8), st.integers(), st.floats()),
        ),
    )
)
def test_interventions_are_read_or_refused(spec: str) -> None:
    read_or_refused("interventions", lambda: parse_intervention(spec, TOKENIZERS))
