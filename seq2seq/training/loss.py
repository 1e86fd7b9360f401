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
    """Sums over `tokens` tokens, in nats: what is minimised, and the plain likelihood's share."""

    smoothed: Tensor
    plain: Tensor
    tokens: int


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
        real_BT = torch.arange(batch.targets_BT.size(1)) < batch.target_lengths_B.unsqueeze(1)
        # Places, not a mask: how many it leaves CUDA would have to tell first, and all would wait.
        real_N = send(real_BT.flatten().nonzero().squeeze(1), device)
        features_NF = decoded.features_BTF.flatten(0, 1).index_select(0, real_N)
        targets_N = ids.targets_BT.flatten().index_select(0, real_N)
        smoothed, plain_N = output_cross_entropy(model.output, features_NF, targets_N, smoothing)
        loss = Loss(smoothed, plain_N.sum(), targets_N.numel())
        if not decoded.choices:
            return loss
        real_BT = send(real_BT, device)
        log_probs_X = plain_N.new_zeros(real_BT.numel()).index_copy(0, real_N, -plain_N)
        log_probs_BT = log_probs_X.view_as(real_BT)
        surrogates = [
            model.decoder.units[name].addressing.surrogate(choices, log_probs_BT, real_BT)
            for name, choices in decoded.choices.items()
        ]
        return loss._replace(smoothed=sum(surrogates, loss.smoothed))
