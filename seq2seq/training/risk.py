"""Minimum-risk training: the expected score of whole translations -- Shen et al. 2016.

    risk = sum over translations y of Q(y) (1 - BLEU(y)),  Q(y) ~ P(y | source) ^ alpha

The sum is over the reference and translations that the model draws. It goes on from a model that
likelihood has trained (`init`): what an untrained model draws tells nothing.

Shapes: B sentences, K candidates each, the reference the first; N = B K; T steps of the longest.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from sacrebleu.metrics.bleu import BLEU
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from seq2seq.bounds import Count, Positive, Weight
from seq2seq.config import TrainingConfig
from seq2seq.data.batching import Batch, Size
from seq2seq.data.tokenizer import BOS, EOS, PAD
from seq2seq.kernels.precision import autocast
from seq2seq.model.contract import select
from seq2seq.model.model import Seq2Seq
from seq2seq.training.loss import Loss
from seq2seq.training.objective import Objective
from seq2seq.training.teacher_forcing import sample

_LONGER, _MORE = 1.5, 5
"""A draw ends at so many times the longest reference of the batch, and so many pieces more."""


class MinimumRisk(Objective):
    """The expected 1 - BLEU of a sentence, and `likelihood` times its reference's cost.

    BLEU is sacreBLEU's of a sentence, over pieces.
    """

    def __init__(
        self,
        model: Seq2Seq,
        *,
        samples: int = 8,
        alpha: float = 0.005,
        likelihood: float = 0.0,
        precision: str = "fp32",
    ) -> None:
        super().__init__()
        self.model = model
        self.samples, self.alpha, self.likelihood = samples, alpha, likelihood
        self.precision = precision

    def weight(self, size: Size) -> int:
        """Return the number of sentences."""
        return size.sentences

    def forward(self, batch: Batch, step: int = 0) -> Loss:
        """Return the risk of a batch; what is reported is the cost of its references."""
        device = self.model.output.weight.device
        with autocast(self.precision, device.type):
            candidates = self._candidates(batch, device)
            log_probs_BK = self._log_probs(batch, candidates, device).view(len(batch), -1)
        new_BK = first_of_each(candidates).to(device)
        scores_BK = torch.tensor(
            [[sentence_bleu(ids, drawn[0]) for ids in drawn] for drawn in candidates],
            device=device,
        )
        sharpened_BK = (self.alpha * log_probs_BK).masked_fill(~new_BK, -math.inf)
        risk_B = (sharpened_BK.softmax(1) * (1 - scores_BK)).sum(1)
        cost_B = -log_probs_BK[:, 0]
        real_B = batch.real_BT.any(1).to(device)  # none of an emptied batch
        total = ((risk_B + self.likelihood * cost_B) * real_B).sum()
        return Loss(total, (cost_B * real_B).sum().detach(), batch.target_tokens)

    def _candidates(self, batch: Batch, device: torch.device) -> list[list[tuple[int, ...]]]:
        """The reference of each sentence, and what is drawn for it, without BOS and EOS."""
        references = [
            tuple(ids[: length - 1])
            for ids, length in zip(
                batch.targets_BT.tolist(), batch.target_lengths_B.tolist(), strict=True
            )
        ]
        drawn = self._draw(batch, device)
        return [
            [reference, *drawn[number * self.samples : (number + 1) * self.samples]]
            for number, reference in enumerate(references)
        ]

    @torch.no_grad()
    def _draw(self, batch: Batch, device: torch.device) -> list[tuple[int, ...]]:
        """`samples` translations of each sentence, drawn without dropout."""
        rows_N = torch.arange(len(batch), device=device).repeat_interleave(self.samples)
        steps = int(_LONGER * batch.targets_BT.size(1)) + _MORE
        with _evaluating(self.model):
            ids = batch.to(device)
            memory, state = self.model.encode(ids.source_BS, ids.source_lengths_B)
            memory, state = select(memory, rows_N), select(state, rows_N)
            token_N = torch.full_like(rows_N, BOS)
            tokens: list[Tensor] = []
            ended_N = torch.zeros_like(rows_N, dtype=torch.bool)
            while len(tokens) < steps and not bool(ended_N.all()):
                decoded = self.model.decode(token_N.unsqueeze(1), memory, state)
                state = decoded.state
                logits_NW = self.model.output(decoded.features_BTF.squeeze(1))
                logits_NW[:, [PAD, BOS]] = -math.inf
                token_N = sample(logits_NW).masked_fill(ended_N, EOS)
                ended_N = ended_N | (token_N == EOS)
                tokens.append(token_N)
        return [_until_end(row) for row in torch.stack(tokens, 1).tolist()]

    def _log_probs(
        self, batch: Batch, candidates: Sequence[Sequence[tuple[int, ...]]], device: torch.device
    ) -> Tensor:
        """The log-probability of each candidate, its end counted, [N]."""
        rows_N = torch.arange(len(batch)).repeat_interleave(len(candidates[0]))
        targets = [torch.tensor([*ids, EOS]) for drawn in candidates for ids in drawn]
        targets_NT = pad_sequence(targets, batch_first=True, padding_value=PAD).to(device)
        inputs_NT = targets_NT.roll(1, 1)
        inputs_NT[:, 0] = BOS
        real_NT = targets_NT != PAD
        inputs_NT = inputs_NT.masked_fill(~real_NT, PAD)
        source_NS = batch.source_BS.index_select(0, rows_N).to(device)
        decoded = self.model(source_NS, batch.source_lengths_B[rows_N], inputs_NT)
        logits = self.model.output(decoded.features_BTF[real_NT])
        dtype = torch.promote_types(logits.dtype, torch.float32)
        log_probs = logits.log_softmax(-1, dtype=dtype)
        chosen = log_probs.gather(1, targets_NT[real_NT].unsqueeze(1))
        log_probs_NT = chosen.new_zeros(targets_NT.shape).masked_scatter(real_NT, chosen)
        return log_probs_NT.sum(1)


def minimum_risk(
    model: Seq2Seq,
    config: TrainingConfig,
    *,
    samples: Count = 8,
    alpha: Positive = 0.005,
    likelihood: Weight = 0.0,
) -> Objective:
    """Return the objective."""
    return MinimumRisk(
        model,
        samples=samples,
        alpha=alpha,
        likelihood=likelihood,
        precision=config.precision,
    )


def sentence_bleu(hypothesis: Sequence[int], reference: Sequence[int]) -> float:
    """Return sacreBLEU's BLEU of a sentence over pieces, from 0 to 1."""
    texts = [" ".join(map(str, ids)) for ids in (hypothesis, reference)]
    return float(_BLEU.sentence_score(texts[0], [texts[1]]).score) / 100


_BLEU = BLEU(tokenize="none", effective_order=True, force=True)


def first_of_each(candidates: Sequence[Sequence[tuple[int, ...]]]) -> Tensor:
    """Return where a candidate [B, K] is not one of those before it in its sentence."""
    return torch.tensor(
        [[ids not in drawn[:number] for number, ids in enumerate(drawn)] for drawn in candidates]
    )


def _until_end(ids: Sequence[int]) -> tuple[int, ...]:
    return tuple(ids[: ids.index(EOS)] if EOS in ids else ids)


@contextmanager
def _evaluating(model: Seq2Seq) -> Iterator[None]:
    training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(training)
