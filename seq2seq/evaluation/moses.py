"""The lower-cased, Moses-tokenised BLEU of the multi30k literature, labelled as such."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from typing import Any

from sacrebleu.metrics.bleu import BLEU

from seq2seq.errors import UserError
from seq2seq.evaluation.comparable import References, comparable
from seq2seq.evaluation.metric import SEED, Score, score_metric
from seq2seq.extras import install_hint


def load_moses() -> Any:
    """Return the package behind `score_moses`; UserError, naming the extra, where there is none."""
    try:
        return import_module("sacremoses")
    except ImportError:
        raise UserError(
            f"the Moses-tokenised score needs sacremoses: {install_hint('moses')}"
        ) from None


def score_moses(
    hypotheses: Sequence[str],
    references: References,
    *,
    language: str = "fr",
    bootstrap: int = 1000,
    seed: int = SEED,
) -> list[Score]:
    """Return the literature's BLEU: punctuation normalised, Moses-tokenised, lower-cased.

    Two figures: hyphenated words whole, as in multi30k's published `lc.norm.tok` files and
    LIUM-CVC 2017, and split at hyphens (`tokenizer.perl -a`), as others do. Neither compares with
    sacreBLEU's 13a. Raises UserError without the `moses` extra, or if the numbers of lines differ.
    """
    texts = comparable(hypotheses, references)
    scores = []
    for flag, split_hyphens in (("", False), (" -a", True)):
        tokenize = _MosesTokenizer(language, split_hyphens=split_hyphens)
        tokenized = texts._replace(
            hypotheses=[tokenize(line) for line in texts.hypotheses],
            references=[
                [None if line is None else tokenize(line) for line in stream]
                for stream in texts.references
            ],
        )
        metric = BLEU(lowercase=True, tokenize="none", force=True)
        score = score_metric(metric, tokenized, bootstrap, seed)
        label = f"lower-cased, Moses-tokenised{flag}; not comparable with sacreBLEU 13a"
        note = "; ".join(part for part in (label, score.note) if part)
        scores.append(replace(score, name=f"BLEU lc-moses{flag}", note=note))
    return scores


class _MosesTokenizer:
    """normalize-punctuation.perl | tokenizer.perl, by sacremoses; BLEU lower-cases."""

    def __init__(self, language: str, *, split_hyphens: bool) -> None:
        sacremoses = load_moses()
        self._normalizer = sacremoses.MosesPunctNormalizer(lang=language)
        self._tokenizer = sacremoses.MosesTokenizer(lang=language)
        self._split_hyphens = split_hyphens

    def __call__(self, line: str) -> str:
        words: str = self._tokenizer.tokenize(
            self._normalizer.normalize(line),
            aggressive_dash_splits=self._split_hyphens,
            return_str=True,
            escape=False,  # `&apos;` and `'` count alike
        )
        return words
