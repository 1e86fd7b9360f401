"""A corpus split into files for training, validation and test, and a note of its origin."""

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
"""The file beside the splits that names the corpus they were made from."""


def split_corpus(request: Request, text: Text, folder: Path, name: str) -> Corpus:
    """Split the corpus into files in `folder`, `name` in the recipe; survey it and log all."""
    read = [(one_line(pair.source).strip(), one_line(pair.target).strip()) for pair in text.pairs()]
    pairs = [pair for pair in read if all(pair)]
    if not pairs:
        names = ", ".join(map(str, text.files))
        raise UserError(f"{names}: expected sentence pairs, found only pairs with an empty side")
    unique = list(dict.fromkeys(pairs))
    splits = _held_out(unique, request)
    _write_splits(splits, folder, request, text)
    found = survey(splits)
    counts = {split: len(chosen) for split, chosen in splits.items()}
    left_out = {
        "with an empty side": len(read) - len(pairs),
        "repeated": len(pairs) - len(unique),
        "that share a sentence with a held-out pair": len(unique) - sum(counts.values()),
    }
    corpus = Corpus(Path(name).as_posix(), request.languages, counts, found)
    report.tell_corpus(corpus, text.files, left_out)
    return corpus


def _held_out(unique: Pairs, request: Request) -> dict[str, Pairs]:
    """The splits of distinct pairs; a set that the user already has is not split off."""
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
    """Refuse to resume the run whose splits are in `folder`, if it began with another request.

    Languages and columns that are not given again are taken from the run.
    """
    path, run = folder / ORIGIN, folder.parent
    if not path.exists():
        raise UserError(
            f"{run}: cannot be resumed from a corpus, as it was started from a configuration; "
            f"resume it with: seq2seq train --resume --run {run}"
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
        raise UserError(
            f"{run}: cannot resume a run that translates {was} with a corpus of {now}; give the "
            "languages of the run, or start a new run with --run DIR"
        )
    columns = origin.get("columns")
    if request.columns is None and columns:
        request = replace(
            request, overrides=(*request.overrides, f"data.columns={json.dumps(columns)}")
        )
    if "columns" in origin and request.columns != (columns and tuple(columns)):
        raise UserError(
            f"{run}: cannot change data.columns from {columns} to {list(request.columns or ())} "
            "when resuming; leave it out, or start a new run with --run DIR"
        )
    if files != _hashes(open_corpus(request)):
        raise UserError(
            f"{run}: cannot be resumed: {' '.join(request.corpus)} is not the corpus that it "
            "began with, or has changed; restore that corpus, or start a new run with --run DIR"
        )
    if request.minutes not in (None, minutes):
        raise UserError(
            f"{run}: cannot change --minutes to {request.minutes:g} when resuming a run planned "
            + ("without it" if minutes is None else f"for {minutes:g} minutes")
            + "; leave --minutes out, or set training.max_steps=N and training.max_minutes=N"
        )
