"""Prepared corpora against small corpora of which every count is known."""

import json
import logging
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seq2seq.config import Config, DataConfig, TokenizerConfig
from seq2seq.data.prepare import Prepared, encode, prepare, survey
from seq2seq.data.prepare import cache as cached
from seq2seq.data.tokenizer import train_tokenizers
from seq2seq.errors import UserError

Pairs = list[tuple[str, str]]

PAIRS = [(f"the cat {k} sleeps", f"le chat {k} dort") for k in range(20)]
VALID = [("the cat", "le chat"), (" a cat 猫 ", "un chat\u2028 noir")]
LONG = "cat " * 60


def corpus(folder: Path, name: str, pairs: Pairs) -> str:
    for side, language in enumerate(("en", "fr")):
        text = "".join(f"{pair[side]}\n" for pair in pairs)
        (folder / f"{name}.{language}").write_bytes(text.encode())
    return str(folder / name)


def configured(folder: Path, pairs: Pairs = PAIRS, **data: Any) -> Config:
    settings: dict[str, Any] = {
        "train": corpus(folder, "train", pairs),
        "valid": corpus(folder, "valid", VALID),
        **data,
    }
    return Config(
        data=DataConfig(**settings), tokenizer=TokenizerConfig(vocab_size=60, joint=False)
    )


def texts(prepared: Prepared) -> Pairs:
    source, target = prepared.tokenizers.source, prepared.tokenizers.target
    pairs = (prepared.train[index] for index in range(len(prepared.train)))
    return [(source.decode(left), target.decode(right)) for left, right in pairs]


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_each_of_several_translations_is_learnt_from_and_validation_has_the_first(
    tmp_path: Path,
) -> None:
    lines = [{"en": source, "fr": [target, f"{target} bien"]} for source, target in PAIRS]
    file = tmp_path / "several.jsonl"
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    prepared = prepare(configured(tmp_path, train=str(file), valid=str(file)), cache=tmp_path / "c")
    assert texts(prepared) == [(s, f"{t}{more}") for s, t in PAIRS for more in ("", " bien")]
    assert prepared.valid_target == [target for _, target in PAIRS]


def test_a_clean_corpus_comes_back_whole(tmp_path: Path) -> None:
    prepared = prepare(configured(tmp_path), cache=tmp_path / "cache")
    assert texts(prepared) == PAIRS
    assert prepared.valid_source == ["the cat", "a cat 猫"]
    assert prepared.valid_target == ["le chat", "un chat\u2028 noir"]
    assert len(prepared.valid) == 2
    summary = prepared.summary
    assert (summary.train.read, summary.train.kept, summary.train.dropped) == (20, 20, {})
    assert summary.train.source_pieces == prepared.train.source_lengths.sum()
    assert summary.valid.source_unknown == 1 / prepared.valid.source_lengths.sum()


def test_every_pair_that_is_dropped_is_counted_by_its_reason(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pairs = [
        *PAIRS,
        PAIRS[3],
        (f" {PAIRS[3][0]} ", PAIRS[3][1]),
        (PAIRS[3][0], "un autre chat"),
        ("", "le chat"),
        ("the cat", " \u202f"),
        (LONG, LONG),
        ("a", "le chat dort, le chat dort, le chat dort"),
    ]
    config = configured(tmp_path, pairs, max_length=50, max_ratio=5)
    with caplog.at_level(logging.INFO):
        prepared = prepare(config, cache=tmp_path / "cache")
    assert texts(prepared) == [*PAIRS, pairs[22]]
    dropped = {"empty": 2, "duplicate": 2, "too long": 1, "lopsided": 1}
    assert prepared.summary.train.dropped == dropped
    assert prepared.summary.train.read == 27
    assert "dropped 2 empty, 2 duplicate, 1 too long, 1 lopsided" in caplog.text


def test_texts_that_look_alike_are_one(tmp_path: Path) -> None:
    cat = ("the cat\u0301 sleeps", "le chat dort\u202f!")
    same = ("\ufeffthe\u00a0ca\u00adt\u0301\u3000sleeps", "le  chat\tdort\u202f!\u200b")
    empty = ("\ufeff\u00a0", "le chat")
    config = configured(tmp_path, [*PAIRS, cat, same, empty])
    corpus(tmp_path, "valid", [*VALID, same, empty])
    prepared = prepare(config, cache=tmp_path / "cache")
    assert texts(prepared) == [*PAIRS, cat]
    assert prepared.summary.train.dropped == {"empty": 1, "duplicate": 1}
    assert prepared.summary.valid.dropped == {"empty": 1}
    source, target = prepared.valid[2]
    assert prepared.tokenizers.source.decode(source) == cat[0]
    assert prepared.tokenizers.target.decode(target) == cat[1]
    assert (prepared.valid_source[2], prepared.valid_target[2]) == same  # for BLEU, as given


def test_duplicates_stay_if_they_are_wanted(tmp_path: Path) -> None:
    config = configured(tmp_path, PAIRS * 2, deduplicate=False)
    assert texts(prepare(config, cache=tmp_path / "cache")) == PAIRS * 2


def test_validation_keeps_what_training_would_drop_and_says_so(tmp_path: Path) -> None:
    config = configured(tmp_path, max_length=50)
    corpus(tmp_path, "valid", [*VALID, (LONG, "chat"), ("", "chat"), VALID[0]])
    prepared = prepare(config, cache=tmp_path / "cache")
    assert prepared.valid_source == ["the cat", "a cat 猫", LONG.strip(), "the cat"]
    assert prepared.summary.valid.noted == {"too long": 1}
    assert prepared.summary.valid.dropped == {"empty": 1}
    assert prepared.valid.source_lengths[2] == len(prepared.tokenizers.source.encode(LONG))


@pytest.mark.parametrize("size", [1, 10, 997])
def test_the_first_of_each_value_is_found_whatever_the_size_of_a_bucket(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(survey, "_BUCKET", size)
    hashes = np.random.default_rng(1).integers(0, 60, 200).astype(np.uint64)
    values = hashes.tolist()
    expected = [value not in values[:place] for place, value in enumerate(values)]
    assert survey._first_of_each(hashes).tolist() == expected


def test_a_sample_for_the_tokenizer_is_spread_over_the_corpus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learnt: list[str] = []

    def train(sources: Any, targets: Any, config: TokenizerConfig) -> Any:
        learnt.extend(sources)
        return train_tokenizers(sources, targets, config)

    monkeypatch.setattr(encode, "train_tokenizers", train)
    monkeypatch.setattr(encode, "_SAMPLE", 5)
    prepare(configured(tmp_path), cache=tmp_path / "cache")
    assert learnt == [PAIRS[k][0] for k in (3, 7, 11, 15, 19)]


def test_a_second_call_reads_the_cache_and_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = configured(tmp_path)
    first = prepare(config, cache=tmp_path / "cache")
    before = files(tmp_path)
    monkeypatch.setattr("seq2seq.data.prepare.preparation.build", None)
    second = prepare(config, cache=tmp_path / "cache")
    assert (second.folder, second.summary) == (first.folder, first.summary)
    assert files(tmp_path) == before


def test_the_same_content_gives_the_same_bytes_wherever_it_lies(tmp_path: Path) -> None:
    folders = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        folders.append(prepare(configured(tmp_path / name), cache=tmp_path / name / "cache").folder)
    assert folders[0].name == folders[1].name
    assert files(folders[0]) == files(folders[1])
    assert str(tmp_path) not in (folders[0] / "data.json").read_text()


def test_what_decides_the_content_decides_the_folder(tmp_path: Path) -> None:
    base = configured(tmp_path)

    def changed(part: str, **settings: Any) -> Config:
        return base.model_copy(
            update={part: getattr(base, part).model_copy(update=settings)}, deep=True
        )

    alike = [base, changed("tokenizer", source_end=False), changed("model", dropout=0.5)]
    others = [
        changed("data", max_length=99),
        changed("data", deduplicate=False),
        changed("tokenizer", vocab_size=61),
        changed("tokenizer", kind="unigram"),
    ]
    names = [prepare(config, cache=tmp_path / "cache").folder.name for config in alike + others]
    assert len(set(names[:3])) == 1
    assert len(set(names)) == 1 + len(others)
    corpus(tmp_path, "train", PAIRS[1:])
    assert prepare(base, cache=tmp_path / "cache").folder.name not in names


def test_a_build_that_stops_leaves_nothing_and_the_next_one_succeeds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, cache = configured(tmp_path), tmp_path / "cache"

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(cached, "publish", stop)
        with pytest.raises(KeyboardInterrupt):
            prepare(config, cache=cache)
    assert list(cache.iterdir()) == []
    assert texts(prepare(config, cache=cache)) == PAIRS


def test_what_a_killed_build_left_is_swept_after_a_day_and_does_no_harm(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    old, young = cache / ".x.1.building", cache / ".x.2.building"
    for folder in (old, young):
        folder.mkdir(parents=True)
        (folder / "train.source.uint16").write_bytes(b"half")
    os.utime(old, (0, 0))
    assert texts(prepare(configured(tmp_path), cache=cache)) == PAIRS
    assert not old.exists()
    assert young.exists()


def test_a_builder_that_comes_second_uses_what_the_first_one_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, cache = configured(tmp_path), tmp_path / "cache"
    publish = cached.publish

    def overtaken(building: Path, folder: Path) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(cached, "publish", publish)
            prepare(config, cache=cache)
        publish(building, folder)

    monkeypatch.setattr(cached, "publish", overtaken)
    prepared = prepare(config, cache=cache)
    assert texts(prepared) == PAIRS
    assert list(cache.iterdir()) == [prepared.folder]


@pytest.mark.parametrize(
    "name",
    [
        "data.json",
        "train.source.uint16",
        "valid.target.offsets",
        "valid.source.txt",
        "tokenizer/source.model",
    ],
)
def test_a_damaged_folder_is_refused_by_name_and_prepared_again(tmp_path: Path, name: str) -> None:
    config, cache = configured(tmp_path), tmp_path / "cache"
    folder = prepare(config, cache=cache).folder
    whole = files(folder)
    (folder / name).write_bytes(b"")
    with pytest.raises(UserError, match=r"damaged|not a SentencePiece model"):
        Prepared.load(folder)
    prepare(config, cache=cache)
    assert files(folder) == whole


def test_summaries_are_plain_json(tmp_path: Path) -> None:
    folder = prepare(configured(tmp_path), cache=tmp_path / "cache").folder
    summary = json.loads((folder / "data.json").read_text())
    assert summary["train"]["kept"] == 20
    assert set(summary["train"]["inputs"]) == {"source", "target"}


@pytest.mark.parametrize("split", ["train", "valid"])
def test_a_corpus_that_is_not_set_is_refused(tmp_path: Path, split: str) -> None:
    with pytest.raises(UserError, match=rf"data\.{split}: .*found nothing set"):
        prepare(configured(tmp_path, PAIRS, **{split: ""}), cache=tmp_path / "cache")


@pytest.mark.parametrize(
    ("pairs", "settings", "key"),
    [
        ([("the cat", "")] * 5, {}, r"data\.train: .*5 read, dropped 5 empty"),
        ([(LONG, LONG)] * 5, {"max_length": 9}, r"data\.max_length: .*4 duplicate, 1 too long"),
        ([(LONG, LONG), ("a", "")], {"max_length": 9}, r"data\.max_length"),
        ([("a", f"b {LONG}"), ("c", LONG)], {"max_length": 900}, r"data\.max_ratio"),
    ],
)
def test_the_filter_that_left_nothing_is_named(
    tmp_path: Path, pairs: Pairs, settings: dict[str, Any], key: str
) -> None:
    with pytest.raises(UserError, match=key):
        prepare(configured(tmp_path, pairs, **settings), cache=tmp_path / "cache")


def test_validation_of_empty_pairs_is_refused(tmp_path: Path) -> None:
    config = configured(tmp_path)
    corpus(tmp_path, "valid", [("", "le chat")])
    with pytest.raises(UserError, match=r"data\.valid: .*only empty"):
        prepare(config, cache=tmp_path / "cache")


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file, not a folder")
    with pytest.raises(UserError, match=r"blocked: the prepared data cannot be written here"):
        prepare(configured(tmp_path), cache=blocked)


def test_the_cache_is_where_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEQ2SEQ_CACHE", str(tmp_path / "elsewhere"))
    assert prepare(configured(tmp_path)).folder.parent == tmp_path / "elsewhere" / "prepared"


def test_a_line_that_never_ends_is_no_sentence_to_validate_on(tmp_path: Path) -> None:
    pairs = [*VALID, ("cat " * 5000, "le chat")]
    config = configured(tmp_path, valid=corpus(tmp_path, "endless", pairs), max_length=40)
    prepared = prepare(config, cache=tmp_path / "cache")
    assert prepared.valid_target == ["le chat", "un chat\u2028 noir"]
    assert prepared.summary.valid.dropped == {"far too long": 1}


def test_what_is_odd_in_the_languages_is_found_once_and_told_at_every_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    english = [f"The old house is near the river, and {k} dogs sleep there." for k in range(30)]
    german = [f"Das alte Haus steht am Fluss, und {k} Hunde schlafen dort." for k in range(30)]
    config = configured(tmp_path, [("English", "French"), *zip(english, german, strict=True)])
    caplog.set_level("WARNING")
    prepare(config, cache=tmp_path / "cache")
    told = caplog.messages
    assert "looks like a header" in told[0]
    assert "expected fr, but the target looks like de" in told[1]
    caplog.clear()
    monkeypatch.setattr("seq2seq.data.prepare.preparation.find_odd_parts", None)
    assert prepare(config, cache=tmp_path / "cache").summary.scripts == ["Latin"]
    assert caplog.messages == told


def test_a_script_in_which_hardly_a_source_is_written_is_none_of_the_sources(
    tmp_path: Path,
) -> None:
    pairs = [(f"the cat {k} sleeps", f"le chat {k} dort") for k in range(300)]
    pairs[7] = ("猫", "le chat")
    pairs[8:28] = [(f"Кошка {k}", f"le chat {k}") for k in range(20)]
    prepared = prepare(configured(tmp_path, pairs), cache=tmp_path / "cache")
    assert prepared.summary.scripts == ["Cyrillic", "Latin"]
