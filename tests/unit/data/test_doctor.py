import gzip
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from seq2seq.data.doctor import Finding, Report, check_corpora
from seq2seq.data.doctor.split_checks import BLOCK

Write = Callable[..., str]

SOURCES = [f"This is sentence number {n}." for n in range(20)]
TARGETS = [f"C'est la phrase numéro {n}." for n in range(20)]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes PREFIX.en and PREFIX.fr from lines of text or bytes; gives the prefix."""

    def write(name: str, sources: list[str] | list[bytes], targets: list[str] | list[bytes]) -> str:
        for suffix, lines in (("en", sources), ("fr", targets)):
            raw = [line if isinstance(line, bytes) else line.encode() for line in lines]
            (tmp_path / f"{name}.{suffix}").write_bytes(b"".join(line + b"\n" for line in raw))
        return str(tmp_path / name)

    return write


def check(splits: Mapping[str, str]) -> Report:
    return check_corpora(dict(splits), "en", "fr")


def found(report: Report, check: str) -> Finding | None:
    findings = [finding for finding in report.findings if finding.check == check]
    assert len(findings) < 2
    return findings[0] if findings else None


def only(report: Report, check: str) -> Finding:
    finding = found(report, check)
    assert finding, report.table()
    return finding


def places(finding: Finding) -> list[str]:
    return [example.rsplit("/", 1)[-1] for example in finding.examples]


def test_a_good_corpus_has_nothing_but_its_size_to_tell(write: Write) -> None:
    report = check({"train": write("train", SOURCES, TARGETS)})
    assert {finding.check for finding in report.findings} == {"size", "longest", "not seen"}
    assert {finding.severity for finding in report.findings} == {"info"}
    assert only(report, "size").count == 20
    assert not report.must_fix


@pytest.mark.parametrize(
    ("oddity", "check_name", "severity"),
    [
        ("un\u2028deux", "line separators", "warning"),
        ("un\u0085deux", "line separators", "warning"),
        ("un\rdeux", "line separators", "warning"),
        ("un\0deux", "control characters", "warning"),
        ("un\tdeux", "control characters", "warning"),
        ("Ã©tÃ©", "mojibake", "warning"),
        ("lâ€™Ã©tÃ©", "mojibake", "warning"),
        ("Â« Oui Â»", "mojibake", "warning"),
        ("\ufffdtait", "lost characters", "warning"),
        (" en retrait", "surrounding spaces", "info"),
        ("fin de ligne\r", "carriage returns", "info"),
        ("", "empty target", "warning"),
        ("   ", "empty target", "warning"),
    ],
)
def test_an_odd_line_is_found_at_its_place(
    write: Write, oddity: str, check_name: str, severity: str
) -> None:
    sources, targets = [f"Line {n} here." for n in range(200)], [f"Ligne {n}." for n in range(200)]
    targets[6] = oddity
    finding = only(check({"train": write("train", sources, targets)}), check_name)
    assert (finding.count, finding.rate, finding.severity) == (1, 1 / 200, severity)
    assert places(finding) == ["train.fr:7"]


@pytest.mark.parametrize(
    "text", ["Où est l’été ? « Là-bas »…", "ÂGE, Ã, São Paulo", "10 000 €", "Cœur — œuf", "50 °C"]
)
def test_good_french_is_no_mojibake(write: Write, text: str) -> None:
    report = check({"train": write("train", ["some text"], [text])})
    assert {finding.severity for finding in report.findings} == {"info"}


def test_text_that_is_damaged_throughout_must_be_mended(write: Write) -> None:
    twice = [line.encode().decode("latin-1") for line in TARGETS]
    assert only(check({"train": write("train", SOURCES, twice)}), "mojibake").severity == "error"


def test_bytes_that_are_not_utf8_are_found_and_the_rest_is_still_read(write: Write) -> None:
    targets = [line.encode() for line in TARGETS]
    targets[3] = "café".encode("latin-1")
    targets[9] = b""
    report = check({"train": write("train", SOURCES, targets)})
    assert places(only(report, "not UTF-8")) == ["train.fr:4"]
    assert places(only(report, "empty target")) == ["train.fr:10"]
    assert report.must_fix


def test_a_byte_order_mark_is_found(write: Write) -> None:
    report = check({"train": write("train", ["\ufeff" + SOURCES[0], *SOURCES[1:]], TARGETS)})
    assert places(only(report, "byte order mark")) == ["train.en:1"]


def test_different_numbers_of_lines_are_an_error_with_both_numbers(write: Write) -> None:
    report = check({"train": write("train", SOURCES, TARGETS[:-1])})
    assert report.must_fix
    detail = only(report, "line counts").detail
    assert "train.en has 20" in detail
    assert "train.fr has 19" in detail
    assert only(report, "size").count == 19


def test_a_missing_split_and_a_cut_off_file_do_not_stop_the_others(
    write: Write, tmp_path: Path
) -> None:
    prefix = write("cut", SOURCES, TARGETS)
    packed = gzip.compress(Path(f"{prefix}.en").read_bytes())
    Path(f"{prefix}.en").unlink()
    Path(f"{prefix}.en.gz").write_bytes(packed[: len(packed) // 2])
    report = check(
        {"train": str(tmp_path / "no"), "valid": prefix, "test": write("test", SOURCES, TARGETS)}
    )
    unreadable = {one.split for one in report.findings if one.check == "unreadable"}
    sized = {one.split for one in report.findings if one.check == "size"}
    assert unreadable == {"train", "valid"}
    assert "test" in sized
    assert report.must_fix


def test_an_empty_corpus_is_an_error(write: Write) -> None:
    assert only(check({"train": write("train", [], [])}), "no text").severity == "error"


def test_a_table_is_read_and_a_line_without_a_tab_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "train.tsv").write_text("one\tun\tsomebody\ntwo\nthree\ttrois\n")
    report = check({"train": str(tmp_path / "train.tsv")})
    assert places(only(report, "no tab")) == ["train.tsv:2"]
    assert only(report, "size").count == 3
    assert report.must_fix


def test_compressed_files_are_read(write: Write) -> None:
    prefix = write("train", SOURCES, TARGETS)
    for side in ("en", "fr"):
        path = Path(f"{prefix}.{side}")
        Path(f"{path}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    assert only(check({"train": prefix}), "size").count == 20


def test_repeated_pairs_and_sources_with_several_targets_are_counted_apart(write: Write) -> None:
    sources = ["Go.", "Hi.", "Go.", "Go.", "Run.", "", ""]
    targets = ["Va.", "Salut.", "Va.", "Allez.", "Cours.", "Un.", "Deux."]
    report = check({"train": write("train", sources, targets)})
    assert places(only(report, "duplicates")) == ["train.en:3"]
    assert places(only(report, "several targets")) == ["train.en:1"]


def test_sentences_are_alike_and_empty_as_training_takes_them(write: Write) -> None:
    sources = ["A caf\u00e9 here.", "A cafe\u0301\u00a0here.", "\u00ad\u200b"]
    targets = ["Un caf\u00e9 ici.", "Un ca\u00adfe\u0301 ici.", "Un."]
    report = check({"train": write("train", sources, targets)})
    assert places(only(report, "duplicates")) == ["train.en:2"]
    assert places(only(report, "empty source")) == ["train.en:3"]


def test_untranslated_sentences_are_found_but_not_names(write: Write) -> None:
    sources = ["Mr John Smith", "He said so many things.", "Good night."]
    targets = ["Mr John Smith", "He said so many things.", "Bonne nuit."]
    assert places(only(check({"train": write("train", sources, targets)}), "copied")) == [
        "train.en:2"
    ]


def test_one_file_given_for_both_sides_is_an_error(write: Write) -> None:
    assert only(check({"train": write("train", SOURCES, SOURCES)}), "copied").severity == "error"


def test_a_translation_of_a_far_other_length_is_found(write: Write) -> None:
    targets = [*TARGETS]
    targets[4] = "Oui. " * 40
    report = check({"train": write("train", SOURCES, targets)})
    assert places(only(report, "length outliers")) == ["train.en:5"]


def test_a_corpus_that_slips_by_a_line_is_found_where_it_slips(write: Write) -> None:
    lengths = [(n * 7919) % 23 + 1 for n in range(4 * BLOCK)]
    sources = [f"{n} " + "word " * length for n, length in enumerate(lengths)]
    targets = [f"{n} " + "mot " * length for n, length in enumerate(lengths)]
    assert found(check({"train": write("good", sources, targets)}), "misaligned") is None
    slipped = targets[: 2 * BLOCK] + targets[2 * BLOCK + 1 :]
    finding = only(check({"train": write("bad", sources[:-1], slipped)}), "misaligned")
    assert finding.severity == "error"
    assert places(finding)[0] == f"bad.en:{2 * BLOCK + 1}"


def test_sentences_of_one_length_do_not_look_misaligned(write: Write) -> None:
    sources = [f"{n:04d} word word" + "s" * (n % 3) for n in range(2 * BLOCK)]
    targets = [f"{n:04d} mot mot" + "s" * (n % 2) for n in range(2 * BLOCK)]
    assert found(check({"train": write("train", sources, targets)}), "misaligned") is None


def test_leaks_into_training_are_counted_as_pairs_else_for_each_side(write: Write) -> None:
    train = write("train", SOURCES, TARGETS)
    valid = write("valid", ["New one.", SOURCES[3], SOURCES[4]], [TARGETS[1], "Autre.", TARGETS[4]])
    report = check({"train": train, "valid": valid})
    assert places(only(report, "leaked sources")) == ["valid.en:2"]
    assert places(only(report, "leaked targets")) == ["valid.fr:1"]
    assert places(only(report, "leaked pairs")) == ["valid.en:3"]
    assert only(report, "leaked pairs").severity == "error"
    assert only(report, "leaked pairs").detail == "in train"


def test_a_line_that_is_not_utf_8_is_told_once(write: Write) -> None:
    train = write("train", ["Go.", "x"], ["Va.", "y"])
    (Path(f"{train}.en")).write_bytes(b"Go.\n\xff\n")
    report = check({"train": train})
    assert only(report, "not UTF-8").count == 1
    assert found(report, "empty source") is None


def test_empty_lines_are_no_leak(write: Write) -> None:
    train, valid = write("train", ["", "Go."], ["Va.", ""]), write("valid", ["", "Run."], ["X", ""])
    report = check({"train": train, "valid": valid})
    assert found(report, "leaked sources") is None
    assert found(report, "leaked targets") is None


def test_characters_that_training_lacks_are_named(write: Write) -> None:
    train, valid = write("train", ["abc"], ["abc"]), write("valid", ["abca"], ["abżż"])
    finding = only(check({"train": train, "valid": valid}), "unseen characters")
    assert (finding.count, finding.rate, finding.detail) == (2, 0.5, "valid.fr: ż")


def test_with_tokenizers_unknown_pieces_are_counted(write: Write) -> None:
    from seq2seq.config import TokenizerConfig
    from seq2seq.data.tokenizer import train_tokenizers

    tokenizers = train_tokenizers(SOURCES, TARGETS, TokenizerConfig(vocab_size=60))
    prefix = write("test", [SOURCES[0], "Line Ж here"], TARGETS[:2])
    report = check_corpora({"test": prefix}, "en", "fr", tokenizers=tokenizers)
    finding = only(report, "unknown pieces")
    assert finding.count >= 1
    assert places(finding)[0] == "test.en:2"


def test_the_longest_sentence_of_each_side_is_told(write: Write) -> None:
    report = check({"train": write("train", ["a b", "a b c"], ["x y z w", "x"])})
    longest = [one for one in report.findings if one.check == "longest"]
    assert [(one.count, places(one)) for one in longest] == [
        (3, ["train.en:2"]),
        (4, ["train.fr:1"]),
    ]


def test_the_table_puts_errors_first_and_explains_them(write: Write) -> None:
    table = check({"train": write("train", [*SOURCES, " x"], [*TARGETS, b"\xff"])}).table()
    rows = table.split("\n")
    assert rows[0].split()[:4] == ["severity", "split", "check", "count"]
    assert rows[1].startswith("error")
    assert "not UTF-8: bytes that are no UTF-8 text" in rows


# --- leftovers of other tools --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "check_name"),
    [
        ("Je n&apos;en veux pas", "entities"),
        ("Marks &amp; Spencer", "entities"),
        ("caf&#233; et th&eacute;", "entities"),
        ("Marks & amp ; Spencer", "entities"),
        ("une mai@@ son", "subword marks"),
        ("\u2581une \u2581maison", "subword marks"),
        ("une mai ##son", "subword marks"),
        ("une maison\uffed.", "subword marks"),
        ("une</w> maison</w>", "subword marks"),
        ("un \u2047 ici", "subword marks"),
        ("Marks &amp ;quot; Spencer", "entities"),
        ("une <0xE2> maison", "subword marks"),
        ("bien @-@ aimé", "tokenizer marks"),
        ("le chat -LRB- noir -RRB-", "tokenizer marks"),
        ("le <unk> dort", "special tokens"),
        ("<s> le chat </s>", "special tokens"),
        ("le chat [SEP]", "special tokens"),
        ("<|endoftext|> le chat", "special tokens"),
        ("<2fr> le chat", "language tags"),
        (">>fra<< le chat", "language tags"),
        ("__fr__ le chat", "language tags"),
        ("fr_XX le chat", "language tags"),
        ("le chat fra_Latn", "language tags"),
        ("<seg>le chat</seg>", "markup"),
        ('<seg id="4">le chat', "markup"),
        ("le chat<br/>dort", "markup"),
        ('<?xml version="1.0"?>', "markup"),
        ("{\\an8}le chat", "markup"),
        ("the cat ||| le chat", "separators"),
        ("le|DET chat|NOM", "separators"),
        ("le &bar; chat", "entities"),
        ("le &hearts; chat", "entities"),
        ("&QUOT;le chat", "entities"),
        ("le chat\u25a0 .", "subword marks"),
        ("\u2985mrk_case_modifier_C\u2986 le chat", "subword marks"),
        ("le_DET chat_NOM", "tokenizer marks"),
        ("le/DET chat/NOM", "tokenizer marks"),
        ("bien ##AT##-##AT## aimé", "tokenizer marks"),
        ("xxmaj le xxunk", "special tokens"),
        ("00:01.000 --> 00:02.000", "markup"),
        ("<1>le chat</1>", "markup"),
        ("**le** chat", "Markdown"),
        ("[le chat](http://a.fr)", "Markdown"),
        ("le `chat`", "Markdown"),
        ("## le chat", "Markdown"),
        ("j\\'ai un chat", "escapes"),
        ("j''ai un chat", "escapes"),
    ],
)
def test_what_another_tool_left_is_named(write: Write, line: str, check_name: str) -> None:
    report = check({"train": write("train", SOURCES, [*TARGETS[:-1], line])})
    finding = only(report, check_name)
    assert (finding.count, finding.rate, finding.severity) == (1, 1 / 40, "warning")
    assert "train.fr:20 " in finding.examples[0]


@pytest.mark.parametrize(
    "text",
    [
        *("AT&T & Co; 3 < 4 > 2", "R&D; S&P", "un e-mail: a@b.fr", "2 @ 3", "a_b, fr_fr"),
        *("#hashtag ## 3", "[sic] (bis)", "A | B", "Ġurnata sabiħa", "C:\\Temp", "50 % de 100 %"),
        *("3 ** 2 ** 1", "__NOM__", "`quoted' text", "■ Titre", "km/h et m/s", "TVA/HT", "a_B c_D"),
        *("<3", "« Oui », dit-il.", "1984 fut long", "l'été d'aujourd'hui", '"Oui", dit-il'),
    ],
)
def test_good_text_is_no_leftover(write: Write, text: str) -> None:
    report = check({"train": write("train", [*SOURCES, "x"], [*TARGETS, text])})
    assert {finding.severity for finding in report.findings} == {"info"}, report.table()


def test_a_corpus_in_pieces_must_be_mended(write: Write) -> None:
    pieces = ["\u2581" + line.replace(" ", " \u2581") for line in TARGETS]
    assert only(check({"train": write("train", pieces, pieces)}), "subword marks").rate == 1
    assert check({"train": write("train", SOURCES, pieces)}).must_fix


@pytest.mark.parametrize(
    ("check_name", "change"),
    [
        ("tokenised", lambda text: text.replace(".", " ,") + " ."),
        ("quoted lines", lambda text: f'"{text}"'),
        ("numbered lines", lambda text: f"12. {text}"),
        ("numbered lines", lambda text: f"12 {text}"),
        ("marked lines", lambda text: f"- {text}"),
        ("marked lines", lambda text: f"• {text}"),
        ("captions", lambda text: f"JOHN: {text}"),
        ("captions", lambda text: f"♪ {text} ♪"),
    ],
)
def test_what_is_odd_only_when_it_is_the_rule_is_told_only_then(
    write: Write, check_name: str, change: Callable[[str], str]
) -> None:
    changed = [change(line) for line in SOURCES]
    assert only(check({"train": write("a", changed, changed)}), check_name).severity == "warning"
    few = [changed[0], *SOURCES[1:]]
    assert found(check({"train": write("b", few, TARGETS)}), check_name) is None


def test_a_header_in_two_files_is_found(write: Write) -> None:
    report = check({"train": write("train", ["en", *SOURCES], ["fr", *TARGETS])})
    assert places(only(report, "header")) == ["train.en:1"]


def test_exchanged_languages_are_an_error(write: Write) -> None:
    report = check({"train": write("train", TARGETS, SOURCES)})
    assert only(report, "exchanged").severity == "error"
    assert "the source looks like fr, the target like en" in only(report, "exchanged").detail


def test_text_in_a_third_language_is_named(write: Write) -> None:
    german = [f"Das ist der Satz mit der Nummer {n}, und er ist nicht lang." for n in range(20)]
    detail = only(check({"train": write("train", SOURCES, german)}), "other language").detail
    assert detail.endswith("fr looks like de")


# --- what the model won't have seen --------------------------------------------------------------


def not_seen(report: Report) -> list[str]:
    return [one.detail for one in report.findings if one.check == "not seen"]


def test_ways_of_writing_that_training_text_lacks_are_named(write: Write) -> None:
    source, target = not_seen(check({"train": write("train", SOURCES, TARGETS)}))
    assert "train.en: lines in capitals, THE DOG (0 of 20)" in source
    assert "lines without a mark at their end (0 of 20)" in source
    assert "apostrophes (none)" in source
    assert "apostrophes as \u2019 (0, beside 20 as ')" in target


def test_what_is_there_is_not_named(write: Write) -> None:
    lines = ["The dog's 2 bones.", "THE DOG", "the dog", '"Oh\u2019 \u201cno\u201d']
    report = check({"train": write("train", lines * 5, lines * 5)})
    assert not_seen(report) == []


def test_only_training_text_teaches(write: Write) -> None:
    assert not_seen(check({"valid": write("valid", SOURCES, TARGETS)})) == []


@pytest.mark.parametrize(("change", "word"), [(str.lower, "lower"), (str.upper, "upper")])
def test_text_of_one_case_is_a_warning(
    write: Write, change: Callable[[str], str], word: str
) -> None:
    report = check({"train": write("train", SOURCES, [change(line) for line in TARGETS])})
    finding = only(report, "one case")
    assert (finding.severity, finding.detail) == (
        "warning",
        f"train.fr: every letter is {word}-case",
    )


def test_a_script_without_capitals_lacks_none(write: Write) -> None:
    report = check({"train": write("train", SOURCES, ["我爱你。"] * 20)})
    assert "capital" not in not_seen(report)[1]
    assert found(report, "one case") is None


# --- other formats -------------------------------------------------------------------------------


def test_every_format_is_looked_at_and_places_are_its_own(write: Write, tmp_path: Path) -> None:
    prefix = write("a", SOURCES, TARGETS)
    rows = [f"{n},{a},{b}" for n, (a, b) in enumerate(zip(SOURCES, TARGETS, strict=True))]
    rows[4] = '4,"two\nlines",'
    (tmp_path / "b.csv").write_text("id,en,fr\n" + "\n".join(rows) + "\n")
    (tmp_path / "c.tsv").write_text("en\tfr\nHello\tBon&apos;jour\nalone\n\n")
    splits = {"train": [prefix, *(str(tmp_path / name) for name in ("b.csv", "c.tsv"))]}
    report = check_corpora(splits, "en", "fr")
    assert only(report, "size").count == 42
    assert places(only(report, "empty target")) == ["b.csv:6", "c.tsv:3"]
    assert places(only(report, "entities")) == ["c.tsv:2 &apos;"]
    assert places(only(report, "no tab")) == ["c.tsv:3"]
    assert places(only(report, "blank lines")) == ["c.tsv:4"]
    columns = [one.detail for one in report.findings if one.check == "columns"]
    assert "en from column 2 (en), fr from column 3 (fr) of 3, by name" in columns[0]


def test_a_format_that_breaks_off_is_told_with_its_place(tmp_path: Path) -> None:
    lines = "".join(
        f'{{"en": "{a}", "fr": "{b}"}}\n' for a, b in zip(SOURCES, TARGETS, strict=True)
    )
    (tmp_path / "a.jsonl").write_text(lines * 60 + "{broken\n")
    report = check_corpora({"train": str(tmp_path / "a.jsonl")}, "en", "fr")
    assert "a.jsonl:1201: not valid JSON" in only(report, "unreadable").detail
    assert only(report, "size").count == 1200
