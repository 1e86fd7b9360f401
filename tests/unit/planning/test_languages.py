"""The languages that the inside of a corpus tells."""

import zipfile
from pathlib import Path

import pytest

from seq2seq.planning.languages import languages_inside, languages_of, name_of

ENGLISH = ["Where is the station?", "I have never been to the mountains.", "He sleeps all day."] * 5
GERMAN = [
    "Wo ist der Bahnhof?",
    "Ich war noch nie in den Bergen.",
    "Er schläft den ganzen Tag.",
] * 5
CHINESE = ["车站在哪里?", "我从来没有去过山里。", "他整天睡觉。"] * 9


def table(folder: Path, name: str, *columns: list[str], mark: str = "\t") -> str:
    lines = [mark.join(cells) for cells in zip(*columns, strict=False)]
    (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(folder / name)


def test_a_header_row_names_them_in_its_own_order(tmp_path: Path) -> None:
    spec = table(tmp_path, "a.tsv", ["German", *GERMAN], ["English", *ENGLISH])
    assert languages_inside(spec) == ("de", "en")
    spec = table(tmp_path, "a.csv", ["fr", "x"], ["pt", "y"], mark=",")
    assert languages_inside(spec) == ("fr", "pt")


def test_keys_tags_and_files_of_a_zip_name_them(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"id": 1, "translation": {"de": "Ja.", "en": "Yes."}}\n')
    assert languages_inside(str(tmp_path / "a.jsonl")) == ("de", "en")
    sides = (("fr", "Oui."), ("pt-BR", "Sim."))
    tuvs = "".join(f'<tuv xml:lang="{code}"><seg>{text}</seg></tuv>' for code, text in sides)
    unit = f"<tu>{tuvs}</tu>"
    (tmp_path / "a.tmx").write_text(f"<tmx><body>\n{unit}\n{unit}\n</body></tmx>\n")
    assert languages_inside(str(tmp_path / "a.tmx")) == ("fr", "pt")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in ("README", "x.en-hi.en", "x.en-hi.hi", "LICENSE"):
            archive.writestr(name, "text\n")
    assert languages_inside(str(tmp_path / "a.zip")) == ("en", "hi")


@pytest.mark.parametrize(("texts", "code"), [(GERMAN, "de"), (CHINESE, "zh")])
def test_text_tells_them_where_there_is_no_header(
    texts: list[str], code: str, tmp_path: Path
) -> None:
    assert languages_inside(table(tmp_path, "a.tsv", ENGLISH, texts)) == ("en", code)
    assert languages_inside(table(tmp_path, "b.tsv", texts, ENGLISH)) == (code, "en")


def test_too_little_text_or_one_language_tells_nothing(tmp_path: Path) -> None:
    assert languages_inside(table(tmp_path, "a.tsv", ["hi"], ["oui"])) is None
    assert languages_inside(table(tmp_path, "b.tsv", ENGLISH, ENGLISH)) is None


def test_what_cannot_be_read_tells_nothing(tmp_path: Path) -> None:
    assert languages_inside(str(tmp_path / "nowhere.tsv")) is None


def test_a_pattern_tells_them_by_its_endings_or_by_its_first_file(tmp_path: Path) -> None:
    assert languages_of(["parts/*.en", "parts/*.pt"]) == ("en", "pt")
    table(tmp_path, "2.tsv", ["German", *GERMAN], ["English", *ENGLISH])
    table(tmp_path, "10.tsv", ["x", *GERMAN], ["y", *ENGLISH])
    assert languages_inside(str(tmp_path / "*.tsv")) == ("de", "en")


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ("parts/*.tsv", "parts"),
        ("big/part-*.en", "part"),
        ("a/b[0-9].x.csv.gz", "bx"),
        ("*", "corpus"),
    ],
)
def test_a_corpus_is_called_by_what_a_pattern_leaves(spec: str, name: str) -> None:
    assert name_of([spec], ("en", "fr")) == name


def test_a_list_of_records_and_a_quoted_header_name_them(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('[{"id": 1, "fr": "Oui.", "pt": "Sim."}]')
    assert languages_inside(str(tmp_path / "a.json")) == ("fr", "pt")
    (tmp_path / "a.csv").write_text('"id, number";"French";"Portuguese"\n1;"Oui.";"Sim."\n')
    assert languages_inside(str(tmp_path / "a.csv")) == ("fr", "pt")
