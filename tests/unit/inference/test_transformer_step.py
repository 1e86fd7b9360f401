"""The Transformer's step in search against the plain one, in searches longer than a block."""

import pytest
import torch

from seq2seq.config import DecodingConfig, ModelConfig
from seq2seq.inference.fast_step import fast_step_of
from seq2seq.inference.model_step import ModelState, model_step
from seq2seq.inference.transformer_step import SharedState, TransformerStep
from seq2seq.model.attention.causal import BLOCK
from seq2seq.model.model import Seq2Seq
from seq2seq.search.hypothesis import Hypothesis
from seq2seq.search.search import search
from seq2seq.search.step import State, Step

BOS, EOS, SENTENCES, LONGEST = 2, 3, 9, 40


def build(**decoder: object) -> Seq2Seq:
    torch.manual_seed(1)
    config = ModelConfig.model_validate(
        {
            "embedding": 8,
            "encoder": {"kind": "transformer", "size": 8, "layers": 1},
            "attention": {"kind": "multihead", "heads": 2},
            "decoder": {"kind": "transformer", "size": 8, "layers": 2, **decoder},
        }
    )
    model = Seq2Seq(config, 30, 30).double().eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return model


def source() -> tuple[torch.Tensor, torch.Tensor]:
    lengths_B = torch.arange(1, SENTENCES + 1)
    source_BS = torch.randint(4, 30, (SENTENCES, SENTENCES))
    return source_BS, lengths_B


def found(step: Step, state: State, options: DecodingConfig) -> list[list[Hypothesis]]:
    lengths = [LONGEST - 3 * row for row in range(SENTENCES)]  # so sentences leave by and by
    return search(
        step,
        state,
        sentences=SENTENCES,
        max_lengths=lengths,
        options=options,
        bos=BOS,
        eos=EOS,
    )


@pytest.mark.parametrize(
    "options",
    [
        DecodingConfig(beam=1),
        DecodingConfig(beam=4, n_best=4),
        DecodingConfig(sample=True, n_best=3),
    ],
    ids=["greedy", "beam", "sample"],
)
def test_a_long_search_finds_what_it_finds_by_the_plain_step(options: DecodingConfig) -> None:
    model = build()
    step = fast_step_of(model)
    assert isinstance(step, TransformerStep)
    memory, state = model.encode(*source())
    slots = options.n_best if options.sample else options.beam
    expected = found(model_step(model), ModelState(memory, state), options)
    hypotheses = found(step, step.start(memory, state, slots=slots), options)
    assert max(len(one.tokens) for row in expected for one in row) * slots > BLOCK or slots == 1
    for ours, theirs in zip(hypotheses, expected, strict=True):
        for one, other in zip(ours, theirs, strict=True):
            assert one.tokens == other.tokens
            assert one.log_probs == pytest.approx(other.log_probs, abs=1e-6)
            torch.testing.assert_close(
                torch.from_numpy(one.weights_HTS), torch.from_numpy(other.weights_HTS)
            )


def test_a_reordered_beam_moves_no_key() -> None:
    model = build()
    step = TransformerStep(model)
    state = step.start(*model.encode(*source()), slots=2).repeat(2)
    tokens_N = torch.arange(4, 4 + 2 * SENTENCES)
    after: SharedState = step(tokens_N, state).state
    swapped_N = torch.arange(2 * SENTENCES).unflatten(0, (-1, 2)).flip(1).flatten()
    reordered = after.reorder(swapped_N)
    assert reordered.layers is after.layers
    assert after.visible_BKS[0].tolist() == [[True, False], [False, True]]
    assert reordered.visible_BKS[0].tolist() == [[False, True], [True, False]]


def test_a_unit_that_carries_a_state_has_no_such_step() -> None:
    assert fast_step_of(build(self_attention="coverage")) is None
    assert fast_step_of(build(self_attention="dot")) is not None
