"""What training makes small: cross-entropy over real target tokens, as sums to be divided once.

Shapes: B sentences, T target steps, N real target tokens, F features, W target vocabulary.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from seq2seq.data.batching import Batch, send
from seq2seq.kernels.output_loss import output_cross_entropy
from seq2seq.model.contract import Decoded
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


def divergence(log_probs_2NW: Tensor) -> Tensor:
    """Return the sum over N tokens of the symmetric divergence of two predictions of each.

    (KL(p || q) + KL(q || p)) / 2 -- Liang et al. 2021, equation 2. The first half of the rows are
    one prediction of all tokens, the second half the other.
    """
    one_NW, other_NW = log_probs_2NW.chunk(2)
    return ((one_NW.exp() - other_NW.exp()) * (one_NW - other_NW)).sum() / 2


class Read(NamedTuple):
    """A batch as a model has read it."""

    decoded: Decoded
    real_N: Tensor
    """The real tokens, EOS included, among all positions of the batch."""
    features_NF: Tensor
    """What the output layer reads at them."""
    targets_N: Tensor


def read_batch(
    model: Seq2Seq, batch: Batch, device: torch.device, forcing: TeacherForcing | None = None
) -> Read:
    """Return what a model makes of a batch; only real tokens meet the output layer."""
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
    return Read(decoded, real_N, features_NF, targets_N)


def token_loss(
    model: Seq2Seq, read: Read, batch: Batch, smoothing: float, *, share: float = 1.0
) -> Loss:
    """Return `share` of the loss of the tokens of a batch, and that of what units drew for them."""
    with scope("output"):
        smoothed, plain_N = output_cross_entropy(
            model.output, read.features_NF, read.targets_N, smoothing
        )
        loss = Loss(share * smoothed, plain_N.sum(), read.targets_N.numel())
        if read.decoded.choices:
            real_BT = send(batch.real_BT, plain_N.device)
            log_probs_X = plain_N.new_zeros(real_BT.numel()).index_copy(0, read.real_N, -plain_N)
            log_probs_BT = log_probs_X.view_as(real_BT)
            surrogates = [
                model.decoder.units[name].addressing.surrogate(choices, log_probs_BT, real_BT)
                for name, choices in read.decoded.choices.items()
            ]
            loss = loss._replace(total=sum(surrogates, loss.total))
        return loss


def log_probs(model: Seq2Seq, features_NF: Tensor) -> Tensor:
    """Return the log-probability of each piece, [N, W], in float32 or wider."""
    with scope("output"):
        logits_NW = model.output(features_NF)
        dtype = torch.promote_types(logits_NW.dtype, torch.float32)
        return functional.log_softmax(logits_NW, -1, dtype=dtype)


def batch_loss(
    model: Seq2Seq,
    batch: Batch,
    device: torch.device,
    smoothing: float,
    forcing: TeacherForcing | None = None,
    consistency: float = 0.0,
) -> Loss:
    """Return the loss of a batch.

    With `consistency` alpha the batch passes twice, and the loss is the mean of the two losses and
    alpha / 2 times the `divergence` of the two predictions: half of R-Drop's (Liang et al. 2021,
    equation 4), so that it has the size of a plain loss.
    """
    if consistency:
        batch = batch.twice()
        forcing = forcing and forcing._replace(forced_BT=forcing.forced_BT.repeat(2, 1))
    read = read_batch(model, batch, device, forcing)
    loss = token_loss(model, read, batch, smoothing)
    if consistency:
        apart = divergence(log_probs(model, read.features_NF))
        total = loss.total + consistency * apart
        loss = Loss(total / 2, loss.plain / 2, loss.weight // 2)
    return loss
