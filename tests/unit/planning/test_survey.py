"""Corpora counted by hand, and what their files' names tell."""

import pytest

from seq2seq.planning.languages import languages_of, name_of
from seq2seq.planning.survey import SAMPLE, survey

TRAIN = [("a cat sleeps", "un chat dort"), ("a cat eats .", "un chat mange .")]


def test_words_and_characters_are_counted_and_new_words_of_validation() -> None:
    splits = {"train": TRAIN, "valid": [("a dog sleeps", "un chat mange")], "test": []}
    found = survey(splits, 100)
    assert found.pairs == 2
    assert (found.source.words, found.source.distinct_words) == (7, 5)
    assert found.source.alphabet == len(set("a cat sleeps eats ."))
    assert found.source.unseen == pytest.approx(1 / 3)
    assert found.target.unseen == 0


def test_nothing_is_new_without_a_validation_set() -> None:
    assert survey({"train": TRAIN, "valid": [], "test": []}, 100).source.unseen == 0


def test_what_training_leaves_out_as_too_long_has_no_say_in_the_sizes() -> None:
    splits = {"train": [*TRAIN, ("long " * 101, "court")], "valid": [], "test": []}
    found = survey(splits, 100)
    assert (found.pairs, found.source.words, found.target.words) == (3, 7, 7)


def test_a_large_corpus_is_sampled_and_scaled_up() -> None:
    found = survey({"train": TRAIN[:1] * (3 * SAMPLE), "valid": [], "test": []}, 100)
    assert found.pairs == 3 * SAMPLE
    assert found.source.words == 9 * SAMPLE


@pytest.mark.parametrize(
    ("corpus", "languages", "name"),
    [
        (["x/talks.en", "x/talks.fr"], ("en", "fr"), "talks"),
        (["talks.en.gz", "talks.fr.gz"], ("en", "fr"), "talks"),
        (["talks.pt-BR.txt", "talks.en.txt"], ("pt-BR", "en"), "talks"),
        (["talks.en-fr.tsv"], ("en", "fr"), "talks.en-fr"),
        (["fra-eng.txt.zip"], None, "fra-eng"),
        (["corpus.tsv"], None, "corpus"),
        (["my-own.tsv"], None, "my-own"),
        (["to-do.tsv"], None, "to-do"),
        (["one.tsv", "two.tsv"], None, "one"),
        (["a.en", "b.en"], None, "a.en"),
        (["a.en", "a.nah"], ("en", "nah"), "a"),
        (["a.old", "a.new"], None, "a.old"),
        (["corpora/x/train"], None, "train"),
    ],
)
def test_names_of_files_tell_languages_and_the_run_s_name(
    corpus: list[str], languages: tuple[str, str] | None, name: str
) -> None:
    assert languages_of(corpus) == languages
    assert name_of(corpus, languages or ("source", "target")) == name
