"""Spellings that are drawn anew: the same text, and a function of the seed and the epoch alone."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from math import exp
from pathlib import Path
from random import Random
from typing import Any

import pytest
import sentencepiece

from seq2seq.config import TokenizerConfig, load_config
from seq2seq.data.dataset import DatasetWriter, ParallelDataset
from seq2seq.data.sampling import (
    SubwordSampling,
    bpe_dropout,
    check_sampling,
    respell,
    unigram_sampling,
)
from seq2seq.data.tokenizer import UNK, Tokenizers, train_tokenizers
from seq2seq.errors import UserError

ENGLISH = ["The children are standing outside.", "I love you, and I don't know why."] * 20
FRENCH = ["Les enfants sont debout dehors.", "Je t'aime, et je ne sais pas pourquoi."] * 20


@pytest.fixture(scope="module", params=["bpe", "unigram"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def tokenizers(kind: Any) -> Tokenizers:
    return train_tokenizers(ENGLISH, FRENCH, TokenizerConfig(kind=kind, vocab_size=80))


@pytest.fixture
def dataset(tokenizers: Tokenizers, tmp_path: Path) -> ParallelDataset:
    with DatasetWriter(tmp_path, "train", source_vocabulary=80, target_vocabulary=80) as writer:
        for source, target in zip(ENGLISH, FRENCH, strict=True):
            writer.add(tokenizers.source.encode(source), tokenizers.target.encode(target))
    return ParallelDataset(tmp_path, "train")


def drawn(
    dataset: ParallelDataset, tokenizers: Tokenizers, kind: str, **options: Any
) -> list[list[int]]:
    """The ids of each source and target of an epoch."""
    strength, longest = options.pop("sampling", 0.3), options.pop("longest", 100)
    sampling = SubwordSampling(tokenizers, kind, strength, longest)
    found = sampling.draw(dataset, **{"seed": 1, "epoch": 0} | options)
    return [ids.tolist() for pair in map(found.__getitem__, range(len(found))) for ids in pair]


def test_the_pieces_differ_and_the_text_does_not(
    dataset: ParallelDataset, tokenizers: Tokenizers, kind: str
) -> None:
    found = drawn(dataset, tokenizers, kind)
    assert [tokenizers.source.decode(ids) for ids in found[::2]] == ENGLISH
    assert [tokenizers.target.decode(ids) for ids in found[1::2]] == FRENCH
    assert len({tuple(ids) for ids in found}) > 20


def test_what_is_drawn_depends_on_the_seed_and_the_epoch_alone(
    dataset: ParallelDataset, tokenizers: Tokenizers, kind: str
) -> None:
    first = drawn(dataset, tokenizers, kind)
    others = [drawn(dataset, tokenizers, kind, **which) for which in ({"seed": 2}, {"epoch": 1})]
    assert drawn(dataset, tokenizers, kind) == first
    assert first not in others
    assert others[0] != others[1]


def test_another_process_draws_the_same() -> None:
    """SentencePiece's own sampling does not, whatever the seed."""
    code = (
        "from random import Random\n"
        "from seq2seq.config import TokenizerConfig\n"
        "from seq2seq.data.sampling import SPELLERS, respell\n"
        "from seq2seq.data.tokenizer import train_tokenizers\n"
        "texts = ['les enfants sont debout dehors', 'je ne sais pas pourquoi'] * 9\n"
        "for kind, spell in SPELLERS.items():\n"
        "    config = TokenizerConfig(kind=kind, vocab_size=60)\n"
        "    made = train_tokenizers(texts, texts, config).target\n"
        "    random, ids = Random(3), made.encode(texts[0])\n"
        "    print([respell(ids, made, spell(made.model, 0.3), random) for _ in range(9)])\n"
    )
    one, other = (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        for _ in range(2)
    )
    assert one.stdout == other.stdout
    assert len(one.stdout) > 500


def test_a_text_that_would_become_too_long_stays_as_it_is(
    dataset: ParallelDataset, tokenizers: Tokenizers, kind: str
) -> None:
    plain = [ids.tolist() for pair in map(dataset.__getitem__, range(len(dataset))) for ids in pair]
    assert drawn(dataset, tokenizers, kind, longest=1) == plain


def test_a_text_with_what_is_unknown_stays_as_it_is(
    tokenizers: Tokenizers, kind: str, tmp_path: Path
) -> None:
    ids = tokenizers.target.encode("Les \u0416 enfants")
    assert UNK in ids
    with DatasetWriter(tmp_path, "train", source_vocabulary=80, target_vocabulary=80) as writer:
        writer.add(ids, ids)
    assert drawn(ParallelDataset(tmp_path, "train"), tokenizers, kind, sampling=0.9) == [ids, ids]


@pytest.mark.parametrize("text", [*ENGLISH[:2], *FRENCH[:2]])
def test_without_dropout_bpe_spells_as_sentencepiece_does(text: str) -> None:
    tokenizer = train_tokenizers(ENGLISH, FRENCH, TokenizerConfig(vocab_size=80)).target
    ids = tokenizer.encode(text)
    assert respell(ids, tokenizer, bpe_dropout(tokenizer.model, 0.0), Random(1)) == ids


def test_without_merges_a_word_is_spelt_by_its_characters() -> None:
    tokenizer = train_tokenizers(ENGLISH, FRENCH, TokenizerConfig(vocab_size=80)).target
    ids = tokenizer.encode("Les enfants sont")
    found = respell(ids, tokenizer, bpe_dropout(tokenizer.model, 1.0), Random(1))
    spelt = tokenizer.pieces(found)
    assert "".join(spelt) == "\u2581Les\u2581enfants\u2581sont"
    assert all(len(piece) == 1 for piece in spelt)


def test_a_merge_is_left_out_as_often_as_the_paper_says() -> None:
    """Of a vocabulary with one merge."""
    tokenizer = train_tokenizers(["ab"] * 9, ["ab"] * 9, TokenizerConfig(vocab_size=8)).target
    assert len(tokenizer.encode("ab")) == 2  # of three characters, the space counted
    spell, random = bpe_dropout(tokenizer.model, 0.3), Random(5)
    counts = Counter(len(spell(" ab", random)) for _ in range(4000))
    assert counts.keys() == {2, 3}
    assert counts[3] / 4000 == pytest.approx(0.3, abs=0.03)


def test_unigram_spellings_come_as_often_as_their_probabilities_say() -> None:
    tokenizer = train_tokenizers(
        ENGLISH, FRENCH, TokenizerConfig(kind="unigram", vocab_size=80)
    ).target
    processor = sentencepiece.SentencePieceProcessor(model_proto=tokenizer.model)
    unit, alpha, draws = " enfants", 0.5, 6000
    spellings = [tuple(ids) for ids in processor.nbest_encode_as_ids(unit, 64)]
    weights = [exp(alpha * sum(map(processor.get_score, ids))) for ids in spellings]
    spell, random = unigram_sampling(tokenizer.model, alpha), Random(5)
    counts = Counter(tuple(spell(unit, random)) for _ in range(draws))
    for ids, weight in zip(spellings[:5], weights, strict=False):
        assert counts[ids] / draws == pytest.approx(weight / sum(weights), abs=0.03)


@pytest.mark.parametrize("kind", ["word", "char"])
def test_it_is_refused_where_a_word_has_one_spelling(kind: str) -> None:
    config = load_config(None, [f"tokenizer.kind={kind}", "data.subword_sampling=0.1"])
    with pytest.raises(UserError, match=rf"tokenizer\.kind {kind} spells .*, found 0\.1"):
        check_sampling(config)
