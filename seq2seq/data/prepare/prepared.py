"""A prepared corpus, as it lies in the cache."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from seq2seq.data.corpus import read_lines
from seq2seq.data.dataset import ParallelDataset
from seq2seq.data.prepare.summary import Summary
from seq2seq.data.tokenizer import Tokenizers
from seq2seq.errors import UserError


@dataclass(frozen=True)
class Prepared:
    """A prepared corpus: ids for training and validation, and validation's raw text for BLEU."""

    folder: Path
    tokenizers: Tokenizers
    train: ParallelDataset
    valid: ParallelDataset
    valid_source: list[str]
    valid_target: list[str]
    summary: Summary

    @classmethod
    def load(cls, folder: Path) -> Prepared:
        """Open what `prepare` built; UserError naming the file that is missing or damaged."""
        summary = Summary.read(folder / "data.json")  # it has the checksums of the others
        prepared = cls(
            folder=folder,
            tokenizers=Tokenizers.load(folder / "tokenizer"),
            train=ParallelDataset(folder, "train"),
            valid=ParallelDataset(folder, "valid"),
            valid_source=list(read_lines(folder / "valid.source.txt")),
            valid_target=list(read_lines(folder / "valid.target.txt")),
            summary=summary,
        )
        counts = {len(prepared.valid), len(prepared.valid_source), len(prepared.valid_target)}
        if len(counts) > 1:
            raise UserError(f"{folder}: damaged: validation text and ids differ in length")
        return prepared
