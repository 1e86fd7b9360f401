"""The same network on the device and on the CPU: loss, gradients, translations.

Networks, sentences and sizes are those of the laws (`seq2seq.conformance.laws`): weights of
deviation 0.5, losses of some 30 nats. What float32 rounds off at these sizes is about 1e-6 of a
value; the tolerances leave it a hundred times that.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
import torch
from torch import Tensor

from seq2seq.config import DecodingConfig
from seq2seq.conformance.laws import LENGTHS, Case, build, inputs
from seq2seq.data.batching import Batch, collate
from seq2seq.data.tokenizer import BOS, EOS
from seq2seq.inference.model_step import ModelState, model_step
from seq2seq.model.model import Seq2Seq
from seq2seq.search.hypothesis import Hypothesis
from seq2seq.search.search import search
from seq2seq.training.loss import batch_loss

pytestmark = pytest.mark.gpu

CPU = torch.device("cpu")
FLOAT32, FLOAT64 = 1e-4, 1e-10  # of a value, and of 1
GREEDY, BEAM = DecodingConfig(beam=1), DecodingConfig(beam=4, n_best=2)

UNITS: list[dict[str, Any]] = [
    {"kind": "dot"},
    {"kind": "additive", "size": 5},
    {"kind": "multihead", "size": 6, "heads": 3},
    {"kind": "location", "positions": 9},
    {"kind": "location-aware", "size": 5, "filters": 3, "width": 3},
    {"kind": "coverage", "size": 5},
    {"kind": "none"},
    {"kind": "sigma-pi", "rank": 5, "query_factors": 2},
    {"kind": "general", "addressing": "sparsemax"},
    {"kind": "general", "addressing": {"kind": "local-p", "window": 2}},
    {"kind": "cosine", "addressing": "ntm"},
]
DECODERS: list[dict[str, Any]] = [
    {"kind": "luong"},
    {"kind": "luong", "input_feeding": True},
    {"kind": "bahdanau"},
    {"kind": "conditional"},
]
TRANSFORMER = {"kind": "transformer", "self_attention": {"kind": "additive", "size": 5}}
NORMS: list[dict[str, Any]] = [{"norm": "pre"}, {"norm": "post", "positions": "learnt"}]
CELLS: list[dict[str, Any]] = [
    {"kind": "ntm", "slots": 5, "width": 3, "reads": 2},
    {"kind": "dnc", "slots": 5, "width": 3, "reads": 2},
    {"kind": "fast-weights"},
    {"kind": "fast-weights", "gate": "update", "decay": "learned", "norm": "length"},
    {"kind": "fast-associative", "inner": 2},
    {"kind": "hyper", "small": 3},
    {"kind": "multiplicative"},
    {"kind": "multiplicative-lstm"},
    {"kind": "sigma-pi", "rank": 3},
]
CASES = [
    *(Case(unit, decoder) for unit in UNITS for decoder in DECODERS),
    *(
        Case(UNITS[1], {**decoder, "cell": "lstm", "layers": 2}, {"kind": "lstm", "layers": 2})
        for decoder in DECODERS
    ),
    Case(UNITS[0], DECODERS[0], {"self_attention": {"kind": "multihead", "heads": 2}}),
    *(
        Case(UNITS[2], {"kind": "transformer", **norm}, {"kind": "transformer", **norm})
        for norm in NORMS
    ),
    *(
        Case(UNITS[2], decoder, {"kind": "perceiver", "latents": 5})
        for decoder in (*DECODERS, TRANSFORMER)
    ),
    *(
        Case(UNITS[0], {**decoder, "cell": cell}, {"cell": cell})
        for decoder in DECODERS[::2]
        for cell in CELLS
    ),
]
every_case = pytest.mark.parametrize("case", CASES, ids=str)


def batch() -> Batch:
    source_BS, _, targets_BT = (tensor.numpy() for tensor in inputs())
    sources = [row[:length] for row, length in zip(source_BS, LENGTHS, strict=True)]
    targets = [row[:length] for row, length in zip(targets_BT, (5, 3, 1), strict=True)]
    return collate(list(zip(sources, targets, strict=True)), source_end=False)


def placed(case: Case, device: torch.device, dtype: torch.dtype) -> Seq2Seq:
    # In training, as cuDNN makes no gradients in evaluation; there is no dropout to differ by.
    return build(case).to(device, dtype).train()


def gradients(model: Seq2Seq, device: torch.device) -> dict[str, Tensor]:
    """The loss, and the gradient of every parameter, in float64 on the CPU."""
    loss = batch_loss(model, batch(), device, smoothing=0.1).total
    loss.backward()
    found = {name: each.grad for name, each in model.named_parameters() if each.grad is not None}
    return {name: each.detach().double().cpu() for name, each in {"loss": loss, **found}.items()}


def decoded(model: Seq2Seq, options: DecodingConfig, device: torch.device) -> list[Hypothesis]:
    source_BS, lengths_B, _ = inputs()
    model = deepcopy(model).eval()
    with torch.no_grad():
        found = search(
            model_step(model),
            ModelState(*model.encode(source_BS.to(device), lengths_B)),
            sentences=len(LENGTHS),
            max_lengths=8,
            options=options,
            bos=BOS,
            eos=EOS,
            device=device,
        )
    return [hypothesis for hypotheses in found for hypothesis in hypotheses]


def assert_close(found: object, expected: object, tolerance: float) -> None:
    torch.testing.assert_close(found, expected, rtol=tolerance, atol=tolerance)


@every_case
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float32, FLOAT32), (torch.float64, FLOAT64)], ids=str
)
def test_loss_and_gradients_are_those_of_float64_on_the_cpu(
    case: Case, dtype: torch.dtype, tolerance: float, device: torch.device
) -> None:
    expected = gradients(placed(case, CPU, torch.float64), CPU)
    assert_close(gradients(placed(case, device, dtype), device), expected, tolerance)


@every_case
def test_loss_and_gradients_are_those_of_float32_on_the_cpu(
    case: Case, device: torch.device
) -> None:
    expected = gradients(placed(case, CPU, torch.float32), CPU)
    found = gradients(placed(case, device, torch.float32), device)
    assert_close(found, expected, FLOAT32)


@every_case
@pytest.mark.parametrize("options", [GREEDY, BEAM], ids=["greedy", "beam"])
def test_translations_are_those_of_the_cpu(
    case: Case, options: DecodingConfig, device: torch.device
) -> None:
    found = decoded(placed(case, device, torch.float32), options, device)
    for dtype in (torch.float32, torch.float64):
        expected = decoded(placed(case, CPU, dtype), options, CPU)
        assert [each.tokens for each in found] == [each.tokens for each in expected]
        for mine, theirs in zip(found, expected, strict=True):
            assert mine.log_probs == pytest.approx(theirs.log_probs, rel=FLOAT32, abs=FLOAT32)
            assert_close(mine.weights_HTS, theirs.weights_HTS, FLOAT32)


@every_case
def test_bf16_is_close_to_float32(case: Case, device: torch.device) -> None:
    """8 bits, of which each of some dozen steps rounds off half of the last: 2 % leaves room."""
    expected = gradients(placed(case, device, torch.float32), device)
    with torch.autocast(device.type, torch.bfloat16):
        model = placed(case, device, torch.float32)
        loss = batch_loss(model, batch(), device, smoothing=0.1).total
    loss.backward()
    assert float(loss.detach()) == pytest.approx(float(expected.pop("loss")), rel=0.02)
    parameters = dict(model.named_parameters())
    mine, theirs = (
        torch.cat([tensor.flatten() for tensor in tensors])
        for tensors in (
            [torch.as_tensor(parameters[name].grad).double().cpu() for name in expected],
            list(expected.values()),
        )
    )
    assert float(torch.cosine_similarity(mine, theirs, 0)) > 0.99
