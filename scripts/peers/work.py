"""The work that all systems do: a corpus in one tokenizer's pieces, in files each can read."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from seq2seq.config import Config, load_config
from seq2seq.data.corpus import find_corpus
from seq2seq.data.dataset import Ids
from seq2seq.data.prepare import Prepared, prepare
from seq2seq.data.tokenizer import EOS, Tokenizer

JOEYNMT_SPECIAL = ("<unk>", "<pad>", "<s>", "</s>")  # in the order of its ids
_FEW = 16  # sentences


@dataclass(frozen=True)
class Work:
    """The files of the work, all in `folder`, and what else has to be known of it.

    NAME.en and NAME.fr (the two languages), in pieces: `train`; `longest`, those of its pairs with
    the longest targets; `few`, for what insists on validation; `test`, to be translated; `one`, its
    first sentence, has no target. `few`, `test` and `one` are there as text, too, for us.
    vocab.* are the same pieces as each system wants them.
    """

    folder: Path
    config: Config
    prepared: Prepared

    @property
    def source(self) -> str:
        """The source language."""
        return self.config.data.source

    @property
    def target(self) -> str:
        """The target language."""
        return self.config.data.target

    def text(self, name: str) -> Path:
        """Return the source text of a part."""
        return self.folder / f"{name}.text.{self.source}"

    def source_pieces(self, name: str) -> Path:
        """Return the source of a part in pieces."""
        return self.folder / f"{name}.{self.source}"

    def target_pieces(self, name: str) -> Path:
        """Return the target of a part in pieces."""
        return self.folder / f"{name}.{self.target}"

    def target_lengths(self, name: str) -> list[int]:
        """Return the target tokens of each pair of a part, the end counted."""
        with self.target_pieces(name).open(encoding="utf-8") as lines:
            return [len(line.split()) + 1 for line in lines]


def make_work(
    recipe: Path, corpus: Path, test: str, folder: Path, *, sentences: int, longest: int
) -> Work:
    """Prepare `corpus` as `recipe` says and write the files; those that are there are replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    data = load_config(recipe).data
    few = folder / "few.text"
    pairs = list(find_corpus(str(corpus / test), data.source, data.target).pairs())
    # Training is what is measured, and the other systems do not validate.
    _write(f"{few}.{data.source}", (pair.source for pair in pairs[:_FEW]))
    _write(f"{few}.{data.target}", (pair.target for pair in pairs[:_FEW]))
    config = load_config(recipe, [f"data.train={corpus / 'train'}", f"data.valid={few}"])
    work = Work(folder, config, prepare(config))
    tokenizer = work.prepared.tokenizers.source
    assert work.prepared.tokenizers.joint  # one vocabulary file for both sides
    train = work.prepared.train
    order = np.argsort(-train.target_lengths, kind="stable")[:longest]
    _write_pairs(work, "train", tokenizer, map(train.__getitem__, range(len(train))))
    _write_pairs(work, "longest", tokenizer, (train[int(index)] for index in order))
    _write_pairs(work, "few", tokenizer, map(work.prepared.valid.__getitem__, range(_FEW)))
    texts = [pair.source for pair in pairs]
    for name, part in (("test", texts[:sentences]), ("one", texts[:1])):
        _write(work.text(name), part)
        ids = map(tokenizer.encode, part)
        _write(work.source_pieces(name), (_spelt(tokenizer, row) for row in ids))
    references = (_spelt(tokenizer, tokenizer.encode(pair.target)) for pair in pairs[:sentences])
    _write(work.target_pieces("test"), references)
    _write_vocabularies(work, tokenizer)
    return work


def _write_pairs(
    work: Work, name: str, tokenizer: Tokenizer, pairs: Iterable[tuple[Ids, Ids]]
) -> None:
    sources, targets = zip(*pairs, strict=True)
    _write(work.source_pieces(name), (_spelt(tokenizer, ids.tolist()) for ids in sources))
    _write(work.target_pieces(name), (_spelt(tokenizer, ids.tolist()) for ids in targets))


def _write_vocabularies(work: Work, tokenizer: Tokenizer) -> None:
    pieces = tokenizer.pieces(range(EOS + 1, len(tokenizer)))
    counts: Counter[str] = Counter()
    for path in (work.source_pieces("train"), work.target_pieces("train")):
        counts.update(path.read_text("utf-8").split())
    _write(work.folder / "vocab.joeynmt", [*JOEYNMT_SPECIAL, *pieces])
    # OpenNMT-py sorts by count and adds its own special pieces.
    _write(work.folder / "vocab.opennmt", (f"{piece}\t{counts[piece] + 1}" for piece in pieces))
    numbered = enumerate(["</s>", "<unk>", *pieces])
    _write(
        work.folder / "vocab.marian.yml",
        (f"{json.dumps(piece, ensure_ascii=False)}: {number}" for number, piece in numbered),
    )


def _spelt(tokenizer: Tokenizer, ids: Sequence[int]) -> str:
    return " ".join(tokenizer.pieces(ids))


def _write(path: Path | str, lines: Iterable[str]) -> None:
    Path(path).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
