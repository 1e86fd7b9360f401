from itertools import chain

import numpy as np
import pytest
import torch
from torch import Tensor

from seq2seq.config import DecodingConfig
from seq2seq.search.ensemble import EnsembleState, ensemble
from seq2seq.search.hypothesis import Hypothesis
from seq2seq.search.search import search
from seq2seq.search.step import State, Step, Stepped
from tests.unit.search.fakes import BOS, EOS, Prefixes, Table, constant_row, random_row


def test_an_ensemble_of_one_is_the_model_exactly() -> None:
    def searched(step: Step, state: State) -> list[list[Hypothesis]]:
        options = DecodingConfig(beam=4, n_best=4)
        lengths = [7, 5, 6]
        return search(
            step, state, sentences=3, max_lengths=lengths, options=options, bos=BOS, eos=EOS
        )

    model = Table(random_row(6), torch.float32)
    alone = searched(model, Prefixes.of(0, 1, 2))
    together = searched(ensemble([model]), EnsembleState((Prefixes.of(0, 1, 2),)))
    for ours, theirs in zip(chain(*together), chain(*alone), strict=True):
        assert (ours.tokens, ours.log_probs) == (theirs.tokens, theirs.log_probs)
        assert np.array_equal(ours.weights_HTS, theirs.weights_HTS)


def test_an_ensemble_averages_probabilities() -> None:
    steps = [Table(constant_row(0.1, 0.6, 0.3)), Table(constant_row(0.5, 0.2, 0.3))]
    state = EnsembleState((Prefixes.of(0, 1), Prefixes.of(0, 1)))
    stepped = ensemble(steps)(torch.tensor([BOS, BOS]), state)
    expected = torch.tensor([[0.3, 0.4, 0.3]] * 2, dtype=torch.float64)
    torch.testing.assert_close(stepped.log_probs_NW.exp(), expected)


def test_what_one_model_alone_forbids_is_possible_and_what_all_forbid_is_not() -> None:
    steps = [Table(constant_row(0.0, 1.0, 0.0)), Table(constant_row(0.5, 0.5, 0.0))]
    state = EnsembleState((Prefixes.of(0), Prefixes.of(0)))
    log_probs_NW = ensemble(steps)(torch.tensor([BOS]), state).log_probs_NW
    expected = torch.tensor([[0.25, 0.75, 0.0]], dtype=torch.float64)
    torch.testing.assert_close(log_probs_NW.exp(), expected)


def attending(weights_NHS: Tensor) -> Step:
    return lambda tokens_N, state: Stepped(torch.zeros(1, 4), weights_NHS, state)


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        (torch.tensor([[[0.2, 0.8]]]), torch.tensor([[[0.4, 0.6]]])),
        (torch.full((1, 4, 2), 0.5), torch.tensor([[[0.6, 0.4]]])),
        (torch.zeros(1, 0, 2), torch.tensor([[[0.6, 0.4]]])),
    ],
    ids=["same shape: the mean", "other heads: the first's", "no attention: the first's"],
)
def test_attention_is_averaged_where_shapes_agree(second: Tensor, expected: Tensor) -> None:
    step = ensemble([attending(torch.tensor([[[0.6, 0.4]]])), attending(second)])
    state = EnsembleState((Prefixes.of(0), Prefixes.of(0)))
    torch.testing.assert_close(step(torch.tensor([BOS]), state).weights_NHS, expected)


def test_every_models_state_follows() -> None:
    states = (Prefixes.of(0, 1), Prefixes.of(0, 1))
    state = EnsembleState(states).repeat(2).reorder(torch.tensor([1, 0, 2, 2]))
    kept = state.keep(torch.tensor([2, 3]))
    assert [own.calls for own in states] == [["repeat", "reorder", "keep"]] * 2
    for own in kept.states:
        assert isinstance(own, Prefixes)
        assert own.sentences == [1, 1]


def test_an_ensemble_of_none_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        ensemble([])
