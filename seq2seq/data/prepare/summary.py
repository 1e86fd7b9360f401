"""What became of the corpora: counts of pairs and pieces, kept as data.json."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

from seq2seq.counted import counted
from seq2seq.data.corpus import PartOddness
from seq2seq.data.tokenizer import UNK
from seq2seq.errors import DamagedError
from seq2seq.machine.sealed import check_files, read_sealed_json, seal_json, sums_of

LEAKED = "trained on too"
"""Why validation pairs are noted that are trained on too."""


@dataclass(frozen=True)
class SplitSummary:
    """What became of one corpus: numbers of pairs, pieces, and the share of pieces unknown.

    `inputs` is the sha256 of each file, by side or kind; `dropped` and `noted` count pairs by
    reason, those noted (in validation) being kept all the same; in training, variants are noted
    (`data.vary`). read = kept + the sum of dropped.
    """

    inputs: dict[str, str]
    read: int
    kept: int
    dropped: dict[str, int]
    noted: dict[str, int]
    source_pieces: int
    target_pieces: int
    source_unknown: float
    target_unknown: float

    def __str__(self) -> str:
        noted = f" ({listed(self.noted)})" if self.noted else ""
        return (
            f"{counted(self.read, 'pair')} read, {self.kept:,} kept{noted}, "
            f"dropped {listed(self.dropped)}; "
            f"{self.source_pieces:,} source and {self.target_pieces:,} target pieces, "
            f"{self.source_unknown:.3%} and {self.target_unknown:.3%} unknown"
        )


@dataclass(frozen=True)
class Summary:
    """What became of the training and of the validation corpus, and what they are written in."""

    train: SplitSummary
    valid: SplitSummary
    scripts: list[str]
    """The scripts in which training sources are written, as Unicode names them."""
    odd: dict[str, list[PartOddness]]
    """By split, the parts that are not in the languages that are said."""

    @classmethod
    def read(cls, path: Path) -> Summary:
        """Return what `write` wrote; DamagedError if it or a file beside it is not as written."""
        try:
            tree = read_sealed_json(path, required=True)
            check_files(path.parent, tree["files"])
            train, valid = (SplitSummary(**tree[split]) for split in ("train", "valid"))
            odd = {split: list(map(PartOddness.of, parts)) for split, parts in tree["odd"].items()}
            return cls(train, valid, tree["scripts"], odd)
        except DamagedError:
            raise
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise DamagedError(f"{path}: missing or damaged: {error}") from None

    def write(self, path: Path) -> None:
        """Write it as JSON, with the sha256 of all files beside it."""
        files = sorted(file for file in path.parent.rglob("*") if file.is_file())
        names = [file.relative_to(path.parent).as_posix() for file in files if file != path]
        value = {**asdict(self), "files": sums_of(path.parent, names)}
        path.write_text(seal_json(value), "utf-8")


class Counts:
    """Running counts of one corpus, which end as a `SplitSummary`."""

    def __init__(self, read: int = 0, dropped: dict[str, int] | None = None) -> None:
        self.read, self.kept = read, 0
        self.dropped, self.noted = Counter(dropped), Counter[str]()
        self._pieces, self._unknown = Counter[int](), Counter[int]()

    def keep(self, *sides: list[int]) -> None:
        """Count a pair that is kept."""
        self.kept += 1
        self.measure(*sides)

    def measure(self, *sides: list[int]) -> None:
        """Count the pieces of a pair, or of a variant of it."""
        for side, ids in enumerate(sides):
            self._pieces[side] += len(ids)
            self._unknown[side] += ids.count(UNK)

    def add(self, other: Counts) -> None:
        """Add the counts of other pairs of the corpus."""
        self.read += other.read
        self.kept += other.kept
        for mine, theirs in (
            (self.dropped, other.dropped),
            (self.noted, other.noted),
            (self._pieces, other._pieces),
            (self._unknown, other._unknown),
        ):
            mine.update(theirs)  # type: ignore[arg-type]

    def summary(self, inputs: dict[str, str]) -> SplitSummary:
        """Return the counts of the corpus in files of these hashes."""
        pieces = [self._pieces[side] for side in (0, 1)]
        return SplitSummary(
            inputs,
            self.read,
            self.kept,
            {reason: count for reason, count in self.dropped.items() if count},
            dict(self.noted),
            *pieces,
            *(self._unknown[side] / max(1, pieces[side]) for side in (0, 1)),
        )


def listed(counts: dict[str, int]) -> str:
    """Return `3 empty, 1 too long`, or `none`."""
    return ", ".join(f"{count:,} {reason}" for reason, count in counts.items() if count) or "none"
