"""Patterns that stand for many files: which they match, in which order, and what is refused."""

import logging
from pathlib import Path

import pytest

from seq2seq.config import Config, DataConfig, TokenizerConfig
from seq2seq.data.corpus import find_corpus
from seq2seq.data.corpus.patterns import in_order
from seq2seq.data.prepare import prepare
from seq2seq.errors import UserError


def write(folder: Path, *names: str) -> None:
    """Each file says in one line which one it is."""
    for name in names:
        path = folder / name
        path.parent.mkdir(exist_ok=True, parents=True)
        text = f"{path.name}\tle chat" if path.suffix == ".tsv" else path.name
        path.write_text(f"{text}\n")


def sources(folder: Path, *spec: str | list[str]) -> list[str]:
    def inside(item: str | list[str]) -> str | list[str]:
        return str(folder / item) if isinstance(item, str) else [str(folder / i) for i in item]

    paths = [inside(item) for item in spec]
    corpus = find_corpus(paths if len(paths) > 1 else paths[0], "en", "fr")
    return [pair.source for pair in corpus.pairs()]


def refusal(folder: Path, *spec: str | list[str]) -> str:
    with pytest.raises(UserError) as error:
        sources(folder, *spec)
    assert "\n" not in str(error.value)
    return str(error.value).replace(f"{folder}/", "")


def test_numbers_in_names_are_sorted_by_their_value() -> None:
    names = ["p10.en", "p9.en", "p.en", "p1/b", "p1/a", "q", "p009.en", "10", "9"]
    expected = ["9", "10", "p1/a", "p1/b", "p009.en", "p9.en", "p10.en", "p.en", "q"]
    assert in_order(names) == expected
    assert in_order(reversed(names)) == expected


def test_tables_and_prefixes_that_match_are_read_in_natural_order(tmp_path: Path) -> None:
    write(tmp_path, "p-10.tsv", "p-2.tsv", "p-1.en", "p-1.fr", "other.tsv")
    assert sources(tmp_path, "p-*") == ["p-1.en", "p-2.tsv", "p-10.tsv"]
    assert sources(tmp_path, "p-?") == ["p-1.en"]
    assert sources(tmp_path, "p-*[02].tsv") == ["p-2.tsv", "p-10.tsv"]


def test_a_pattern_for_each_side_pairs_the_files_by_what_the_wildcards_stand_for(
    tmp_path: Path,
) -> None:
    write(tmp_path, "en/a-10.txt", "en/a-9.txt", "fr/teil-9.txt", "fr/teil-10.txt", "b.tsv")
    assert sources(tmp_path, "en/a-*.txt", "fr/teil-*.txt") == ["a-9.txt", "a-10.txt"]
    pair = ["en/a-*.txt", "fr/teil-*.txt"]
    assert sources(tmp_path, pair, "b.tsv") == ["a-9.txt", "a-10.txt", "b.tsv"]
    assert sources(tmp_path, "b*.tsv", pair) == ["b.tsv", "a-9.txt", "a-10.txt"]


def test_the_log_says_what_a_pattern_matches(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, "p-10.tsv", "p-2.tsv", "q-1.en", "q-1.fr")
    with caplog.at_level(logging.INFO):
        sources(tmp_path, "p-*.tsv", ["*.en", "*.fr"])
    messages = [message.replace(f"{tmp_path}/", "") for message in caplog.messages]
    assert messages == [
        "p-*.tsv: 2 matching, p-2.tsv to p-10.tsv",
        "*.en: 1 matching, q-1.en",
        "*.fr: 1 matching, q-1.fr",
    ]


def test_files_without_a_counterpart_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "1.en", "1.fr", "2.en", "3.fr", "4.fr")
    assert refusal(tmp_path, "*.en", "*.fr") == (
        f"[{tmp_path}/*.en, *.fr]: 2.en has no counterpart (2 source and 3 target files); "
        "expected the same text for * in both names"
    ).replace(f"{tmp_path}/", "")
    assert "3.fr has no counterpart" in refusal(tmp_path, "[13].en", "[13].fr")
    assert "3.en (nor 3.en.gz" in refusal(tmp_path, "[13]")
    assert "expected a pattern on both sides" in refusal(tmp_path, "*.en", "1.fr")
    assert "*.en: expected a corpus, found one side of it" in refusal(
        tmp_path, "*.en", "*.fr", "*.en"
    )


def test_what_matches_nothing_or_no_corpus_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "1.en", "1.fr", "x/notes.md", "x/README.md", "y/z/1.tsv")
    assert refusal(tmp_path, "*.tsv").startswith("*.tsv: no such files")
    assert refusal(tmp_path, ["*.de", "*.fr"], "1") == "*.de: no such files"
    assert refusal(tmp_path, "*.en", "*.de") == "*.de: no such files"
    assert refusal(tmp_path, "x/*").startswith("x/notes.md: expected a prefix")
    assert refusal(tmp_path, "y/*") == "y/*: matches y/z, a folder; expected files"


def test_another_language_of_the_same_prefix_is_left_alone(tmp_path: Path) -> None:
    write(tmp_path, "1.en", "1.fr", "1.de", "2.en.gz", "2.fr", "2.de", "LICENSE")
    (tmp_path / "2.en.gz").unlink()
    write(tmp_path, "2.en")
    assert sources(tmp_path, "*") == ["1.en", "2.en"]


@pytest.mark.parametrize(
    ("train", "valid", "test", "message"),
    [
        ("*.tsv", "valid.tsv", None, "data.train: {}/*.tsv matches {}/valid.tsv, which is "),
        ("train.tsv", "*a*.tsv", None, "data.valid: {}/*a*.tsv matches {}/train.tsv, which is "),
        ("t*.tsv", "valid.tsv", "test.tsv", "data.train: {}/t*.tsv matches {}/test.tsv, which is "),
    ],
)
def test_a_pattern_that_matches_another_split_is_refused(
    tmp_path: Path, train: str, valid: str, test: str | None, message: str
) -> None:
    for name in ("train", "valid", "test"):
        lines = [f"the cat {k} sleeps {name}\tle chat {k} dort {name}" for k in range(30)]
        (tmp_path / f"{name}.tsv").write_text("".join(f"{line}\n" for line in lines))
    specs = {"train": train, "valid": valid, "test": test}
    paths = {split: f"{tmp_path}/{spec}" for split, spec in specs.items() if spec}
    config = Config(data=DataConfig.model_validate(paths), tokenizer=TokenizerConfig(vocab_size=60))
    with pytest.raises(UserError) as error:
        prepare(config, cache=tmp_path / "cache")
    assert str(error.value).startswith(message.format(tmp_path, tmp_path))
