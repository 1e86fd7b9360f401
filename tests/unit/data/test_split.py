"""Splits of a corpus share no sentence, and are the same every time."""

from pathlib import Path

from seq2seq.data.split import split_pairs, words_alone, write_splits
from seq2seq.evaluation.references import Stream, read_references


def test_no_two_splits_share_a_sentence_of_either_side() -> None:
    pairs = [(f"English {n // 2}!", f"Français {(n + 1) // 2 % 150}.") for n in range(400)]
    pairs += [(f"Alone {n}.", f"Seul {n}.") for n in range(400)]
    splits = split_pairs(pairs)
    for side in (0, 1):
        sentences = [{pair[side] for pair in chosen} for chosen in splits.values()]
        assert sum(map(len, sentences)) == len(set.union(*sentences))
    assert len(splits["valid"]) >= 40
    assert len(splits["test"]) >= 40


def test_the_split_does_not_depend_on_the_order_or_on_chance() -> None:
    pairs = [(f"English {n}.", f"Français {n}.") for n in range(100)]
    forward, backward = split_pairs(pairs), split_pairs(pairs[::-1])
    assert {name: set(chosen) for name, chosen in forward.items()} == {
        name: set(chosen) for name, chosen in backward.items()
    }


def test_sentences_that_differ_in_case_and_punctuation_stay_together() -> None:
    alone = [(f"Alone {n}.", f"Seul {n}.") for n in range(200)]
    twins = [(f"alone {n}!", f"Toute seule {n}.") for n in range(200)]
    splits = split_pairs(alone + twins)
    where = {pair[0]: name for name, chosen in splits.items() for pair in chosen}
    kept = [n for n in range(200) if f"alone {n}!" in where]
    assert all(where[f"Alone {n}."] == where[f"alone {n}!"] == "train" for n in kept)


def test_train_keeps_every_translation_and_test_only_the_first() -> None:
    pairs = [(f"English {n}.", f"{word} {n}.") for n in range(100) for word in ("Un", "Deux", "Un")]
    splits = split_pairs(pairs)
    assert len(splits["train"]) == 2 * (100 - 20)
    assert len(splits["test"]) == 10
    assert all(target.startswith("Un") for _, target in splits["test"])


def test_the_other_translations_of_what_is_held_out_are_beside_it(tmp_path: Path) -> None:
    words = ("Un", "Deux", "Un")
    pairs = [(f"English {n}.", f"{word} {n}.") for n in range(100) for word in words]
    write_splits(split_pairs(pairs), pairs, tmp_path, ("en", "fr"))
    first: Stream = list((tmp_path / "test.fr").read_text("utf-8").splitlines())
    streams = read_references([tmp_path / "test.refs.jsonl"], 10, language="fr", beside=[first])
    assert streams == [first, [f"Deux{str(line)[2:]}" for line in first]]
    assert not (tmp_path / "train.refs.jsonl").exists()


def test_where_each_has_one_translation_nothing_is_beside_it(tmp_path: Path) -> None:
    pairs = [(f"English {n}.", f"Français {n}.") for n in range(100)]
    (tmp_path / "test.refs.jsonl").write_text("of an earlier split\n", encoding="utf-8")
    write_splits(split_pairs(pairs), pairs, tmp_path, ("en", "fr"))
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {
        f"{split}.{side}" for split in ("train", "valid", "test") for side in ("en", "fr")
    }


def test_another_seed_draws_others_and_as_many() -> None:
    pairs = [(f"English {n}.", f"Français {n}.") for n in range(400)]
    one, other = (split_pairs(pairs, held_out=30, seed=seed) for seed in (1, 2))
    assert one == split_pairs(pairs, held_out=30, seed=1)
    assert one["test"] != other["test"]
    assert [len(one[split]) for split in ("train", "valid", "test")] == [340, 30, 30]
    assert [len(other[split]) for split in ("train", "valid", "test")] == [340, 30, 30]


def test_a_family_that_would_fill_a_split_is_trained_on() -> None:
    family = [(f"One of {n} ways.", "La même chose.") for n in range(50)]
    alone = [(f"Alone {n}.", f"Seul {n}.") for n in range(50)]
    for seed in range(5):
        splits = split_pairs(family + alone, held_out=10, seed=seed)
        assert set(family) <= set(splits["train"])
        assert len(splits["valid"]) == len(splits["test"]) == 10


def test_nothing_is_held_out_if_nothing_is_to_be() -> None:
    pairs = [("I love you", "je t'aime"), ("I love you", "je vous aime")]
    assert split_pairs(pairs, held_out=0) == {"train": pairs, "valid": [], "test": []}


def test_words_are_alike_by_letters_and_marks_however_they_are_composed() -> None:
    assert words_alone("«Où est-il ?»") == words_alone("Ou\u0300 EST il") == "où est il"
    assert (
        words_alone("कि") != words_alone("का") != words_alone("क")
    )  # a vowel sign is no punctuation
    assert words_alone("你好。") == words_alone("你好")
    assert words_alone("?!") == "?!"
