"""A corpus split into files for training, validation and test."""

from __future__ import annotations

from pathlib import Path

from seq2seq.data.pairs import each_translation, one_line
from seq2seq.data.split import Pairs, split_pairs, words_alone, write_splits
from seq2seq.errors import UserError
from seq2seq.machine.disk import writing
from seq2seq.planning import report
from seq2seq.planning.origin import ORIGIN, is_ours, write_origin
from seq2seq.planning.recipe import Corpus
from seq2seq.planning.request import Request, Text
from seq2seq.planning.sizes import held_out_for
from seq2seq.planning.survey import survey
from seq2seq.runs.finding import UNFINISHED


def split_corpus(request: Request, text: Text, folder: Path, name: str) -> Corpus:
    """Split the corpus into files in `folder`, `name` in the recipe; survey it and log all."""
    read = [
        (one_line(source).strip(), one_line(target).strip())
        for source, target in each_translation(text.pairs())
    ]
    pairs = [pair for pair in read if all(pair)]
    if not pairs:
        names = ", ".join(map(str, text.files))
        raise UserError(f"{names}: expected sentence pairs, found only pairs with an empty side")
    unique = list(dict.fromkeys(pairs))
    splits = _held_out(unique, request)
    _write_splits(splits, unique, folder, request, text)
    found = survey(splits, request.only("data.max_length").data.max_length)
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


def _write_splits(
    splits: dict[str, Pairs], pairs: Pairs, folder: Path, request: Request, text: Text
) -> None:
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / UNFINISHED).touch()
        (folder / ORIGIN).unlink(missing_ok=True)  # the splits are not whole until it is written
        write_splits(splits, pairs, folder, request.languages)
        write_origin(folder, request, text)
        (folder / UNFINISHED).unlink()


def check_splits(folder: Path, text: Text) -> None:
    """Raise UserError if the splits of `text` would be written over it, or over others' files."""
    inside = [file for file in text.files if file.resolve().parent == folder.resolve()]
    if inside:
        raise UserError(
            f"{inside[0]}: the split corpus would be written to its folder, {folder}; move it, or "
            "give another name with --run DIR (of init: --output FILE)"
        )
    if folder.is_dir() and any(folder.iterdir()) and not is_ours(folder):
        raise UserError(
            f"{folder}: cannot hold the split corpus, as it has files of something else; give "
            "another name with --run DIR"
        )
