"""Tables of sentence pairs (TSV, CSV, JSON) -> rows, and rows -> pairs."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal, TypeAlias

from seq2seq.data.pairs import Pair, one_line, whole_characters
from seq2seq.data.readers.json_records import Missing, Row, first_text, is_texts, records
from seq2seq.data.readers.streams import TextFile, read_raw_lines, trimmed
from seq2seq.errors import UserError

Kind: TypeAlias = Literal["tsv", "csv", "json"]


@dataclass(frozen=True)
class Table:
    """A file of which a row holds a sentence and its translation."""

    file: TextFile
    kind: Kind
    layout: Layout
    source: int
    target: int
    note: str
    """Which columns were taken, and why."""
    doubtful: bool = False
    """Whether the note is a warning: columns are exchanged by their content, or quotes are odd."""

    @property
    def is_plain(self) -> bool:
        """Whether it is source<TAB>target, a pair a line, and nothing had to be found out."""
        return self.kind == "tsv" and not self.layout.quoted

    def pairs(self) -> Iterator[Pair]:
        """Yield every pair in constant memory; UserError at the row that is not as the others."""
        needed = max(self.source, self.target) + 1
        for line, cells in self.layout.rows(self.file):
            if len(cells) < needed:
                raise UserError(f"{self.file}:{line}: {self._too_few(len(cells), needed)}")
            source, target = cells[self.source], cells[self.target]
            if is_texts(source) and is_texts(target):
                raise UserError(
                    f"{self.file}:{line}: expected one source text, found a list of "
                    f"{len(source):,}; write a record for each pair"
                )
            translation, *others = target if is_texts(target) else [target]
            yield Pair(
                self._text(first_text(source), line),
                self._text(translation, line),
                line,
                tuple(self._text(other, line) for other in others),
            )

    def _text(self, cell: Any, line: int) -> str:
        if isinstance(cell, str):
            return cell if self.is_plain else one_line(whole_characters(cell))
        if isinstance(cell, Missing):
            name = cell.name
            raise UserError(f"{self.file}:{line}: expected a field {name!r}, found {cell.listed}")
        raise UserError(f"{self.file}:{line}: expected text, found {json.dumps(cell)[:60]}")

    def _too_few(self, found: int, needed: int) -> str:
        if self.kind == "tsv" and needed == 2:
            return "expected source<TAB>target, found no tab"
        return f"expected {needed} columns or more, found {found}"


# --- how a file holds its rows -------------------------------------------------------------------
@dataclass(frozen=True)
class Layout:
    """How the rows of a file are written."""

    kind: Kind
    delimiter: str = "\t"
    quoted: bool = False
    header: tuple[str, ...] | None = None
    """The names of the columns; a table's first row or a JSON file's fields."""
    width: int | None = None
    """Cells of a CSV row; another number of them is refused."""
    skip: int = 0
    """Lines before the table: `sep=;`."""

    def rows(self, file: TextFile) -> Iterator[Row]:
        """Yield the rows, without the header."""
        if self.kind == "json":
            return records(file, self.header or ())
        rows = self._all_rows(file)
        if self.header:
            next(rows, None)
        return rows

    def _all_rows(self, file: TextFile) -> Iterator[Row]:
        lines = islice(read_raw_lines(file), self.skip, None)
        if self.kind == "tsv" and not self.quoted:
            for number, line in enumerate(lines, 1):
                if line.strip(" \r\n"):  # a blank line is no row
                    yield Row(number, trimmed(line).split("\t"))
            return
        for row in _parsed(file, lines, self.delimiter, self.skip):
            if self.width is not None and len(row.cells) != self.width:
                raise UserError(
                    f"{file}:{row.line}: expected {self.width} cells, found {len(row.cells)}; a "
                    f"cell that holds {self.delimiter!r} must stand in double quotes"
                )
            yield row


def _parsed(file: TextFile, lines: Iterator[str], delimiter: str, skipped: int) -> Iterator[Row]:
    """The rows of a table with quotes, by the standard library's csv."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    start = 1
    while True:
        start = reader.line_num + 1 + skipped
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise UserError(f"{file}:{start}: {_csv_reason(error)}") from None
        if cells:  # a blank line is no row
            yield Row(start, cells)


def _csv_reason(error: csv.Error) -> str:
    if "unexpected end" in str(error) or "field limit" in str(error):
        return "a double quote is opened in this row and never closed"
    if "expected after" in str(error):
        return (
            "expected the end of a quoted cell, found more text after its closing quote; "
            'a quote inside a quoted cell is written ""'
        )
    return f"not a valid row: {error}"
