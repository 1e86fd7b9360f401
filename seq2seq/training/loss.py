"""What training makes small: cross-entropy over real target tokens, as sums to be divided once.

Shapes: B sentences, T target steps, N real target tokens, W target vocabulary.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from seq2seq.data.batching import Batch, send
from seq2seq.kernels.output_loss import output_cross_entropy
from seq2seq.model.model import Seq2Seq, TeacherForcing
from seq2seq.model.probe import scope


class Loss(NamedTuple):
    """Sums over a batch, and what both are to be divided by."""

    total: Tensor
    """What is made small."""
    plain: Tensor
    """What is reported, in nats: the negative log-likelihood, without gradient."""
    weight: int
    """The number of target tokens."""
    forced: int = 0
    """Of the inputs that a draw decided on, how many came from the reference ..."""
    forcible: int = 0
    """... and how many there were."""


def cross_entropy(logits_NW: Tensor, targets_N: Tensor, smoothing: float) -> Loss:
    """Return the cross-entropy of `targets_N`, smoothed and plain, in float32 or wider.

    The smoothed target gives `smoothing` of its mass to all W tokens alike -- Szegedy et al. 2016.
    This is the readable form of `output_cross_entropy`, which training takes.
    """
    dtype = torch.promote_types(logits_NW.dtype, torch.float32)
    log_probs_NW = functional.log_softmax(logits_NW, -1, dtype=dtype)
    plain = functional.nll_loss(log_probs_NW, targets_N, reduction="sum")
    smoothed = plain
    if smoothing:
        uniform = -log_probs_NW.sum() / log_probs_NW.size(-1)
        smoothed = (1 - smoothing) * plain + smoothing * uniform
    return Loss(smoothed, plain.detach(), targets_N.numel())


def batch_loss(
    model: Seq2Seq,
    batch: Batch,
    device: torch.device,
    smoothing: float,
    forcing: TeacherForcing | None = None,
) -> Loss:
    """Return the loss of a batch; only real tokens, EOS included, meet the output layer."""
    ids = batch.to(device)
    if forcing is not None:
        forcing = forcing._replace(forced_BT=send(forcing.forced_BT, device))
    decoded = model(ids.source_BS, ids.source_lengths_B, ids.inputs_BT, forcing)
    with scope("output"):
        # Positions, not a mask: CUDA would have to tell first how many it leaves, and all would
        # wait.
        real_N = send(batch.real_BT.flatten().nonzero().squeeze(1), device)
        features_NF = decoded.features_BTF.flatten(0, 1).index_select(0, real_N)
        targets_N = ids.targets_BT.flatten().index_select(0, real_N)
        smoothed, plain_N = output_cross_entropy(model.output, features_NF, targets_N, smoothing)
        loss = Loss(smoothed, plain_N.sum(), targets_N.numel())
        if not decoded.choices:
            return loss
        real_BT = send(batch.real_BT, device)
        log_probs_X = plain_N.new_zeros(real_BT.numel()).index_copy(0, real_N, -plain_N)
        log_probs_BT = log_probs_X.view_as(real_BT)
        surrogates = [
            model.decoder.units[name].addressing.surrogate(choices, log_probs_BT, real_BT)
            for name, choices in decoded.choices.items()
        ]
        return loss._replace(total=sum(surrogates, loss.total))
