"""Reading the lexicon's text tables."""

from pathlib import Path

LEXICON = Path(__file__).parent / "lexicon"


def read_lines(name: str) -> list[str]:
    """Return the lines of a table, without comments and blank lines."""
    text = (LEXICON / name).read_text(encoding="utf-8")
    lines = (line.split("#")[0].strip() for line in text.splitlines())
    return [line for line in lines if line]


def read_table(name: str) -> list[list[str]]:
    """Return the rows of a table whose columns are separated by `|`."""
    return [[cell.strip() for cell in line.split("|")] for line in read_lines(name)]


def read_sections(name: str) -> dict[str, list[str]]:
    """Return the lines below each `[section]` header of a table."""
    sections: dict[str, list[str]] = {}
    current = ""
    for line in read_lines(name):
        if line.startswith("["):
            current = line.strip("[]")
            sections.setdefault(current, [])
        else:
            sections[current].append(line)
    return sections
