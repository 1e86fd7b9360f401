"""Exposure bias: what a translation loses because the decoder reads its own words.

In training a decoder reads the reference, in translation what it wrote itself, and one error may
lead to the next -- Bengio et al. 2015, section 1; Ranzato et al. 2016, section 1. Here it goes on
once from the first half of the reference and once from its own, and what follows is compared with
the second half of the reference -- Wu et al. 2018 (Beyond Error Propagation), section 3; He et al.
2021, section 4.

Shapes: B sentences, T target steps, W target vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from seq2seq.config import BleuTokenizer
from seq2seq.counted import counted
from seq2seq.data.batching import as_source, collate
from seq2seq.data.tokenizer import BOS, EOS, PAD, UNK, Tokenizer
from seq2seq.data.words import split_words
from seq2seq.errors import UserError
from seq2seq.evaluation.comparable import References
from seq2seq.evaluation.scores import quick_scores, why_bleu_is_blind
from seq2seq.inference.translator import Translator
from seq2seq.translation.careful import batch_size
from seq2seq.translation.texts import longest

_NOTHING = "exposure: expected sources with references of two words, found none"


@dataclass(frozen=True)
class Exposure:
    """BLEU and chrF, percent, of the second half of the references, as greedy search finds it.

    `own_...` after the first half of the model's own translation, `reference_...` after the first
    half of the reference, `..._gap` what the second gains over the first.
    """

    sentences: int
    """Those whose reference has two words or more."""
    own_bleu: float | None
    """None where the halves have too few runs of four tokens for BLEU to tell (`blind`)."""
    reference_bleu: float | None
    bleu_gap: float | None
    own_chrf: float
    reference_chrf: float
    chrf_gap: float
    blind: str
    """Why there is no BLEU; empty where there is."""

    def render(self) -> str:
        """Return the scores as a table."""
        halves = f"second halves of {counted(self.sentences, 'reference')}"
        rows = [
            ("its own first half", self.own_bleu, self.own_chrf, ""),
            ("the reference", self.reference_bleu, self.reference_chrf, ""),
            ("gap", self.bleu_gap, self.chrf_gap, "+"),
        ]
        lines = [f"exposure bias: {halves}, plain greedy search"]
        lines += [f"{'after':<18}  {'BLEU':>6}  {'chrF':>6}"]
        for name, bleu, chrf, sign in rows:
            shown = "-" if bleu is None else f"{bleu:{sign}.2f}"
            lines.append(f"{name:<18}  {shown:>6}  {chrf:>{sign}6.2f}")
        if self.blind:
            lines.append(f"(no BLEU: {self.blind})")
        return "\n".join(lines)


def check_exposure(references: References) -> None:
    """Raise UserError unless a first reference has two words, before the work."""
    if not any(reference and len(split_words(reference)) > 1 for reference in references[0]):
        raise UserError(_NOTHING)


def measure_exposure(
    translator: Translator,
    sources: Sequence[str],
    references: References,
    *,
    tokenize: BleuTokenizer,
) -> Exposure:
    """Return how much better second halves are after the first half of the first references.

    A half is that of the words, the first one having the middle word. The search is the plain
    greedy one, whatever the settings of decoding: only how long a translation may get is theirs.
    The reference also tells how its translator put it, so the gap is the most that exposure bias
    can be.

    Raises UserError for an ensemble, or if no source has a reference of two words.
    """
    if len(translator.models) > 1:
        raise UserError(f"exposure: expected one model, found {len(translator.models)}")
    tokenizer = translator.tokenizers.target
    pairs = [
        (as_source(translator.source_ids(source)), tokenizer.encode(target))
        for source, target in zip(sources, references[0], strict=True)
        if target and len(split_words(target)) > 1 and not translator.is_blank(source)
    ]
    if not pairs:
        raise UserError(_NOTHING)
    pairs.sort(key=lambda pair: len(pair[1]))  # those of a batch end at about the same time
    expected: list[str] = []
    after_own: list[str] = []
    after_reference: list[str] = []
    size = batch_size(translator.options)
    for start in range(0, len(pairs), size):
        some = [source for source, _ in pairs[start : start + size]]
        halves = [_halves(tokenizer, ids) for _, ids in pairs[start : start + size]]
        expected += [tokenizer.decode(second) for _, second in halves]
        owns = _go_on(translator, some, [[] for _ in some])
        after_own += [tokenizer.decode(_halves(tokenizer, ids)[1]) for ids in owns]
        goings_on = _go_on(translator, some, [first for first, _ in halves])
        after_reference += map(tokenizer.decode, goings_on)
    own, reference = (
        quick_scores(found, [expected], tokenize=tokenize) for found in (after_own, after_reference)
    )
    blind = why_bleu_is_blind(expected, tokenize)
    return Exposure(
        sentences=len(expected),
        own_bleu=None if blind else own.bleu,
        reference_bleu=None if blind else reference.bleu,
        bleu_gap=None if blind else reference.bleu - own.bleu,
        own_chrf=own.chrf,
        reference_chrf=reference.chrf,
        chrf_gap=reference.chrf - own.chrf,
        blind=blind,
    )


def _halves(tokenizer: Tokenizer, ids: list[int]) -> tuple[list[int], list[int]]:
    """The pieces up to the middle word, it included, and those after it."""
    words = tokenizer.target_words(ids)
    first = [piece for word in words[: (len(words) + 1) // 2] for piece in word.pieces]
    cut = max(first, default=-1) + 1
    return ids[:cut], ids[cut:]


@torch.inference_mode()
def _go_on(
    translator: Translator, sources: Sequence[npt.NDArray[Any]], prefixes: Sequence[list[int]]
) -> list[list[int]]:
    """What greedy search writes after each prefix, without it and without its end."""
    (model,) = translator.models
    pairs = list(zip(sources, prefixes, strict=True))
    ids = [(source, np.asarray(prefix, np.int64)) for source, prefix in pairs]
    batch = collate(ids, source_end=False).to(translator.device)  # the sources have their end
    # Where a row is cut if it has not ended.
    stops = [len(prefix) + longest(len(source), translator.options) for source, prefix in pairs]
    memory, state = model.encode(batch.source_BS, batch.source_lengths_B)
    given_BT = batch.real_BT.to(translator.device)  # BOS and the prefix
    lengths_B = batch.target_lengths_B.to(translator.device)
    choice_B = batch.inputs_BT[:, 0]
    ended_B = torch.zeros_like(choice_B, dtype=torch.bool)
    written = []
    for step in range(max(stops)):
        if step < given_BT.size(1):
            choice_B = torch.where(given_BT[:, step], batch.inputs_BT[:, step], choice_B)
        decoded = model.decode(choice_B.unsqueeze(1), memory, state)
        state = decoded.state
        logits_BW = model.output(decoded.features_BTF.squeeze(1))
        logits_BW[:, [PAD, BOS, UNK]] = -torch.inf
        choice_B = logits_BW.argmax(-1)
        written.append(choice_B)
        ended_B |= (choice_B == EOS) & (step + 1 >= lengths_B)
        if ended_B.all():
            break
    rows = torch.stack(written, 1).tolist()
    return [
        _until_end(row[len(prefix) : stop])
        for row, prefix, stop in zip(rows, prefixes, stops, strict=True)
    ]


def _until_end(ids: list[int]) -> list[int]:
    return ids[: ids.index(EOS)] if EOS in ids else ids
