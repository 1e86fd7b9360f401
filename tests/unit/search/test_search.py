"""The laws of search, on a table-driven model whose every output can be listed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from seq2seq.config import DecodingConfig
from seq2seq.search.arrays import Arrays, NumpyArrays
from seq2seq.search.beam import beam_search as search_beam
from seq2seq.search.hypothesis import Hypothesis
from seq2seq.search.loop import NotFiniteError, Request
from seq2seq.search.sampling import sample as draw_samples
from seq2seq.search.search import search
from seq2seq.search.step import Step, Stepped
from seq2seq.search.tensors import TensorArrays
from tests.unit.search.fakes import (
    BOS,
    EOS,
    PAD,
    UNK,
    Prefix,
    Prefixes,
    Row,
    Table,
    constant_row,
    every_output,
    in_numpy,
    random_row,
    weights,
)

INF = math.inf
VOCABULARY = 7


def request(
    *max_lengths: int,
    forbidden: tuple[int, ...] = (PAD, BOS),
    min_length: int = 0,
    no_repeat_ngram: int = 0,
) -> Request:
    return Request(
        max_lengths=max_lengths,
        bos=BOS,
        eos=EOS,
        forbidden=forbidden,
        min_length=min_length,
        no_repeat_ngram=no_repeat_ngram,
    )


def beam_search(
    step: Step,
    state: Prefixes,
    asked: Request,
    *,
    beam: int,
    n_best: int = 1,
    length_penalty: float = 1,
    arrays: Arrays | None = None,
) -> list[list[Hypothesis]]:
    return search_beam(
        step,
        state,
        asked,
        arrays=arrays or TensorArrays(),
        beam=beam,
        n_best=n_best,
        length_penalty=length_penalty,
    )


def sample(
    step: Step, state: Prefixes, asked: Request, *, seeds: list[int], samples: int, **cut: Any
) -> list[list[Hypothesis]]:
    arrays = TensorArrays()
    return draw_samples(step, state, asked, arrays=arrays, seeds=seeds, samples=samples, **cut)


def greedy(step: Step, state: Prefixes, asked: Request) -> list[list[Hypothesis]]:
    return beam_search(step, state, asked, beam=1, length_penalty=0)


def same(ours: list[list[Hypothesis]], theirs: list[list[Hypothesis]]) -> bool:
    """Whether two searches found the same, to the last bit."""
    return [len(best) for best in ours] == [len(best) for best in theirs] and all(
        (a.tokens, a.log_probs, a.finished, a.score) == (b.tokens, b.log_probs, b.finished, b.score)
        and np.array_equal(a.weights_HTS, b.weights_HTS)
        for mine, yours in zip(ours, theirs, strict=True)
        for a, b in zip(mine, yours, strict=True)
    )


def run(kind: str, row: Row, sentences: tuple[int, ...], asked: Request) -> list[list[Hypothesis]]:
    step, state = Table(row), Prefixes.of(*sentences)
    if kind == "greedy":
        return greedy(step, state, asked)
    if kind == "beam":
        return beam_search(step, state, asked, beam=4, n_best=3)
    if kind == "beam, NumPy":
        arrays = NumpyArrays()
        return beam_search(in_numpy(step), state, asked, beam=4, n_best=3, arrays=arrays)
    seeds = [100 + sentence for sentence in sentences]
    return sample(step, state, asked, seeds=seeds, samples=3, temperature=0.8, top_k=4, top_p=0.95)


KINDS = pytest.mark.parametrize("kind", ["greedy", "beam", "beam, NumPy", "sample"])


# --- against an independent truth ----------------------------------------------------------------


@pytest.mark.parametrize("penalty", [0.0, 0.6, 1.0])
@pytest.mark.parametrize(("ids", "longest"), [((1, 4), 5), ((1, 4, 5), 4), ((1,), 6)])
def test_a_wide_beam_is_exhaustive_search(
    penalty: float, ids: tuple[int, ...], longest: int
) -> None:
    row = random_row(VOCABULARY)
    forbidden = tuple(set(range(VOCABULARY)) - {*ids, EOS})
    asked = request(longest, longest, longest, forbidden=forbidden)
    number = sum(len(ids) ** length for length in range(longest))
    found = beam_search(
        Table(row),
        Prefixes.of(0, 1, 2),
        asked,
        beam=number * (len(ids) + 1),  # room for every candidate of every step
        n_best=number,
        length_penalty=penalty,
    )
    for sentence, hypotheses in enumerate(found):
        every = [
            (sum(log_probs) / len(log_probs) ** penalty, list(tokens), log_probs)
            for tokens, log_probs in every_output(row, sentence, longest, ids)
        ]
        every.sort(reverse=True)
        assert len(every) == number
        assert [h.tokens for h in hypotheses] == [tokens for _, tokens, _ in every]
        assert [h.score for h in hypotheses] == pytest.approx([score for score, *_ in every])
        assert [h.log_probs for h in hypotheses] == [log_probs for *_, log_probs in every]


def test_a_beam_of_one_is_argmax_after_argmax() -> None:
    row = random_row(VOCABULARY, seed=4)
    for sentence, [found] in enumerate(greedy(Table(row), Prefixes.of(0, 1, 2), request(9, 9, 9))):
        prefix: Prefix = ()
        while len(prefix) < 9 and (not prefix or prefix[-1] != EOS):
            log_probs = row(sentence, prefix)
            allowed = [token for token in range(VOCABULARY) if token not in (PAD, BOS)]
            prefix = (*prefix, max(allowed, key=lambda token: log_probs[token]))
        assert found.finished == (prefix[-1] == EOS)
        assert found.tokens == [token for token in prefix if token != EOS]


def test_a_beam_finds_what_greedy_misses() -> None:
    # 4 first looks best (0.5) but leads to 0.5 * 0.4 = 0.20; 5 (0.4) leads to 0.4 * 0.9 = 0.36.
    likely = {(): (4, 0.5, 5, 0.4), (4,): (EOS, 0.4, 6, 0.35), (5,): (EOS, 0.9, 6, 0.1)}

    def row(sentence: int, prefix: Prefix) -> list[float]:
        first, p, second, q = likely.get(prefix, (6, 0.5, UNK, 0.5))
        return [math.log({first: p, second: q}.get(token, 0.01)) for token in range(7)]

    assert greedy(Table(row), Prefixes.of(0), request(4))[0][0].tokens == [4]
    [[best]] = beam_search(Table(row), Prefixes.of(0), request(4), beam=2, length_penalty=0)
    assert (best.tokens, best.finished) == ([5], True)
    assert best.score == pytest.approx(math.log(0.36))


def test_a_sentence_ends_with_as_many_ended_hypotheses_as_slots() -> None:
    # 4: 0.5, end: 0.3 | 4 4: 0.25, 4 end: 0.15: each step ends one, and two are enough.
    step, state = Table(constant_row(0.0, 0.2, 0.0, 0.3, 0.5)), Prefixes.of(0)
    [found] = beam_search(step, state, request(50), beam=2, n_best=2, length_penalty=0)
    assert [h.tokens for h in found] == [[], [4]]
    assert state.calls.count("reorder") == 1


@pytest.mark.parametrize("beam", [2, 3, 5])
@pytest.mark.parametrize("penalty", [0.0, 0.6, 1.0])
def test_a_sure_hypothesis_is_not_lost_to_unlikely_ones_that_end_before(
    beam: int, penalty: float
) -> None:
    """4 5 4 5 is nearly certain; at each step its neighbours may end, some two in a thousand."""
    sure = (4, 5, 4, 5, EOS)

    def row(sentence: int, prefix: Prefix) -> list[float]:
        likely = sure[len(prefix)] if prefix == sure[: len(prefix)] else EOS
        return [math.log(0.994 if token == likely else 0.001) for token in range(VOCABULARY)]

    [[best]] = beam_search(
        Table(row), Prefixes.of(0), request(9), beam=beam, length_penalty=penalty
    )
    assert (best.tokens, best.finished) == ([4, 5, 4, 5], True)


# --- a batch -------------------------------------------------------------------------------------


@KINDS
def test_a_sentence_alone_and_in_a_batch_is_the_same(kind: str) -> None:
    row, limits = random_row(VOCABULARY, spread=1), [6, 1, 9, 4, 7, 2]
    together = run(kind, row, tuple(range(6)), request(*limits))
    lengths = set()
    for sentence, limit in enumerate(limits):
        assert same(run(kind, row, (sentence,), request(limit)), [together[sentence]])
        lengths.add(len(together[sentence][0].log_probs))
    assert len(lengths) > 2  # the ends are ragged


@KINDS
def test_sentences_that_have_ended_may_stay_in_the_batch(kind: str) -> None:
    row, limits = random_row(VOCABULARY, spread=1), [6, 1, 9, 4, 7, 2] * 4
    together = run(kind, row, tuple(range(24)), request(*limits))
    for sentence, limit in enumerate(limits):
        assert same(run(kind, row, (sentence,), request(limit)), [together[sentence]])


def test_sentences_leave_the_batch_an_eighth_at_a_time() -> None:
    table = Table(random_row(VOCABULARY, spread=1))
    sizes: list[int] = []

    def step(tokens_N: Tensor, state: Prefixes) -> Stepped:
        sizes.append(len(set(state.sentences)))
        return table(tokens_N, state)

    limits = [1] * 2 + [2] * 5 + [3] * 9 + [20] * 8
    greedy(step, Prefixes.of(*range(24)), request(*limits))
    assert sizes == sorted(sizes, reverse=True)
    assert {size % 3 for size in sizes} == {0}
    assert 3 < len(set(sizes)) < 8


@KINDS
def test_equal_scores_are_settled_the_same_way_in_any_batch(kind: str) -> None:
    row = constant_row(*[1 / VOCABULARY] * VOCABULARY)
    together = run(kind, row, (0, 1, 2), request(4, 5, 6))
    assert same(run(kind, row, (1,), request(5)), together[1:2])


@KINDS
def test_the_order_of_a_batch_does_not_matter(kind: str) -> None:
    row = random_row(VOCABULARY)
    forwards = run(kind, row, (0, 1, 2), request(5, 6, 7))
    assert same(run(kind, row, (2, 1, 0), request(7, 6, 5)), forwards[::-1])


@KINDS
def test_attention_belongs_to_the_hypothesis(kind: str) -> None:
    for sentence, hypotheses in enumerate(run(kind, random_row(VOCABULARY), (0, 1), request(8, 5))):
        for found in hypotheses:
            emitted = (*found.tokens, EOS) if found.finished else tuple(found.tokens)
            rows = [weights(sentence, emitted[:t]) for t in range(len(emitted))]
            assert found.weights_HTS.dtype == np.float32
            assert np.array_equal(found.weights_HTS, torch.stack(rows, 1).numpy())


@KINDS
def test_log_probs_are_the_models_own_and_make_the_score(kind: str) -> None:
    row = random_row(VOCABULARY)
    for sentence, hypotheses in enumerate(run(kind, row, (0, 1, 2), request(8, 5, 6))):
        for found in hypotheses:
            emitted = (*found.tokens, EOS) if found.finished else tuple(found.tokens)
            own = [row(sentence, emitted[:t])[token] for t, token in enumerate(emitted)]
            assert found.log_probs == own
            penalty = 1 if "beam" in kind else 0
            assert found.score == pytest.approx(sum(own) / len(own) ** penalty)


def test_n_best_is_sorted_and_distinct() -> None:
    row = random_row(VOCABULARY)
    for hypotheses in beam_search(
        Table(row), Prefixes.of(0, 1, 2), request(9, 9, 9), beam=6, n_best=6, length_penalty=0.6
    ):
        assert len({tuple(h.tokens) for h in hypotheses}) == 6
        assert [h.score for h in hypotheses] == sorted((h.score for h in hypotheses), reverse=True)


def test_the_state_is_reordered_at_each_step_of_a_beam_wider_than_one() -> None:
    step, asked = Table(constant_row(0.0, 0.3, 0.0, 0.1, 0.6)), request(3, 5)
    state = Prefixes.of(0, 1)
    beam_search(step, state, asked, beam=2)
    assert state.calls == ["repeat", *["reorder"] * 2, "keep", *["reorder"] * 2]
    state = Prefixes.of(0, 1)
    greedy(step, state, asked)
    assert state.calls == ["keep"]
    state = Prefixes.of(0, 1)
    sample(step, state, request(1, 2, min_length=2), seeds=[1, 2], samples=3)
    assert state.calls == ["repeat", "keep"]


def test_a_state_may_cut_source_positions_when_sentences_leave() -> None:
    table = Table(random_row(VOCABULARY))

    def step(tokens_N: torch.Tensor, state: Prefixes) -> Stepped:
        stepped = table(tokens_N, state)
        width = 3 if 0 in state.sentences else 2
        return stepped._replace(weights_NHS=stepped.weights_NHS[..., :width])

    found = greedy(step, Prefixes.of(0, 1), request(1, 4, min_length=3))
    weights_HTS = found[1][0].weights_HTS
    assert np.array_equal(weights_HTS[:, 0], weights(1, ()).numpy())
    assert weights_HTS.shape[1] > 1
    assert (weights_HTS[:, 1:, 2] == 0).all()


def test_no_sentences_give_no_hypotheses() -> None:
    assert beam_search(Table(random_row(5)), Prefixes.of(), request(), beam=3) == []


# --- limits --------------------------------------------------------------------------------------


@KINDS
def test_a_model_that_never_ends_is_cut_off_at_the_longest_length(kind: str) -> None:
    [found] = run(kind, constant_row(0.0, 0.5, 0.0, 0.0, 0.5), (0,), request(4))
    assert all(len(h.tokens) == 4 and not h.finished for h in found)


def test_the_longest_length_counts_the_end() -> None:
    def row(sentence: int, prefix: Prefix) -> list[float]:
        return [0.0 if token == (4 if len(prefix) < 3 else EOS) else -INF for token in range(5)]

    found = greedy(Table(row), Prefixes.of(0, 1), request(3, 4))
    assert [(best.tokens, best.finished) for [best] in found] == [
        ([4, 4, 4], False),
        ([4, 4, 4], True),
    ]


@KINDS
def test_the_shortest_length_does_not_count_the_end(kind: str) -> None:
    [found] = run(kind, constant_row(0.0, 0.1, 0.0, 0.8, 0.1), (0,), request(9, min_length=3))
    assert all(len(h.tokens) >= 3 for h in found)
    assert found[0].finished


@KINDS
@pytest.mark.parametrize("ngram", [1, 2])
def test_no_ngram_repeats(kind: str, ngram: int) -> None:
    asked = request(12, no_repeat_ngram=ngram)
    [found] = run(kind, constant_row(0.0, 0.3, 0.0, 0.05, 0.4, 0.25), (0,), asked)
    for hypothesis in found:
        tokens = hypothesis.tokens
        ngrams = [tuple(tokens[i : i + ngram]) for i in range(len(tokens) - ngram + 1)]
        assert len(set(ngrams)) == len(ngrams)


@KINDS
def test_a_forbidden_id_is_never_emitted(kind: str) -> None:
    [found] = run(
        kind, constant_row(0.1, 0.6, 0.1, 0.1, 0.1), (0,), request(9, forbidden=(0, 1, 2))
    )
    assert all(token == 4 for h in found for token in h.tokens)


def test_cut_off_hypotheses_only_make_up_the_number() -> None:
    # One step from its end the beam has one ended hypothesis, less likely than those cut off.
    step = Table(constant_row(0.0, 0.3, 0.0, 0.25, 0.45))
    [found] = beam_search(step, Prefixes.of(0), request(1), beam=3, n_best=3, length_penalty=0)
    assert [(h.tokens, h.finished) for h in found] == [([], True), ([4], False), ([1], False)]
    [found] = beam_search(step, Prefixes.of(0), request(1), beam=3, n_best=1, length_penalty=0)
    assert [h.finished for h in found] == [True]


# --- degenerate models ---------------------------------------------------------------------------


@KINDS
def test_a_model_that_ends_at_once_says_nothing(kind: str) -> None:
    found = run(kind, constant_row(0.0, 0.0, 0.0, 1.0, 0.0), (0, 1), request(9, 9))
    for hypotheses in found:
        assert all(h.tokens == [] and h.finished and h.log_probs == [0.0] for h in hypotheses)
        assert hypotheses[0].weights_HTS.shape == (2, 1, 3)


@KINDS
def test_where_one_token_alone_is_possible_it_is_the_only_one_found(kind: str) -> None:
    [found] = run(kind, constant_row(0.0, 0.0, 0.0, 0.0, 1.0), (0,), request(3))
    assert all((h.tokens, h.finished) == ([4] * 3, False) for h in found)
    assert len(found) == (3 if kind == "sample" else 1)


@KINDS
def test_where_nothing_may_follow_the_hypothesis_is_cut_off(kind: str) -> None:
    def row(sentence: int, prefix: Prefix) -> list[float]:
        return [-INF] * 5 if len(prefix) == sentence else [-INF, -1.0, -INF, -INF, -INF]

    found = run(kind, row, (0, 2), request(9, 9))
    for sentence, hypotheses in zip((0, 2), found, strict=True):
        assert hypotheses
        best = hypotheses[0]
        assert (best.tokens, best.finished) == ([1] * sentence, False)
        assert best.weights_HTS.shape == (2, sentence, 3)


def test_a_beam_may_be_wider_than_the_vocabulary() -> None:
    found = beam_search(Table(random_row(5)), Prefixes.of(0, 1), request(6, 6), beam=20, n_best=20)
    assert [len(hypotheses) for hypotheses in found] == [20, 20]
    assert all(h.finished for h in found[0])


def test_a_model_without_attention_has_no_weights() -> None:
    table = Table(random_row(5))

    def step(tokens_N: torch.Tensor, state: Prefixes) -> Stepped:
        stepped = table(tokens_N, state)
        return stepped._replace(weights_NHS=stepped.weights_NHS[:, :0])

    [[found]] = beam_search(step, Prefixes.of(0), request(6), beam=3)
    assert found.weights_HTS.shape == (0, len(found.log_probs), 3)


# --- sampling ------------------------------------------------------------------------------------


def draws(
    seed: int, *, temperature: float = 1, top_k: int = 0, top_p: float = 1
) -> list[tuple[int, ...]]:
    [found] = sample(
        Table(random_row(VOCABULARY, spread=1)),
        Prefixes.of(0),
        request(6),
        seeds=[seed],
        samples=40,
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
    )
    return [tuple(h.tokens) for h in found]


def test_the_same_seed_draws_the_same_and_another_does_not() -> None:
    assert draws(1) == draws(1)
    assert draws(1) != draws(2)


def test_draws_differ_from_each_other() -> None:
    assert len(set(draws(1))) > 10


@pytest.mark.parametrize(
    "drawn",
    [draws(1, top_k=1), draws(1, top_p=1e-6), draws(1, temperature=1e-3)],
    ids=["top k", "top p", "cold"],
)
def test_sampling_from_the_likeliest_alone_is_greedy(drawn: list[tuple[int, ...]]) -> None:
    step = Table(random_row(VOCABULARY, spread=1))
    [[best]] = greedy(step, Prefixes.of(0), request(6))
    assert set(drawn) == {tuple(best.tokens)}


def test_draws_have_the_models_frequencies() -> None:
    step, asked = Table(constant_row(0.0, 0.2, 0.0, 0.5, 0.3)), request(2)
    [found] = sample(step, Prefixes.of(0), asked, seeds=[1], samples=4000)
    empty = sum(h.tokens == [] for h in found) / 4000
    four_first = sum(h.tokens[:1] == [4] for h in found) / 4000
    assert empty == pytest.approx(0.5, abs=0.04)  # five standard deviations
    assert four_first == pytest.approx(0.3, abs=0.04)


# --- the options of the configuration ------------------------------------------------------------


def found_by(
    options: DecodingConfig,
    max_lengths: int | list[int] | torch.Tensor = 7,
    seeds: list[int] | None = None,
) -> list[list[Hypothesis]]:
    return search(
        Table(random_row(VOCABULARY)),
        Prefixes.of(0, 1),
        sentences=2,
        max_lengths=max_lengths,
        options=options,
        bos=BOS,
        eos=EOS,
        forbidden=(PAD, BOS),
        seeds=seeds,
    )


def test_search_does_what_the_options_say() -> None:
    step, state = Table(random_row(VOCABULARY)), Prefixes.of(0, 1)
    strict = DecodingConfig(beam=4, n_best=2, length_penalty=0.6, min_length=2, no_repeat_ngram=2)
    asked = request(7, 7, min_length=2, no_repeat_ngram=2)
    expected = beam_search(step, state, asked, beam=4, n_best=2, length_penalty=0.6)
    assert same(found_by(strict), expected)
    expected = beam_search(step, state, request(7, 7), beam=1, length_penalty=1)
    assert same(found_by(DecodingConfig(beam=1)), expected)


def test_search_samples_with_seeds_of_the_option_or_the_callers() -> None:
    options = DecodingConfig(sample=True, n_best=5, top_k=3, temperature=2, seed=4)
    drawn = found_by(options)
    assert [len(hypotheses) for hypotheses in drawn] == [5, 5]
    assert same(drawn, found_by(options))
    assert not same(drawn, found_by(options.model_copy(update={"seed": 5})))
    assert not same(drawn, found_by(options, seeds=[1, 2]))


def test_longest_lengths_are_one_for_all_or_one_a_sentence() -> None:
    options = DecodingConfig(beam=3)
    assert same(found_by(options), found_by(options, max_lengths=torch.tensor([7, 7])))
    assert same(found_by(options), found_by(options, max_lengths=[7, 7]))
    with pytest.raises(ValueError, match="1 longest lengths for 2 sentences"):
        found_by(options, max_lengths=[7])
    with pytest.raises(ValueError, match="below 1"):
        found_by(options, max_lengths=[7, 0])


def test_search_leaves_no_gradient() -> None:
    scale = torch.ones((), requires_grad=True)
    table = Table(random_row(5))

    def step(tokens_N: torch.Tensor, state: Prefixes) -> Stepped:
        stepped = table(tokens_N, state)
        return stepped._replace(weights_NHS=stepped.weights_NHS * scale)

    options = DecodingConfig(beam=1)
    [[found]] = search(
        step, Prefixes.of(0), sentences=1, max_lengths=4, options=options, bos=BOS, eos=EOS
    )
    assert isinstance(found.weights_HTS, np.ndarray)


# --- numbers that are none ------------------------------------------------------------------------


def nan_from(sentence: int, length: int) -> Row:
    """A row of NaN for a sentence from a length on."""

    def row(of: int, prefix: Prefix) -> list[float]:
        lost = of == sentence and len(prefix) >= length
        return [math.nan] * VOCABULARY if lost else [-INF, -INF, -INF, -3.0, -1.0, -2.0, -0.9]

    return row


@pytest.mark.parametrize("length", [0, 2])
@pytest.mark.parametrize("options", [{"beam": 1}, {"beam": 3}, {"sample": True, "n_best": 2}])
def test_a_step_of_nan_is_an_error_that_names_the_sentence(
    options: dict[str, Any], length: int
) -> None:
    with pytest.raises(NotFiniteError) as raised:
        search(
            Table(nan_from(1, length)),
            Prefixes.of(0, 1, 2),
            sentences=3,
            max_lengths=6,
            options=DecodingConfig(**options),
            bos=BOS,
            eos=EOS,
            forbidden=(PAD, BOS),
        )
    assert raised.value.sentence == 1


@pytest.mark.parametrize("beam", [1, 3])
def test_a_graph_that_gives_nan_is_an_error_too(beam: int) -> None:
    step, state = in_numpy(Table(nan_from(1, 1))), Prefixes.of(0, 1)
    with pytest.raises(NotFiniteError):
        search_beam(step, state, request(6, 6), arrays=NumpyArrays(), beam=beam)


def test_what_stands_in_the_slots_of_a_sentence_that_has_ended_counts_for_nothing() -> None:
    step = Table(nan_from(1, 2))
    found = beam_search(step, Prefixes.of(0, 1, 2), request(6, 2, 6), beam=1)
    assert [len(hypotheses) for hypotheses in found] == [1, 1, 1]
