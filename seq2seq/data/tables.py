"""Tables of sentence pairs (TSV, CSV, JSON) -> rows, and which of their columns is which language.

Columns are named by `data.columns`, else by a header row or the fields' names, else found by what
is in them. What was found is in `Table.note`, and what can't be told is refused with a sample of
each column.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import Any, Literal, NamedTuple, TypeAlias

from seq2seq.data.columns import Choice, Choosing, Column, header_in
from seq2seq.data.pairs import Pair, one_line, whole_characters
from seq2seq.data.streams import TextFile, read_raw_lines, trimmed
from seq2seq.errors import UserError

Kind: TypeAlias = Literal["tsv", "csv", "json"]
SAMPLE = 1000
"""Rows that are looked at to find header, quotes and columns."""
_DELIMITERS = ",;\t|"
_CELL = re.compile(r'("(?:[^"]|"")*"|[^\t\n"]*)(?:[\t\n]|\Z)')
_NUMBER = re.compile(r"[-+.,\d%eE ]*")


class Row(NamedTuple):
    """The cells of a row, and the line it begins on, from 1."""

    line: int
    cells: list[Any]


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
            if _is_texts(source) and _is_texts(target):
                raise UserError(
                    f"{self.file}:{line}: expected one source text, found a list of "
                    f"{len(source):,}; write a record for each pair"
                )
            yield Pair(self._text(_first(source), line), self._text(_first(target), line), line)

    def _text(self, cell: Any, line: int) -> str:
        if isinstance(cell, str):
            return cell if self.is_plain else one_line(whole_characters(cell))
        if isinstance(cell, _Missing):
            name = cell.name
            raise UserError(f"{self.file}:{line}: expected a field {name!r}, found {_listed(cell)}")
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
            return _records(file, self.header or ())
        rows = self._all_rows(file)
        if self.header:
            next(rows, None)
        return rows

    def _all_rows(self, file: TextFile) -> Iterator[Row]:
        lines = islice(read_raw_lines(file), self.skip, None)
        if self.kind == "tsv" and not self.quoted:
            for number, line in enumerate(lines, 1):
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


def _records(file: TextFile, names: Sequence[str]) -> Iterator[Row]:
    for line, record in _json_values(file):
        fields = _flat(record)
        yield Row(line, [fields.get(name, _Missing(name, tuple(fields))) for name in names])


class _Missing(NamedTuple):
    """Stands for a field that a record lacks; `found` are those it has."""

    name: str
    found: tuple[str, ...]


def _listed(missing: _Missing) -> str:
    return ", ".join(missing.found) or "none"


def _json_values(file: TextFile) -> Iterator[tuple[int, Any]]:
    """The values of a file of JSON lines, else the items of the one list that it is."""
    filled = ((n, line) for n, line in enumerate(read_raw_lines(file), 1) if line.strip())
    first = next(filled, None)
    if first is None:
        return
    second = next(filled, None)
    lines = chain([first], [second] if second else [], filled)
    if _is_open(first[1], alone=second is None):
        yield from _one_list(file, "".join(line for _, line in lines))
        return
    for number, line in lines:
        try:
            value = json.loads(line)
        except ValueError as error:
            raise UserError(f"{file}:{number}: not valid JSON: {_json_reason(error)}") from None
        yield number, value


def _json_reason(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg}, at place {error.colno} of the line"
    return str(error)


def _is_open(line: str, *, alone: bool) -> bool:
    """Whether a line begins a value that later lines go on with, or holds all records itself."""
    try:
        value = json.loads(line)
    except ValueError:
        return line.strip() in ("[", "{") or line.lstrip()[:2] in ("[{", "[[")
    if isinstance(value, dict):
        return alone and _records_in(value) is not None
    return isinstance(value, list) and all(isinstance(item, (dict, list)) for item in value)


def _one_list(file: TextFile, text: str) -> Iterator[tuple[int, Any]]:
    try:
        values = json.loads(text)
    except ValueError as error:
        line = getattr(error, "lineno", 1)
        raise UserError(f"{file}:{line}: not valid JSON: {_json_reason(error)}") from None
    if isinstance(values, dict):
        records = _records_in(values)
        values = [values] if records is None else records
    yield from enumerate(values, 1)


def _records_in(value: dict[str, Any]) -> list[Any] | None:
    """The one list of objects with texts that an object holds: {"version": 1, "data": [...]}."""
    lists = [
        item
        for item in value.values()
        if isinstance(item, list) and item and all(isinstance(one, dict) for one in item)
    ]
    if len(lists) != 1 or len(_flat(lists[0][0])) < 2 or "content" in lists[0][0]:
        return None  # a conversation is one pair, if any
    return lists[0]


def _flat(value: Any) -> dict[str, Any]:
    """A record's fields by name, `translation.en` for one inside another; a list's by number."""
    if isinstance(value, list):
        return {str(number): item for number, item in enumerate(value, 1)}
    fields: dict[str, Any] = {}
    for name, item in value.items() if isinstance(value, dict) else ():
        if isinstance(item, dict):
            fields |= {f"{name}.{inner}": text for inner, text in _flat(item).items()}
        else:
            one = _is_texts(item) and len(item) == 1
            fields[name] = item[0] if one else "" if item is None else item
    return fields


def _is_texts(item: Any) -> bool:
    """Whether a field holds several texts: references, of which the first is taken."""
    return isinstance(item, list) and bool(item) and all(isinstance(one, str) for one in item)


def _first(cell: Any) -> Any:
    return cell[0] if _is_texts(cell) else cell


# --- finding out ---------------------------------------------------------------------------------


def open_table(file: TextFile, kind: Kind, choosing: Choosing) -> Table:
    """Return the table in `file`, with the columns that hold the two languages.

    Raises UserError, with a sample of each column, if they can't be told.
    """
    layout = _json_layout(file) if kind == "json" else _table_layout(file, kind)
    rows = [row.cells for row in islice(layout.rows(file), SAMPLE)]
    remarks, odd = [], False
    if layout.kind != "json":
        width = _usual_width(rows)
        header = header_in(rows[0], rows[1:], choosing) if rows else None
        if header:
            layout = replace(layout, header=tuple(header))
            rows = rows[1:]
            remarks.append("the header row is left out")
        if layout.quoted and kind == "tsv":
            remarks.append("cells are in quotes, as in CSV")
        elif odd := kind == "tsv" and _many_quoted(rows):
            remarks.append("many cells are in double quotes, but not all texts: they are kept")
    else:
        width = len(layout.header or ())
        if any(_several(file)):
            remarks.append("of several references the first is taken")
    columns = _columns(layout, rows, width)
    choice = choosing.choose(str(file), columns, fields=layout.kind == "json")
    return Table(
        file,
        kind,
        layout,
        choice.source,
        choice.target,
        _note(choice, remarks),
        choice.exchanged or odd,
    )


def _note(choice: Choice, remarks: list[str]) -> str:
    return "; ".join(filter(None, (choice.note, *remarks)))


def _columns(layout: Layout, rows: Sequence[Sequence[Any]], width: int) -> list[Column]:
    names = layout.header or ()
    return [
        Column(
            number,
            names[number - 1] if number <= len(names) else None,
            [_as_text(row[number - 1]) if number <= len(row) else None for row in rows],
        )
        for number in range(1, max(width, len(names)) + 1)
    ]


def _as_text(cell: Any) -> str | None:
    if isinstance(cell, _Missing):
        return None
    text = _first(cell)
    return text if isinstance(text, str) else json.dumps(text, ensure_ascii=False)


def _many_quoted(rows: Sequence[Sequence[str]]) -> bool:
    """Whether more than 3 of 10 cells with text stand in double quotes."""
    cells = [cell for row in rows for cell in row if cell and not _NUMBER.fullmatch(cell)]
    quoted = sum(cell[0] == cell[-1] == '"' and len(cell) > 1 for cell in cells)
    return quoted > 0.3 * len(cells)


def _usual_width(rows: Sequence[Sequence[Any]]) -> int:
    """Cells that more than half of the rows have."""
    widths = sorted((len(row) for row in rows), reverse=True)
    return widths[len(widths) // 2] if widths else 0


def _json_layout(file: TextFile) -> Layout:
    names: dict[str, None] = {}
    for line, value in islice(_json_values(file), SAMPLE):
        fields = _flat(value)
        if not fields:
            found = type(value).__name__
            raise UserError(f"{file}:{line}: expected an object with two texts, found {found}")
        names |= dict.fromkeys(fields)
    return Layout("json", header=tuple(names))


def _several(file: TextFile) -> Iterator[bool]:
    for _, value in islice(_json_values(file), SAMPLE):
        if isinstance(value, dict):
            yield any(_is_texts(item) and len(item) > 1 for item in value.values())


def _table_layout(file: TextFile, kind: Kind) -> Layout:
    lines = list(islice(read_raw_lines(file), SAMPLE))
    if kind == "tsv":
        # A header may stand without quotes.
        return Layout("tsv", quoted=_has_csv_quotes(lines) or _has_csv_quotes(lines[1:]))
    skip = int(bool(lines) and re.fullmatch(r"sep=.", trimmed(lines[0])) is not None)
    counts = {mark: _widths(lines[skip:], mark) for mark in _DELIMITERS}
    best = max(_DELIMITERS, key=lambda mark: counts[mark][1])
    width, _ = counts[best]
    if lines and width < 2:
        raise UserError(
            f"{file}: expected cells between commas, semicolons or tabs, "
            f"found one column: {trimmed(lines[skip])[:60]!r}"
        )
    return Layout("csv", delimiter=best, quoted=True, width=width, skip=skip)


def _widths(lines: Sequence[str], delimiter: str) -> tuple[int, float]:
    """The number of cells of the first row, and the share of rows that have it; 0 for one cell."""
    try:
        widths = [len(cells) for cells in csv.reader(lines, delimiter=delimiter) if cells]
    except csv.Error:
        return 0, 0.0
    if not widths or widths[0] < 2:
        return 0, 0.0
    return widths[0], widths.count(widths[0]) / len(widths)


def _has_csv_quotes(lines: Sequence[str]) -> bool:
    """Whether the double quotes of a TSV are those of CSV: around all texts, or doubled inside.

    One sentence in quotes proves nothing: it may be speech.
    """
    cells = _cells_of("".join(lines).replace("\r\n", "\n"))
    quoted = [cell for cell in cells if cell.startswith('"')]
    bare = [cell for cell in cells if cell and not cell.startswith('"')]
    if len(quoted) > 1 and all(map(_NUMBER.fullmatch, bare)):
        return True
    return any('""' in cell[1:-1] and not {"\n", "\t"} & set(cell) for cell in quoted)


def _cells_of(text: str) -> list[str]:
    """The cells of a TSV with CSV's quotes, as they stand; none if its quotes are not such."""
    cells, place = [], 0
    while place < len(text):
        cell = _CELL.match(text, place)
        if cell is None:
            if text[place] == '"' and '"' not in text[place + 1 :].replace('""', ""):
                break  # the sample ends inside a cell
            return []
        cells.append(cell[1])
        place = cell.end()
    return cells
