"""Every intervention against NumPy loops or arithmetic on paper, and on every kind of model.

Shapes: B = 3 sentences of 7, 4 and 1 source positions, H = 2 heads, T = 5 steps; float64.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from seq2seq.config import DecodingConfig, ModelConfig, TokenizerConfig
from seq2seq.data.tokenizer import Tokenizers, WordPieces, train_tokenizers
from seq2seq.errors import UserError
from seq2seq.inference.interventions import (
    HandSet,
    Intervention,
    Reweighting,
    WithoutWord,
    hard,
    hide,
    replace,
    reweighted,
    sharpen,
    shift,
    shuffle,
    uniform,
)
from seq2seq.inference.model_step import ModelState, model_step
from seq2seq.inference.specs import parse_intervention
from seq2seq.model.attention import AttentionState, Memory
from seq2seq.model.model import Seq2Seq
from seq2seq.search.search import search

LENGTHS = (7, 4, 1)
HIDDEN = torch.tensor([False, True, False, False, True, False, False])
GIVEN = torch.tensor([[0.5, 0, 1, 0, 0, 0, 0], [0] * 7, [0, 2, 2, 0, 0, 0, 4]]).double()

EVERYWHERE: dict[str, Reweighting] = {
    "uniform": uniform,
    "hard": hard,
    "temperature": partial(sharpen, temperature=0.5),
    "shift": partial(shift, positions=2),
    "shift left": partial(shift, positions=-1),
    "shuffle": partial(shuffle, seed=3),
}


def memory_of(lengths: tuple[int, ...]) -> Memory:
    mask_BS = torch.arange(max(lengths)) < torch.tensor(lengths).unsqueeze(1)
    nothing = torch.zeros(len(lengths), 1, max(lengths), 1)
    return Memory(nothing, nothing, mask_BS)


def state_at(*steps: int) -> AttentionState:
    return AttentionState(torch.tensor(steps), torch.zeros(len(steps), 2, 7))


def some_weights(lengths: tuple[int, ...] = LENGTHS, *, steps: int = 5) -> Tensor:
    """Of sums below 1, as local-p has them; the first row is all zeros."""
    generator = torch.Generator().manual_seed(7)
    shape = (len(lengths), 2, steps, max(lengths))
    weights_BHTS = torch.rand(shape, generator=generator, dtype=torch.float64)
    weights_BHTS = weights_BHTS * memory_of(lengths).mask_BS[:, None, None]
    sums_BHT1 = torch.rand((*shape[:3], 1), generator=generator, dtype=torch.float64)
    weights_BHTS = weights_BHTS / weights_BHTS.sum(-1, keepdim=True) * sums_BHT1
    weights_BHTS[0, 0, 0] = 0
    return weights_BHTS


def row_of(reweighting: Reweighting, *weights: float, steps: int = 0) -> list[float]:
    """What becomes of one row."""
    weights_BHTS = torch.tensor(weights, dtype=torch.float64)[None, None, None]
    new_BHTS = reweighting(weights_BHTS, memory_of((len(weights),)), state_at(steps))
    values: list[float] = new_BHTS.flatten().tolist()
    return values


# --- laws -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EVERYWHERE)
def test_sums_are_kept_and_padding_gets_nothing(name: str) -> None:
    weights_BHTS = some_weights()
    new_BHTS = EVERYWHERE[name](weights_BHTS, memory_of(LENGTHS), state_at(0, 0, 0))
    assert (new_BHTS >= 0).all()
    torch.testing.assert_close(new_BHTS.sum(-1), weights_BHTS.sum(-1))
    for sentence, length in enumerate(LENGTHS):
        assert not new_BHTS[sentence, :, :, length:].any()


@pytest.mark.parametrize("name", EVERYWHERE)
def test_all_steps_at_once_are_the_steps_and_a_batch_its_sentences(name: str) -> None:
    weights_BHTS, reweighting = some_weights(), EVERYWHERE[name]
    whole_BHTS = reweighting(weights_BHTS, memory_of(LENGTHS), state_at(2, 2, 2))
    for step in range(5):
        one = reweighting(
            weights_BHTS[:, :, step : step + 1], memory_of(LENGTHS), state_at(*[2 + step] * 3)
        )
        assert torch.equal(one, whole_BHTS[:, :, step : step + 1])
    for sentence, length in enumerate(LENGTHS):
        own = weights_BHTS[sentence : sentence + 1, :, :, :length]
        alone = reweighting(own, memory_of((length,)), state_at(2))
        torch.testing.assert_close(alone[0], whole_BHTS[sentence, :, :, :length])


# --- each on paper --------------------------------------------------------------------------------


def test_uniform_gives_each_real_position_its_share_of_the_sum() -> None:
    assert row_of(uniform, 0.1, 0.0, 0.5) == pytest.approx([0.2] * 3)


def test_hard_gives_all_to_the_largest_the_first_of_equal_ones() -> None:
    assert row_of(hard, 0.1, 0.35, 0.1, 0.35) == pytest.approx([0, 0.9, 0, 0])


def test_a_temperature_of_one_half_squares_and_of_two_takes_the_root() -> None:
    squares = np.array([0.01, 0.04, 0.49]) / 0.54
    assert row_of(partial(sharpen, temperature=0.5), 0.1, 0.2, 0.7) == pytest.approx(squares)
    roots = np.array([0.3, 0.4, 0.0]) / 0.7 * 0.25  # the row's sum
    assert row_of(partial(sharpen, temperature=2), 0.09, 0.16, 0) == pytest.approx(roots)


def test_no_temperature_is_too_low_or_too_high() -> None:
    for temperature in (1e-3, 1e-300):
        sharp = row_of(partial(sharpen, temperature=temperature), 0.4, 0.6)
        assert sharp == pytest.approx([0, 1])
    assert row_of(partial(sharpen, temperature=1e300), 0.4, 0.6, 0) == pytest.approx([0.5, 0.5, 0])
    weights_BHTS = torch.full((1, 1, 1, 3), 1e-30)  # float32, whose square is 0
    cold = sharpen(weights_BHTS, memory_of((3,)), state_at(0), temperature=0.5)
    torch.testing.assert_close(cold, weights_BHTS, rtol=1e-5, atol=0)


@pytest.mark.parametrize(
    ("positions", "expected"),
    [
        (1, [0, 0.1, 0.2, 0.7]),
        (2, [0, 0, 0.1, 0.9]),
        (9, [0, 0, 0, 1]),
        (2**31, [0, 0, 0, 1]),
        (-1, [0.3, 0.4, 0.3, 0]),
        (-(2**31), [1, 0, 0, 0]),
    ],
)
def test_a_shift_moves_to_the_right_and_the_end_keeps_what_would_fall_off(
    positions: int, expected: list[float]
) -> None:
    assert row_of(partial(shift, positions=positions), 0.1, 0.2, 0.4, 0.3) == pytest.approx(
        expected
    )


def test_a_shift_by_nothing_and_a_temperature_of_one_change_nothing() -> None:
    weights_BHTS = some_weights()
    where = memory_of(LENGTHS), state_at(0, 0, 0)
    assert torch.equal(shift(weights_BHTS, *where, positions=0), weights_BHTS)
    torch.testing.assert_close(sharpen(weights_BHTS, *where, temperature=1), weights_BHTS)


def test_a_shuffle_permutes_the_real_weights_of_all_heads_alike_anew_at_each_step() -> None:
    weights_BHTS = some_weights((7, 7))
    new_BHTS = shuffle(weights_BHTS, memory_of((7, 7)), state_at(0, 0), seed=1)
    orders = []
    for step in range(1, 5):
        old, new = weights_BHTS[:, :, step], new_BHTS[:, :, step]
        order = [old[0, 0].tolist().index(value) for value in new[0, 0].tolist()]
        assert sorted(order) == list(range(7))
        assert torch.equal(new, old[:, :, order])  # sentences of one length, all heads
        orders.append(tuple(order))
    assert len(set(orders)) == 4
    again = shuffle(weights_BHTS, memory_of((7, 7)), state_at(0, 0), seed=1)
    other = shuffle(weights_BHTS, memory_of((7, 7)), state_at(0, 0), seed=2)
    assert torch.equal(again, new_BHTS)
    assert not torch.equal(other, new_BHTS)


def test_a_hidden_word_s_weight_goes_to_the_others_in_proportion() -> None:
    def hidden(*places: int, of: tuple[float, ...]) -> list[float]:
        hidden_S = torch.tensor([place in places for place in range(len(of))])
        return row_of(partial(hide, hidden_S=hidden_S), *of)

    assert hidden(1, of=(0.2, 0.5, 0.3)) == pytest.approx([0.4, 0, 0.6])
    assert hidden(0, 2, of=(0.2, 0.5, 0.3)) == pytest.approx([0, 1, 0])
    assert hidden(1, of=(0.1, 0.2, 0.2)) == pytest.approx([0.5 / 3, 0, 1 / 3])  # a sum of one half
    assert hidden(1, of=(0, 0.8, 0)) == pytest.approx([0.4, 0, 0.4])  # nothing is left
    assert hidden(0, 1, of=(0.4, 0.6)) == [0, 0]  # nobody is left


def test_given_rows_are_read_step_by_step_and_the_model_s_own_before_and_after() -> None:
    def at(step: int) -> list[float]:
        own = (0.05, 0.05, 0.1, 0.05, 0.05, 0.1, 0.1)
        return row_of(partial(replace, given_RS=GIVEN), *own, steps=step)

    own = [0.05, 0.05, 0.1, 0.05, 0.05, 0.1, 0.1]
    assert at(0) == pytest.approx([0.5 / 3, 0, 1 / 3, 0, 0, 0, 0])  # to the sum of its own row
    assert at(1) == own  # a row of zeros says nothing
    assert at(2) == pytest.approx([0, 0.125, 0.125, 0, 0, 0, 0.25])
    assert at(3) == at(100) == own
    large_RS = GIVEN[2:] * 1e307  # more than float32 can hold
    new_BHTS = replace(torch.rand(1, 2, 1, 7), memory_of((7,)), state_at(0), given_RS=large_RS)
    assert new_BHTS.isfinite().all()


# --- in models ------------------------------------------------------------------------------------

ALL: dict[str, Reweighting] = {
    **EVERYWHERE,
    "mask": partial(hide, hidden_S=HIDDEN),
    "matrix": partial(replace, given_RS=GIVEN),
}
MODELS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "at once": ({"kind": "general"}, {"kind": "luong"}),
    "input feeding": ({"kind": "general"}, {"kind": "luong", "input_feeding": True}),
    "before the cell": ({"kind": "multihead", "size": 6, "heads": 3}, {"kind": "bahdanau"}),
    "between cells": ({"kind": "additive"}, {"kind": "conditional"}),
    "last weights": ({"kind": "location-aware", "size": 5}, {"kind": "luong"}),
    "all weights": ({"kind": "coverage", "size": 5}, {"kind": "luong"}),
    "a ring": ({"kind": "cosine", "addressing": "ntm"}, {"kind": "luong"}),
    "less than one": ({"kind": "general", "addressing": "local-p"}, {"kind": "conditional"}),
    "one position": ({"kind": "general", "addressing": "hard"}, {"kind": "luong"}),
}


def build(attention: dict[str, Any], decoder: dict[str, Any]) -> Seq2Seq:
    torch.manual_seed(3)
    sizes = {"embedding": 6, "encoder": {"size": 4}, "decoder": {"size": 8, **decoder}}
    config = ModelConfig.model_validate({**sizes, "attention": attention})
    model = Seq2Seq(config, 11, 11).double()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return model.eval()


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("kind", MODELS)
def test_a_beam_reads_with_the_weights_of_the_forced_sequence(name: str, kind: str) -> None:
    model, lengths_B = build(*MODELS[kind]), torch.tensor(LENGTHS)
    source_BS = torch.randint(4, 11, (3, 7), generator=torch.Generator().manual_seed(5))
    source_BS[~memory_of(LENGTHS).mask_BS] = 0
    if name in ("mask", "matrix"):
        source_BS, lengths_B = source_BS[:1], lengths_B[:1]
    options = DecodingConfig(beam=3)
    with torch.no_grad(), reweighted(ALL[name]):
        found = search(
            model_step(model),
            ModelState(*model.encode(source_BS, lengths_B)),
            sentences=len(source_BS),
            max_lengths=6,
            options=options,
            bos=2,
            eos=3,
        )
        for row, (best, *_) in enumerate(found):
            length = int(lengths_B[row])
            tokens = [2, *best.tokens][: len(best.log_probs)]
            memory, state = model.encode(
                source_BS[row : row + 1, :length], lengths_B[row : row + 1]
            )
            forced = model.decode(torch.tensor([tokens]), memory, state)
            weights_HTS = forced.weights_BHTS[0]
            np.testing.assert_allclose(
                best.weights_HTS[:, :, :length], weights_HTS.numpy(), atol=1e-5, rtol=0
            )
            assert not best.weights_HTS[:, :, length:].any()
            if name == "mask":
                assert not weights_HTS[:, :, HIDDEN].any()


# --- from text ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tokenizers() -> Tokenizers:
    config = TokenizerConfig(vocab_size=40, joint=True)
    return train_tokenizers(["the cat sleeps", "a dog eats"], ["le chat dort", "un chien"], config)


@pytest.fixture
def parse(tokenizers: Tokenizers) -> Callable[[object], Intervention]:
    return lambda spec: parse_intervention(str(spec), tokenizers, seed=4)


Parse = Callable[[object], Intervention]


@pytest.mark.parametrize(
    ("spec", "line"),
    [
        (
            "unifrom",
            r"attention: expected uniform, .*, found 'unifrom' \(did you mean 'uniform'\?\)",
        ),
        ("shfit=1", r"attention: expected .*, found 'shfit=1' \(did you mean 'shift'\?\)"),
        ("", r"attention: expected uniform, shuffle, hard, .* or a \.json or \.npy file, found ''"),
        ("hard=1", "attention: hard takes no value, found 'hard=1'"),
        ("shift", "attention: expected shift=N, found 'shift'"),
        ("shift=", "attention: expected shift=N, found 'shift='"),
        ("shift=1.5", "attention: expected a whole number .*, found 'shift=1.5'"),
        ("temperature", "attention: expected temperature=T, found 'temperature'"),
        ("temperature=0", "attention: expected a number above 0, .*, found 'temperature=0'"),
        ("temperature=nan", "attention: expected a number above 0, .*"),
        ("temperature=inf", "attention: expected a number above 0, .*"),
        ("temperature=hot", "attention: expected a number above 0, .*"),
        ("mask=", "attention: expected mask=WORD, found 'mask='"),
        ("matrix.csv", "attention: expected uniform, .*, found 'matrix.csv'"),
        ("none.npy", "none.npy: cannot be read: No such file or directory"),
        ("none.json", "none.json: cannot be read: No such file or directory"),
    ],
)
def test_what_is_no_intervention_is_refused(spec: str, line: str, parse: Parse) -> None:
    with pytest.raises(UserError, match=f"^{line}$"):
        parse(spec)


def test_seeds_and_numbers_arrive(parse: Parse) -> None:
    weights_BHTS, where = some_weights(), (memory_of(LENGTHS), state_at(0, 0, 0))
    for spec, expected in {
        "uniform": uniform(weights_BHTS, *where),
        "hard": hard(weights_BHTS, *where),
        "shuffle": shuffle(weights_BHTS, *where, seed=4),
        "shift=-2": shift(weights_BHTS, *where, positions=-2),
        f"shift={10**30}": shift(weights_BHTS, *where, positions=9),
        "temperature=0.7": sharpen(weights_BHTS, *where, temperature=0.7),
    }.items():
        intervention = parse(spec)
        assert not intervention.alone
        assert torch.equal(intervention.on([])(weights_BHTS, *where), expected), spec


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("[[1, 2]]", "expected what translate --json or explain --json prints, .*"),
        ("{", "not a matrix of weights: .*"),
        ('{"attention": [[1]]}\n{"attention": [[1]]}', "not a matrix of weights: Extra data.*"),
        ('{"attention": [[1, 2], [1]]}', "expected rows of numbers, as many in each"),
        ('{"attention": [["x"]]}', "expected rows of numbers, as many in each"),
        ('{"attention": "general"}', "expected rows of numbers, as many in each"),
        ('{"attention": []}', r"expected rows and columns of weights, found shape \(0,\)"),
        ('{"attention": [[0.5, -1]]}', "expected weights of 0 or more, found -1 among them"),
        ('{"attention": [[0.5, NaN]]}', "expected weights of 0 or more, found nan among them"),
        ('{"hypotheses": []}', "expected what translate --json .*"),
        ('{"attention": [[1]], "text": "le chat"}', "expected 2 rows, .* 'le chat', found 1"),
        ('{"weights": [[[1]], [[1, 1]]]}', "expected `weights` of one shape for every head"),
        ('{"weights": []}', "expected `weights` of one shape for every head"),
        ("\udcff", "not a matrix of weights: .*"),
    ],
)
def test_a_file_that_is_no_matrix_is_refused(
    content: str, line: str, tmp_path: Path, parse: Parse
) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(UserError, match=f"^{path}: {line}$"):
        parse(path)


@pytest.mark.parametrize(
    ("array", "line"),
    [
        (np.ones(3), r"expected rows and columns of weights, found shape \(3,\)"),
        (np.ones((2, 2), complex), "expected rows of numbers, as many in each"),
    ],
)
def test_an_array_that_is_no_matrix_is_refused(
    array: Any, line: str, tmp_path: Path, parse: Parse
) -> None:
    path = tmp_path / "x.npy"
    np.save(path, array)
    with pytest.raises(UserError, match=line):
        parse(path)
    path.write_bytes(b"no array")
    with pytest.raises(UserError, match=r"x\.npy: not a matrix of weights: "):
        parse(path)
    path.write_bytes(b"")
    with pytest.raises(UserError, match=r"x\.npy: not a matrix of weights: "):
        parse(path)


def test_a_hidden_word_is_found_whatever_its_canonical_form(parse: Parse) -> None:
    intervention = parse("mask=e\u0301te\u0301")
    assert isinstance(intervention, WithoutWord)
    assert intervention.word == "été"


def given_of(intervention: Intervention, words: list[WordPieces]) -> Tensor:
    reweighting = intervention.on([words])
    assert isinstance(reweighting, partial)
    given_RS: Tensor = reweighting.keywords["given_RS"]
    return given_RS


WORDS = [WordPieces("the", (0,)), WordPieces("cat", (1, 2)), WordPieces("</s>", (3,))]


def test_a_word_s_weight_is_spread_over_its_pieces_and_its_row_serves_all_its_own(
    tmp_path: Path, parse: Parse, tokenizers: Tokenizers
) -> None:
    ids = tokenizers.target.encode("un chien")
    un, chien = (len(word.pieces) for word in tokenizers.target.target_words(ids))
    path = tmp_path / "x.json"
    hypothesis = {"text": "un chien", "attention": [[0.2, 0.6, 0.2], [0, 1, 0]]}
    path.write_text(json.dumps({"hypotheses": [hypothesis]}))
    expected = [[0.2, 0.3, 0.3, 0.2]] * un + [[0, 0.5, 0.5, 0]] * chien
    torch.testing.assert_close(given_of(parse(path), WORDS), torch.tensor(expected).double())
    path.write_text(json.dumps({"attention": hypothesis["attention"]}))  # a row a step
    expected = [[0.2, 0.3, 0.3, 0.2], [0, 0.5, 0.5, 0]]
    torch.testing.assert_close(given_of(parse(path), WORDS), torch.tensor(expected).double())


def test_pieces_are_taken_as_they_are_and_heads_averaged(tmp_path: Path, parse: Parse) -> None:
    rows = [[0.1, 0.2, 0.3, 0.4]]
    np.save(tmp_path / "x.npy", rows)
    heads = [[[0.1, 0.2, 0.3, 0.4]], [[0.3, 0.2, 0.1, 0.4]]]
    (tmp_path / "x.json").write_text(json.dumps({"attention": "multihead", "weights": heads}))
    assert given_of(parse(tmp_path / "x.npy"), WORDS).tolist() == rows
    found = given_of(parse(tmp_path / "x.json"), WORDS)
    torch.testing.assert_close(found, torch.tensor([[0.2, 0.2, 0.2, 0.4]]).double())


@pytest.mark.parametrize(("by_word", "expected"), [(True, "3 .* words"), (False, "4 .* pieces")])
def test_a_matrix_must_fit_its_one_sentence(by_word: bool, expected: str) -> None:
    intervention = HandSet("x.npy", np.ones((2, 5)), by_word)
    with pytest.raises(UserError, match=f"^x.npy: expected {expected} of 'the cat </s>', found 5$"):
        intervention.check([[], WORDS])
    with pytest.raises(UserError, match=r"^x\.npy: this matrix is for one sentence, found 2$"):
        intervention.check([WORDS, [], WORDS])
    HandSet("x.npy", np.ones((2, 3)), by_word=True).check([[], WORDS])


def test_a_word_to_mask_must_be_in_some_sentence(caplog: pytest.LogCaptureFixture) -> None:
    intervention = WithoutWord("mask=Cat", "Cat")
    line = r"attention mask=Cat: no source sentence has this word \(did you mean 'cat'\?\)"
    with pytest.raises(UserError, match=f"^{line}$"):
        intervention.check([WORDS, []])
    intervention.check([])
    assert not caplog.messages
    WithoutWord("mask=cat", "cat").check([WORDS, [], WORDS[:1], WORDS[2:]])
    assert caplog.messages == [
        "attention mask=cat: 2 of 3 sentences don't have this word and keep their weights "
        "(lines 3, 4)"
    ]


def test_every_occurrence_of_a_word_is_masked() -> None:
    words = [WordPieces("a", (0,)), WordPieces("b", (1, 2)), WordPieces("a", (3,))]
    intervention = WithoutWord("mask=a", "a")
    weights_BHTS = torch.full((1, 1, 1, 4), 0.25, dtype=torch.float64)
    where = memory_of((4,)), state_at(0)
    assert intervention.on([words])(weights_BHTS, *where).flatten().tolist() == [0, 0.5, 0.5, 0]
    assert torch.equal(intervention.on([words[1:2]])(weights_BHTS, *where), weights_BHTS)
