"""Corpus scores with 95 % intervals: BLEU, chrF and TER, through sacreBLEU; lines that are right.

One code path for every BLEU of the project: raw, detokenised hypotheses against raw references, so
that validation, `evaluate` and `score` can't disagree. Only what Unicode calls the same text is
made one (NFC), and said. The lower-cased, Moses-tokenised figures of the multi30k literature are
computed on request, beside these and labelled as such.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import chain
from typing import NamedTuple

from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.metrics.ter import TER

from seq2seq.config import BleuTokenizer
from seq2seq.counted import counted
from seq2seq.evaluation.comparable import References, Texts, comparable
from seq2seq.evaluation.metric import SEED, Score, score_metric
from seq2seq.evaluation.tokenizers import AUTO, DEFAULT, choose_tokenizer, is_cjk, load_tokenizer

_NORMAL_95 = 1.959964  # standard deviations of the normal distribution on either side
_FOUR_GRAMS = 100  # in the references; of fewer, a single one moves its precision by over 1 %
_LINES = 10  # and one for so many lines, so that BLEU doesn't rest on a few of them


class QuickScores(NamedTuple):
    """The scores of validation, in percent."""

    bleu: float
    chrf: float
    exact: float
    """The share of lines that are right to the letter."""


def score_corpus(
    hypotheses: Sequence[str],
    references: References,
    *,
    tokenize: BleuTokenizer = AUTO,
    language: str = "",
    bootstrap: int = 1000,
    seed: int = SEED,
) -> list[Score]:
    """Return BLEU (mixed case), chrF2 and TER of raw `hypotheses` against raw `references`.

    BLEU counts the tokens of `tokenize`, by default what `choose_tokenizer` finds for the target
    `language`; TER counts a Chinese or Japanese character as a word, which is sacreBLEU's option
    for them. Where a line has several references, a blank one is missing. `bootstrap` resamples
    give each its interval (fewer on a very large corpus, as the signature's `bs:` says; 0 for
    none). Where no reference has four tokens, which leaves BLEU at 0, its note says so, with the
    BLEU of the n-grams that there are. Raises UserError if the numbers of lines differ.
    """
    tokenize = choose_tokenizer(references, tokenize=tokenize, language=language)
    return score_tokens(hypotheses, references, tokenize, bootstrap=bootstrap, seed=seed)


def score_tokens(
    hypotheses: Sequence[str],
    references: References,
    tokenize: BleuTokenizer,
    *,
    bootstrap: int = 1000,
    seed: int = SEED,
) -> list[Score]:
    """Return what `score_corpus` does with a tokeniser that was chosen before."""
    texts = comparable(hypotheses, references)
    cjk = is_cjk(texts.references)
    metrics = (BLEU(tokenize=tokenize), CHRF(), TER(normalized=cjk, asian_support=cjk))
    bleu, *others = (score_metric(metric, texts, bootstrap, seed) for metric in metrics)
    if not count_runs(chain.from_iterable(texts.references), tokenize):
        short = score_metric(BLEU(tokenize=tokenize, effective_order=True), texts, 0, seed)
        note = f"no reference has four tokens, so BLEU can't tell; with eff:yes {short.value:.2f}"
        bleu = replace(bleu, note="; ".join(part for part in (note, bleu.note) if part))
    return [bleu, *others]


def count_runs(references: Iterable[str | None], tokenize: BleuTokenizer) -> int:
    """Return how many runs of four tokens, BLEU's longest n-grams, the references hold."""
    split = load_tokenizer(tokenize)
    return sum(max(0, len(split(line).split()) - 3) for line in references if line)


def quick_scores(
    hypotheses: Sequence[str], references: References, *, tokenize: BleuTokenizer = DEFAULT
) -> QuickScores:
    """Return BLEU, chrF and exact match as `evaluate` does, without intervals, for validation."""
    texts = comparable(hypotheses, references)
    bleu, chrf = (
        score_metric(metric, texts, 0, SEED).value for metric in (BLEU(tokenize=tokenize), CHRF())
    )
    return QuickScores(bleu, chrf, 100 * count_exact(texts) / len(hypotheses))


def why_bleu_is_blind(references: Sequence[str | None], tokenize: BleuTokenizer) -> str:
    """Return why BLEU says too little on `references`; empty where it says enough.

    BLEU is a mean of the precisions of one to four tokens in a row. Where hardly a line has four,
    it is 0 or depends on chance, however good the translations are.
    """
    found = count_runs(references, tokenize)
    needed = max(_FOUR_GRAMS, math.ceil(len(references) / _LINES))
    if found >= needed:
        return ""
    return (
        f"the references have {found:,} runs of four tokens (tok:{tokenize}), fewer than {needed:,}"
    )


def score_exact(hypotheses: Sequence[str], references: References) -> Score:
    """Return the share of lines that are a reference to the letter, with Wilson's 95 % interval.

    It is for tasks with one right answer; white space around a line does not count. -- Wilson 1927.
    """
    texts = comparable(hypotheses, references)
    lines, right = len(hypotheses), count_exact(texts)
    share, spread = right / lines, _NORMAL_95**2 / lines
    centre = share + spread / 2
    half = math.sqrt(spread * (share * (1 - share) + spread / 4))
    interval = tuple(100 * (centre + sign * half) / (1 + spread) for sign in (-1, 1))
    return Score(
        "exact",
        100 * share,
        f"{right:,} of {counted(lines, 'line')}",
        (max(0.0, interval[0]), min(100.0, interval[1])),
        texts.note,
    )


def count_exact(texts: Texts) -> int:
    """Return how many hypotheses equal one of their references."""
    return sum(
        hypothesis.strip() in {line.strip() for line in lines if line is not None}
        for hypothesis, *lines in zip(texts.hypotheses, *texts.references, strict=True)
    )


def render_scores(scores: Sequence[Score]) -> str:
    """Return the scores as text, one a line: name, value, interval, signature and note."""
    return "\n".join(str(score) for score in scores)
