"""What training makes small: cross-entropy over real target tokens, as sums to be divided once.

Shapes: B sentences, T target steps, N real target tokens, W target vocabulary.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from seq2seq.data.batching import Batch
from seq2seq.model.model import Seq2Seq, TeacherForcing
from seq2seq.training.output_loss import output_cross_entropy


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
    ids = batch.to(device, non_blocking=True)
    decoded = model(ids.source_BS, ids.source_lengths_B, ids.inputs_BT, forcing)
    places_T = torch.arange(batch.targets_BT.size(1))
    real_BT = (places_T < batch.target_lengths_B.unsqueeze(1)).to(device, non_blocking=True)
    features_NF, targets_N = decoded.features_BTF[real_BT], ids.targets_BT[real_BT]
    smoothed, plain_N = output_cross_entropy(model.output, features_NF, targets_N, smoothing)
    loss = Loss(smoothed, plain_N.sum(), targets_N.numel())
    if decoded.choices is None:
        return loss
    addressing = model.decoder.attention.addressing
    log_probs_BT = real_BT.to(plain_N.dtype).masked_scatter(real_BT, -plain_N)
    surrogate = addressing.surrogate(decoded.choices, log_probs_BT, real_BT)
    return loss._replace(smoothed=loss.smoothed + surrogate)
