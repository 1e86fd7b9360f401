"""A corpus split into files to train on, validate on and test on, and a note of its origin."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from seq2seq.data.pairs import one_line
from seq2seq.data.split import Pairs, split_pairs, words_alone, write_splits
from seq2seq.errors import UserError
from seq2seq.machine.disk import hash_file
from seq2seq.planning import report
from seq2seq.planning.recipe import Corpus
from seq2seq.planning.request import Request, Text, open_corpus
from seq2seq.planning.sizes import held_out_for
from seq2seq.planning.survey import survey

ORIGIN = "origin.json"
"""The file beside the splits that says what they were made of."""


def split_corpus(request: Request, text: Text, folder: Path, name: str) -> Corpus:
    """Split the corpus into files in `folder`, which a recipe calls `name`, survey it, say so."""
    read = [(one_line(pair.source).strip(), one_line(pair.target).strip()) for pair in text.pairs()]
    pairs = [pair for pair in read if all(pair)]
    if not pairs:
        names = ", ".join(map(str, text.files))
        raise UserError(f"{names}: expected sentence pairs, found only empty ones")
    unique = list(dict.fromkeys(pairs))
    splits = _held_out(unique, request)
    _write_splits(splits, folder, request, text)
    found = survey(splits)
    counts = {split: len(chosen) for split, chosen in splits.items()}
    left_out = {
        "with an empty side": len(read) - len(pairs),
        "a second time": len(pairs) - len(unique),
        "that translate a held-out sentence again": len(unique) - sum(counts.values()),
    }
    corpus = Corpus(Path(name).as_posix(), request.languages, counts, found)
    report.tell_corpus(corpus, text.files, left_out)
    return corpus


def _held_out(unique: Pairs, request: Request) -> dict[str, Pairs]:
    """The splits of pairs, all different; what the user has a set of already is trained on."""
    seed = request.only("seed").seed
    splits = split_pairs(unique, held_out=held_out_for(len(unique)), seed=seed)
    back = {split for split in ("valid", "test") if f"data.{split}" in request.given}
    if not splits["train"] or not ({"valid"} & back or splits["valid"]):  # too few, or one family
        back = {"valid", "test"}
    # With the other translations of their sentences, of which a held-out set has the first.
    sources = {words_alone(source) for split in back for source, _ in splits[split]}
    splits["train"] += [pair for pair in unique if words_alone(pair[0]) in sources]
    return splits | {split: [] for split in back}


def _write_splits(splits: dict[str, Pairs], folder: Path, request: Request, text: Text) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ORIGIN).unlink(missing_ok=True)
    write_splits(splits, folder, request.languages)
    origin = {
        "languages": request.languages,
        "columns": request.columns,
        "files": _hashes(text),
        "minutes": request.minutes,
    }
    (folder / ORIGIN).write_text(json.dumps(origin, indent=2) + "\n", encoding="utf-8")


def _hashes(text: Text) -> list[str]:
    return list(map(hash_file, text.files))


def check_origin(folder: Path, request: Request) -> None:
    """Refuse to go on with the run whose splits are in `folder`, if it began otherwise.

    Languages and columns that are not said again are those of the run.
    """
    path, run = folder / ORIGIN, folder.parent
    if not path.exists():
        raise UserError(
            f"{run}: was not started from a corpus alone; go on with: seq2seq train --resume "
            f"--run {run}"
        )
    try:
        origin = json.loads(path.read_text("utf-8"))
        files, languages, minutes = origin["files"], tuple(origin["languages"]), origin["minutes"]
        sides = list(zip(request.said, languages, strict=True))
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path}: damaged: {error}") from None
    source, target = (said or was for said, was in sides)
    request = replace(request, source=source, target=target)
    if languages != request.languages:
        was, now = " to ".join(languages), " to ".join(request.languages)
        raise UserError(f"{run}: translates {was} and can't go on from {now}; start another run")
    columns = origin.get("columns")
    if request.columns is None and columns:
        request = replace(
            request, overrides=(*request.overrides, f"data.columns={json.dumps(columns)}")
        )
    if "columns" in origin and request.columns != (columns and tuple(columns)):
        raise UserError(
            f"{run}: data.columns was {columns} and can't become {list(request.columns or ())}; "
            "leave it out, or start another run with --run DIR"
        )
    if files != _hashes(open_corpus(request)):
        raise UserError(
            f"{run}: began with another corpus than {' '.join(request.corpus)}; restore it, or "
            "start another run with --run DIR"
        )
    if request.minutes not in (None, minutes):
        raise UserError(
            f"{run}: was planned "
            + ("without --minutes" if minutes is None else f"for {minutes:g} minutes")
            + f" and can't become a run of {request.minutes:g}; go on without --minutes, or with "
            "training.max_steps=N and training.max_minutes=N"
        )
