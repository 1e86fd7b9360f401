"""What there is to find out of a table: its header, its quotes, which column is which language.

Columns are named by `data.columns`, else by a header row or the fields' names, else found by what
is in them. What was found is in `Table.note`, and what can't be told is refused with a sample of
each column.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from seq2seq.data.readers.columns import Choice, Choosing, Column
from seq2seq.data.readers.headers import header_in
from seq2seq.data.readers.json_records import Missing, fields_of, first_text, is_texts, json_values
from seq2seq.data.readers.streams import TextFile, read_raw_lines, trimmed
from seq2seq.data.readers.tables import Kind, Layout, Table
from seq2seq.errors import UserError

SAMPLE = 1000
"""Rows that are looked at to find header, quotes and columns."""
_DELIMITERS = ",;\t|"
_CELL = re.compile(r'("(?:[^"]|"")*"|[^\t\n"]*)(?:[\t\n]|\Z)')
_NUMBER = re.compile(r"[-+.,\d%eE ]*")


_SEVERAL = "of several translations each is learnt from and scored against; validation has one"


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
            remarks.append(_SEVERAL)
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


def first_names(file: TextFile, kind: Kind) -> list[str]:
    """Return the cells of the first row of a table, or the names of the fields of a JSON file."""
    if kind == "json":
        return list(_json_layout(file).header or ())
    return next((list(row.cells) for row in _table_layout(file, kind).rows(file)), [])


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
    if isinstance(cell, Missing):
        return None
    text = first_text(cell)
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
    for line, value in islice(json_values(file), SAMPLE):
        fields = fields_of(value)
        if not fields:
            found = type(value).__name__
            raise UserError(f"{file}:{line}: expected an object with two texts, found {found}")
        names |= dict.fromkeys(fields)
    return Layout("json", header=tuple(names))


def _several(file: TextFile) -> Iterator[bool]:
    for _, value in islice(json_values(file), SAMPLE):
        if isinstance(value, dict):
            yield any(is_texts(item) and len(item) > 1 for item in value.values())


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
