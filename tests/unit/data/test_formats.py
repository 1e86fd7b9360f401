"""Every format gives the pairs that the plain files give."""

import bz2
import csv
import gzip
import json
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

from seq2seq.data.corpus import Pair, find_corpus, read_versions
from seq2seq.errors import UserError

PAIRS = [
    ("The dog sleeps on the chair.", "Le chien dort sur la chaise."),
    ("I love you very much.", "Je t'aime beaucoup."),
    ('He said "hello", then left.', 'Il a dit "bonjour", puis est parti.'),
    ("Where is my coat & hat?", "Où sont mon manteau & mon chapeau ?"),
    ("She has two brothers; 3 < 4.", "Elle a deux frères ; 3 < 4."),
    ("We were going to the beach.", "Nous allions à la plage."),
]
Rows = list[tuple[str, ...]]


def tsv(rows: Rows) -> str:
    return "".join("\t".join(row) + "\n" for row in rows)


def quoted(*cells: str) -> str:
    return "\t".join('"' + cell.replace('"', '""') + '"' for cell in cells) + "\n"


def as_csv(path: Path, rows: Rows, delimiter: str = ",", before: str = "") -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(before)
        csv.writer(file, delimiter=delimiter).writerows(rows)


def jsonl(record: Callable[[str, str], object]) -> str:
    return "".join(json.dumps(record(en, fr)) + "\n" for en, fr in PAIRS)


def tmx() -> str:
    units = "".join(
        f'<tu><tuv xml:lang="FR-fr"><seg>{escape(fr)}</seg></tuv>\n<tuv xml:lang="en-US"><seg>'
        f'<bpt i="1">&lt;b&gt;</bpt>{escape(en)}<ept i="1">&lt;/b&gt;</ept></seg></tuv></tu>\n'
        for en, fr in PAIRS
    )
    head = '<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE tmx SYSTEM "tmx14.dtd">\n'
    return f'{head}<tmx version="1.4"><header/><body>{units}</body></tmx>\n'


def sgm(kind: str, side: int, language: str) -> str:
    segments = "".join(
        f'<seg id="{number}"> {escape(pair[side])} </seg>\n' for number, pair in enumerate(PAIRS, 1)
    )
    return (
        f'<{kind} setid="news" srclang="en" trglang="{language}">\n<doc docid="d" sysid="r">\n'
        f"{segments}</doc>\n</{kind}>\n"
    )


def wmt_xml() -> str:
    def side(name: str, index: int, language: str) -> str:
        segments = "".join(
            f'<seg id="{number}">{escape(pair[index])}</seg>\n'
            for number, pair in enumerate(PAIRS, 1)
        )
        return f'<{name} lang="{language}"><p>{segments}</p></{name}>\n'

    sides = side("src", 0, "en") + side("ref", 1, "fr")
    return f'<?xml version="1.0"?>\n<dataset id="x"><doc id="d">{sides}</doc></dataset>\n'


LICENCE = "CC-BY 2.0 (France) Attribution: tatoeba.org #{} (CM)"
TEXTS = {
    "plain.tsv": tsv([*PAIRS]),
    "crlf.tsv": "\ufeff" + tsv([("EN", "FR"), *PAIRS]).replace("\n", "\r\n"),
    "backwards.tsv": tsv([(fr, en) for en, fr in PAIRS]),
    "names.tsv": tsv([("English", "French"), *PAIRS]),
    "regions.tsv": tsv([("English (US)", "fr_CA"), *PAIRS]),
    "sides.tsv": tsv([("sentence1", "sentence2"), *PAIRS]),
    "other_names.tsv": tsv([("Satz", "Wort", "Nr."), *((*p, str(n)) for n, p in enumerate(PAIRS))]),
    "ids.tsv": tsv([(str(n), p[0], str(n + 9), p[1]) for n, p in enumerate(PAIRS)]),
    "scores.tsv": tsv([("0.8", *pair) for pair in PAIRS]),
    "alignments.tsv": tsv([(*pair, "0-0 1-2", "-1.5e-3") for pair in PAIRS]),
    "tatoeba.tsv": tsv([(str(n), "eng", p[0], "7", "fra", p[1]) for n, p in enumerate(PAIRS)]),
    "tags.tsv": tsv([("eng_Latn", "fra_Latn", *pair) for pair in PAIRS]),
    "links.tsv": tsv([(f"https://x.org/{n}", *p) for n, p in enumerate(PAIRS)]),
    "anki.txt": tsv([(*p, LICENCE.format(n)) for n, p in enumerate(PAIRS)]),
    "trailing.tsv": tsv([(*pair, "") for pair in PAIRS]),
    "quoted.tsv": "".join(quoted(*pair) for pair in PAIRS),
    "quoted_under_a_header.tsv": "en\tfr\n" + "".join(quoted(*pair) for pair in PAIRS),
    "some_quoted.tsv": "".join(
        quoted(*pair) if '"' in pair[0] else "\t".join(pair) + "\n" for pair in PAIRS
    ),
    "numbers_bare.tsv": "".join(f"{n}\t{quoted(*pair)}" for n, pair in enumerate(PAIRS)),
    "codes.jsonl": jsonl(lambda en, fr: {"id": 1, "fr": fr, "en": en}),
    "hub.jsonl": jsonl(lambda en, fr: {"translation": {"en": en, "fr": fr}}),
    "sides.jsonl": jsonl(lambda en, fr: {"source_lang": "en", "source": en, "target": fr}),
    "short.ndjson": jsonl(lambda en, fr: {"src": en, "tgt": fr, "score": 0.5}),
    "camel.jsonl": jsonl(lambda en, fr: {"targetText": fr, "sourceText": en}),
    "references.jsonl": jsonl(lambda en, fr: {"en": en, "fr": [fr, "autre"]}),
    "in_one.json": json.dumps({"version": 1, "data": [{"en": a, "fr": b} for a, b in PAIRS]}),
    "in_one_lines.json": json.dumps({"data": [{"en": a, "fr": b} for a, b in PAIRS]}, indent=1),
    "lists.jsonl": jsonl(lambda en, fr: [en, fr]),
    "one_list.json": json.dumps([{"en": en, "fr": fr} for en, fr in PAIRS], indent=1),
    "one_line.json": json.dumps([{"en": en, "fr": fr} for en, fr in PAIRS]),
    "memory.tmx": tmx(),
    "memory.xml": tmx(),
    "both.sgm": sgm("srcset", 0, "fr") + sgm("refset", 1, "fr"),
    "wmt.xml": wmt_xml(),
}


def read(spec: object, source: str = "en", target: str = "fr") -> Rows:
    corpus = find_corpus(spec, source, target)  # type: ignore[arg-type]
    return [(pair.source, pair.target) for pair in corpus.pairs()]


@pytest.mark.parametrize("name", TEXTS)
def test_a_format_gives_the_pairs_of_the_plain_files_in_both_directions(
    name: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_text(TEXTS[name], encoding="utf-8", newline="")
    assert read(str(path)) == PAIRS
    assert read(str(path), "fr", "en") == [(fr, en) for en, fr in PAIRS]


@pytest.mark.parametrize(
    ("delimiter", "before"), [(",", ""), (";", ""), ("\t", ""), (";", "sep=;\n")]
)
def test_a_csv_is_read_whatever_parts_its_cells(
    delimiter: str, before: str, tmp_path: Path
) -> None:
    as_csv(
        tmp_path / "a.csv",
        [("", "source", "target"), *(("7", *p) for p in PAIRS)],
        delimiter,
        before,
    )
    assert read(str(tmp_path / "a.csv")) == PAIRS
    assert read(str(tmp_path / "a.csv"), "fr", "en") == [(fr, en) for en, fr in PAIRS]


def test_a_line_end_inside_a_cell_is_a_space_and_lines_are_still_told_right(tmp_path: Path) -> None:
    as_csv(tmp_path / "a.csv", [("en", "fr"), ("one\ntwo", "un\r\n deux"), ("three", "trois")])
    pairs = list(find_corpus(str(tmp_path / "a.csv"), "en", "fr").pairs())
    assert pairs == [Pair("one two", "un deux", 2), Pair("three", "trois", 5)]


@pytest.mark.parametrize(
    ("suffix", "pack"), [(".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress)]
)
def test_compressed_files_are_read_and_a_cut_is_told(
    suffix: str, pack: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    for side, language in enumerate(("en", "fr")):
        text = "".join(pair[side] + "\n" for pair in PAIRS)
        (tmp_path / f"a.{language}{suffix}").write_bytes(pack(text.encode()))
    (tmp_path / f"a.tmx{suffix}").write_bytes(pack(tmx().encode()))
    assert read(str(tmp_path / "a")) == read(str(tmp_path / f"a.tmx{suffix}")) == PAIRS
    whole = pack("".join(f"line {k * k}\n" for k in range(500)).encode())
    (tmp_path / f"a.en{suffix}").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match=rf"a\.en\{suffix}:\d+: the compressed file ends too early"):
        read(str(tmp_path / "a"))
    (tmp_path / f"a.en{suffix}").write_text("plain text, and not little of it\n")
    with pytest.raises(UserError, match=rf"a\.en\{suffix}:1: not a valid \{suffix} file"):
        read(str(tmp_path / "a"))


def test_zst_is_read_over_several_frames_and_a_cut_is_told(tmp_path: Path) -> None:
    zstandard = pytest.importorskip("zstandard")
    lines = "".join(f"{en}\t{fr}\n" for en, fr in PAIRS).encode()
    frames = zstandard.compress(lines[:100]) + zstandard.compress(lines[100:])
    path = tmp_path / "a.tsv.zst"
    path.write_bytes(frames)
    assert read(str(path)) == PAIRS
    path.write_bytes(frames[:-4])
    with pytest.raises(UserError, match=r"a\.tsv\.zst:\d+: the compressed file ends too early"):
        read(str(path))


def zipped(path: Path, **members: str) -> str:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return str(path)


def test_the_right_members_of_a_zip_are_read(tmp_path: Path) -> None:
    sides = {
        f"X.en-fr.{language}": "".join(pair[side] + "\n" for pair in PAIRS)
        for side, language in enumerate(("en", "fr"))
    }
    papers = {"README": "en\tfr", "LICENSE": "x", "X.en-fr.xml": "<cesAlign/>", "X.en-fr.ids": "1"}
    assert read(zipped(tmp_path / "a.zip", **papers, **sides)) == PAIRS
    anki = {"_about.txt": "about", "fra.txt": TEXTS["anki.txt"]}
    assert read(zipped(tmp_path / "b.zip", **anki)) == PAIRS
    assert read(zipped(tmp_path / "c.zip", README="x", **{"en-fr.tmx": tmx()})) == PAIRS
    two = {f"{name}.{language}": "x\n" for name in ("train", "valid") for language in ("en", "fr")}
    with pytest.raises(UserError, match=r"d\.zip: expected one corpus .*train\.en, train\.fr"):
        read(zipped(tmp_path / "d.zip", **two))
    (tmp_path / "e.zip").write_text("no zip")
    with pytest.raises(UserError, match=r"e\.zip: not a valid \.zip file"):
        read(str(tmp_path / "e.zip"))


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a.en, a.fr, b.tsv and c.tmx."""
    for side, language in enumerate(("en", "fr")):
        (tmp_path / f"a.{language}").write_text("".join(pair[side] + "\n" for pair in PAIRS))
    (tmp_path / "b.tsv").write_text(TEXTS["ids.tsv"])
    (tmp_path / "c.tmx").write_text(tmx())
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("spec", "times"),
    [
        (["a.en", "a.fr"], 1),
        (["b.tsv", "c.tmx"], 2),
        (["a", "b.tsv"], 2),
        (["b.tsv"], 1),
        ([["a.en", "a.fr"], "b.tsv"], 2),
        ([["a.en", "a.fr"]], 1),
        (["a", "b.tsv", "c.tmx"], 3),
        ("*.tsv", 1),
        ("*", 3),
    ],
)
def test_a_list_of_two_sides_is_one_corpus_and_every_other_list_several(
    spec: object, times: int, files: Path
) -> None:
    assert read(spec) == PAIRS * times


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (["a.en", "b.tsv"], r"b\.tsv holds both sides, a\.en only one"),
        (
            ["a.en", "a.fr", "b.tsv"],
            r"a\.en: expected a corpus, found one side .* \[\[a\.en, a\.fr\], b\.tsv\]",
        ),
        ([["b.tsv", "a.fr"]], r"b\.tsv: expected a file of one side .* found one of both"),
        ([], "found an empty list"),
        ("*.csv", r"\*\.csv: no such files"),
    ],
)
def test_a_list_that_may_mean_two_things_is_refused(
    spec: object, message: str, files: Path
) -> None:
    with pytest.raises(UserError, match=message):
        read(spec)


def test_two_tables_that_are_named_like_sides_are_refused(files: Path) -> None:
    Path("x.txt").write_text(TEXTS["plain.tsv"])
    with pytest.raises(UserError, match="found tabs in both"):
        read(["x.txt", "x.txt"])


def test_the_home_folder_is_known_by_its_sign(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(files))
    assert read("~/a") == read("~/b.tsv") == read(["~/a.en", "~/a.fr"]) == PAIRS


# --- test sets -----------------------------------------------------------------------------------


def test_two_sgm_files_are_aligned_by_their_segments(tmp_path: Path) -> None:
    (tmp_path / "news-src.en.sgm").write_text(sgm("srcset", 0, "any"))
    reference = tmp_path / "news-ref.fr.sgm"
    reference.write_text(sgm("refset", 1, "fr"))
    pair = [str(tmp_path / "news-src.en.sgm"), str(reference)]
    assert read(pair) == read(str(tmp_path / "news")) == PAIRS
    reference.write_text(sgm("refset", 1, "fr").replace('id="3"', 'id="4"', 1))
    with pytest.raises(UserError, match=r"fr\.sgm:5: expected segment '3' .*found '4'"):
        read(pair)
    with pytest.raises(UserError, match=r"src\.en\.sgm: expected both sides of a test set"):
        read(pair[0])
    reference.write_text(sgm("refset", 1, "de"))
    with pytest.raises(UserError, match=r"fr\.sgm:3: expected segments in fr, found de"):
        read(pair)


def test_an_sgm_that_is_no_xml_is_read(tmp_path: Path) -> None:
    segment = "<seg id=1> Caf&eacute; AT&T &lt;b&gt; </seg>"
    content = f"<srcset srclang=en><doc docid=d>{segment}</doc></srcset>"
    (tmp_path / "a.sgm").write_text(
        content + content.replace("srcset", "refset").replace("srclang=en", "trglang=fr")
    )
    assert read(str(tmp_path / "a.sgm")) == [("Café AT&T <b>", "Café AT&T <b>")]


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>\n'
FILE = '<!DOCTYPE x [<!ENTITY b SYSTEM "file:///etc/passwd">]>\n'


@pytest.mark.parametrize("declared", [BOMB, FILE])
@pytest.mark.parametrize("name", ["memory.tmx", "both.sgm", "wmt.xml"])
def test_a_file_that_declares_entities_is_refused(name: str, declared: str, tmp_path: Path) -> None:
    text = TEXTS[name].replace('<!DOCTYPE tmx SYSTEM "tmx14.dtd">\n', "")
    head, mark, rest = text.partition("?>\n") if text.startswith("<?") else ("", "", text)
    (tmp_path / name).write_text(head + mark + declared + rest.replace("love", "&b;"))
    with pytest.raises(UserError, match=rf"{name}:\d: cannot be read, as it declares an entity"):
        read(str(tmp_path / name))


def test_units_without_one_of_the_languages_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.tmx"
    path.write_text(tmx().replace("FR-fr", "de", 2))
    assert read(str(path)) == PAIRS[2:]
    with pytest.raises(UserError, match=r"units with en and it, found FR-fr, de, en-US"):
        read(str(path), "en", "it")


def test_of_two_regions_the_one_that_is_asked_for_is_taken(tmp_path: Path) -> None:
    variants = {"en": "bus", "pt-PT": "autocarro", "pt-BR": "ônibus"}
    texts = "".join(f'<tuv xml:lang="{k}"><seg>{v}</seg></tuv>' for k, v in variants.items())
    (tmp_path / "a.tmx").write_text(f"<tmx><body><tu>{texts}</tu></body></tmx>")
    assert read(str(tmp_path / "a.tmx"), "en", "pt_BR") == [("bus", "ônibus")]
    assert read(str(tmp_path / "a.tmx"), "en", "pt") == [("bus", "autocarro")]


def test_further_translations_are_kept_beside_the_first(tmp_path: Path) -> None:
    texts = "".join(
        f'<tuv xml:lang="{tag}"><seg>{text}</seg></tuv>'
        for tag, text in (("fr", "saute"), ("en", "jump"), ("fr", "sautez"))
    )
    (tmp_path / "a.tmx").write_text(f"<tmx><body><tu>{texts}</tu></body></tmx>")
    (tmp_path / "a.jsonl").write_text('{"en": "jump", "fr": ["saute", "sautez"]}\n')
    sets = "".join(
        f'<{kind} setid="x" srclang="en" trglang="fr"><doc docid="d" sysid="{name}">'
        f'<seg id="1">{text}</seg></doc></{kind}>'
        for kind, name, text in (
            *(("srcset", "", "jump"), ("refset", "A", "saute"), ("refset", "B", "sautez")),
        )
    )
    (tmp_path / "a.sgm").write_text(f"<mteval>{sets}</mteval>")
    source, _, references = sets.partition("</srcset>")
    (tmp_path / "src.sgm").write_text(f"{source}</srcset>")
    (tmp_path / "ref.sgm").write_text(f"<mteval>{references}</mteval>")
    for spec in ("a.tmx", "a.jsonl", "a.sgm", ["src.sgm", "ref.sgm"]):
        names = [spec] if isinstance(spec, str) else spec
        paths = [str(tmp_path / name) for name in names]
        (pair,) = find_corpus(paths if len(paths) > 1 else paths[0], "en", "fr").pairs()
        assert (pair.source, pair.target, pair.others) == ("jump", "saute", ("sautez",)), spec


VERSIONS = [  # kind, language, version, texts
    ("refset", "fr", "A", ["un", "deux"]),
    ("refset", "fr", "B", ["UN", "DEUX"]),
    ("refset", "de", "C", ["eins", "zwei"]),
    ("tstset", "fr", "system", ["faux", "faux"]),
]


@pytest.mark.parametrize("numbered", [True, False])
def test_further_versions_are_of_the_same_segment_side_and_language(
    numbered: bool, tmp_path: Path
) -> None:
    def section(kind: str, language: str, version: str, texts: list[str]) -> str:
        ids = [f' id="{n}"' if numbered else "" for n in range(1, len(texts) + 1)]
        lines = "".join(f"<seg{i}>{text}</seg>" for i, text in zip(ids, texts, strict=True))
        head = f'<{kind} setid="x" srclang="en" trglang="{language}">'
        return f'{head}<doc docid="d" sysid="{version}">{lines}</doc></{kind}>'

    sources = section("srcset", "fr", "", ["one", "two"])
    references = "".join(section(*version) for version in VERSIONS)
    (tmp_path / "all.sgm").write_text(f"<mteval>{sources}{references}</mteval>")
    (tmp_path / "src.sgm").write_text(sources)
    (tmp_path / "ref.sgm").write_text(f"<mteval>{references}</mteval>")
    for names in (["all.sgm"], ["src.sgm", "ref.sgm"]):
        paths = [str(tmp_path / name) for name in names]
        pairs = find_corpus(paths if len(paths) > 1 else paths[0], "en", "fr").pairs()
        found = [(pair.source, pair.target, pair.others) for pair in pairs]
        assert found == [("one", "un", ("UN",)), ("two", "deux", ("DEUX",))], names
    assert read_versions(tmp_path / "ref.sgm") == [["un", "deux"], ["UN", "DEUX"]]


def test_a_memory_in_utf16_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.tmx").write_text(tmx().replace("utf-8", "utf-16"), encoding="utf-16")
    assert read(str(tmp_path / "a.tmx")) == PAIRS


# --- what can't be read --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.xlsx", b"PK\x03\x04", r"a\.xlsx: cannot read a \.xlsx file .*save the sheet as CSV"),
        ("a.ods", b"PK\x03\x04", r"a\.ods: .*save the sheet as CSV"),
        ("a.docx", b"PK\x03\x04", r"a\.docx: .*save it as plain text"),
        ("a.parquet", b"PAR1", r"a\.parquet: .*JSON lines"),
        ("a.tar.gz", b"\x1f\x8b", r"a\.tar\.gz: .*unpack it"),
        ("a.csv", b"PK\x03\x04", r"a\.csv: expected text, found zip data; save a sheet"),
        ("a.tsv", gzip.compress(b"a\tb\n", mtime=0), r"found gzip data; name it a\.tsv\.gz"),
        ("a.tsv", b"a\tb\n\xff\xfea\tb\n", r"a\.tsv:2: .*found byte 0xff at place 1 of the line"),
        ("a.tsv", "a\tb\n".encode("utf-16"), r"a\.tsv:1: .*found UTF-16, .*save it as UTF-8"),
        (
            "a.csv",
            b"en,fr\nHi,Salut\nHi, you,Toi\n",
            r"a\.csv:3: expected 2 cells, found 3",
        ),
        ("a.csv", b'en,fr\nHi,Salut\n"Hi,Salut\nx,y\n', r"a\.csv:3: a double quote is opened"),
        ("a.csv", b'en,fr\n"Hi" you,Salut\n', r"a\.csv:2: expected the end of a quoted cell"),
        ("a.csv", b"one sentence a line\n", r"a\.csv: expected cells between commas"),
        ("a.jsonl", b'{"en":"a","fr":"b"}\n{"en":"a"}\n', r"a\.jsonl:2: expected a field 'fr'"),
        (
            "a.jsonl",
            b'{"en":"a","fr":"b"}\n{"en":\n',
            r"a\.jsonl:2: not valid JSON.*, at place 7 of",
        ),
        (
            "a.json",
            b'{"en":["a","b"],"fr":["c","d"]}\n',
            r"a\.json:1: expected one source text, fou",
        ),
        ("a.jsonl", b'{"en":"a","fr":3}\n', r"a\.jsonl:1: expected text, found 3"),
        ("a.jsonl", b'{"messages":[{"role":"user"}]}\n', r"expected two texts; columns: 1 'mes"),
        ("a.tmx", b"<tmx><body><tu>\n<seg>a & b</seg></tu></tmx>", r"a\.tmx:2: not well-formed"),
        ("a.xml", b"<html></html>", r"a\.xml: expected a TMX file or a test set, found <html>"),
        ("a.tsv", b"id\ten\tfr\n1\ta\tb\n2\tx\n", r"a\.tsv:3: expected 3 columns or more"),
        (
            "a.tsv",
            b"en\tde\na\tb\n",
            r"no one column is named after fr; columns: 1 'en'",
        ),
    ],
)
def test_what_cannot_be_read_is_one_line_with_place_and_way_out(
    name: str, content: bytes, message: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UserError, match=message) as raised:
        read(str(path))
    assert "\n" not in str(raised.value)


def test_half_a_character_in_json_is_a_lost_character(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(r'{"en": "a \ud83d \ud83d\ude00", "fr": "b"}', encoding="utf-8")
    (pair,) = find_corpus(str(path), "en", "fr").pairs()
    assert pair.source == "a \ufffd \U0001f600"
