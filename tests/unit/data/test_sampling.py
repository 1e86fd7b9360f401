"""Spellings that are drawn anew: the same text, and a function of the seed and the epoch alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from seq2seq.config import TokenizerConfig, load_config
from seq2seq.data.dataset import DatasetWriter, ParallelDataset
from seq2seq.data.sampling import SubwordSampling, check_sampling
from seq2seq.data.tokenizer import UNK, Tokenizers, train_tokenizers
from seq2seq.errors import UserError

ENGLISH = ["The children are standing outside.", "I love you, and I don't know why."] * 20
FRENCH = ["Les enfants sont debout dehors.", "Je t'aime, et je ne sais pas pourquoi."] * 20


@pytest.fixture(scope="module", params=["bpe", "unigram"])
def tokenizers(request: pytest.FixtureRequest) -> Tokenizers:
    config = TokenizerConfig(kind=request.param, vocab_size=80)
    return train_tokenizers(ENGLISH, FRENCH, config)


@pytest.fixture
def dataset(tokenizers: Tokenizers, tmp_path: Path) -> ParallelDataset:
    with DatasetWriter(tmp_path, "train", source_vocabulary=80, target_vocabulary=80) as writer:
        for source, target in zip(ENGLISH, FRENCH, strict=True):
            writer.add(tokenizers.source.encode(source), tokenizers.target.encode(target))
    return ParallelDataset(tmp_path, "train")


def drawn(dataset: ParallelDataset, tokenizers: Tokenizers, **options: Any) -> list[list[int]]:
    """The ids of all targets, and of all sources, of an epoch."""
    sampling = SubwordSampling(
        tokenizers, options.pop("sampling", 0.3), options.pop("longest", 100)
    )
    found = sampling.draw(dataset, **{"seed": 1, "epoch": 0} | options)
    return [ids.tolist() for pair in map(found.__getitem__, range(len(found))) for ids in pair]


def test_the_pieces_differ_and_the_text_does_not(
    dataset: ParallelDataset, tokenizers: Tokenizers
) -> None:
    found = drawn(dataset, tokenizers)
    assert [tokenizers.source.decode(ids) for ids in found[::2]] == ENGLISH
    assert [tokenizers.target.decode(ids) for ids in found[1::2]] == FRENCH
    assert len({tuple(ids) for ids in found}) > 20


def test_what_is_drawn_depends_on_the_seed_and_the_epoch_alone(
    dataset: ParallelDataset, tokenizers: Tokenizers
) -> None:
    first = drawn(dataset, tokenizers)
    others = [drawn(dataset, tokenizers, **which) for which in ({"seed": 2}, {"epoch": 1})]
    assert drawn(dataset, tokenizers) == first
    assert first not in others
    assert others[0] != others[1]


def test_a_text_that_would_become_too_long_stays_as_it_is(
    dataset: ParallelDataset, tokenizers: Tokenizers
) -> None:
    plain = [ids.tolist() for pair in map(dataset.__getitem__, range(len(dataset))) for ids in pair]
    assert drawn(dataset, tokenizers, longest=1) == plain


def test_a_text_with_what_is_unknown_stays_as_it_is(tokenizers: Tokenizers) -> None:
    ids = tokenizers.target.encode("Les \u0416 enfants")
    assert UNK in ids
    assert tokenizers.target.respell(ids, 0.9) == ids


def test_without_merges_a_word_is_spelt_by_its_characters() -> None:
    tokenizer = train_tokenizers(ENGLISH, FRENCH, TokenizerConfig(vocab_size=80)).target
    ids = tokenizer.encode("Les enfants sont")
    spelt = tokenizer.pieces(tokenizer.respell(ids, 1.0))
    assert "".join(spelt) == "\u2581Les\u2581enfants\u2581sont"
    assert all(len(piece) == 1 for piece in spelt)


@pytest.mark.parametrize("kind", ["word", "char"])
def test_it_is_refused_where_a_word_has_one_spelling(kind: str) -> None:
    config = load_config(None, [f"tokenizer.kind={kind}", "data.subword_sampling=0.1"])
    with pytest.raises(UserError, match=rf"tokenizer\.kind {kind} spells .*, found 0\.1"):
        check_sampling(config)
