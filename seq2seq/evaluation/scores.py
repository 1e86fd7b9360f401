"""Corpus scores with signatures and 95 % intervals: BLEU, chrF and TER, all through sacreBLEU.

One code path for every BLEU of the project: raw, detokenised hypotheses against raw references, so
that validation, `evaluate` and `score` can't disagree. The lower-cased, Moses-tokenised figures of
the multi30k literature are computed on request, beside these and labelled as such.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any, TypeAlias

from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.metrics.ter import TER

from seq2seq.errors import UserError
from seq2seq.extras import install_hint

References: TypeAlias = Sequence[Sequence["str | None"]]
"""Streams: references[k][i] is the k-th reference of line i, None where a line has fewer."""

SEED = 12345
_RESAMPLED_LINES = 5_000_000  # sacreBLEU holds every resample at once: this is 360 MB for chrF
_FEWEST_RESAMPLES = 40  # below this a 95 % interval is the whole range


@dataclass(frozen=True)
class Score:
    """One metric on one corpus, in percent; BLEU and chrF rise with quality, TER falls."""

    name: str
    value: float
    signature: str
    interval: tuple[float, float] | None = None
    """Bootstrap 95 %: sacreBLEU's mean of the resamples minus and plus half the range."""
    note: str = ""

    def __str__(self) -> str:
        """Return name, value, interval, signature and note in one line."""
        text = f"{self.name} {self.value:.2f}"
        if self.interval:
            text += f" [{self.interval[0]:.2f}, {self.interval[1]:.2f}]"
        text += f"  {self.signature}"
        return f"{text}  ({self.note})" if self.note else text


def score_corpus(
    hypotheses: Sequence[str],
    references: References,
    *,
    bootstrap: int = 1000,
    seed: int = SEED,
) -> list[Score]:
    """Return BLEU (13a, mixed case), chrF2 and TER of raw `hypotheses` against raw `references`.

    `bootstrap` resamples give each its interval (fewer on a very large corpus, as the signature's
    `bs:` says; 0 for none). Raises UserError if the numbers of lines differ.
    """
    check_lines(hypotheses, references)
    metrics = (BLEU(), CHRF(), TER())
    return [_score(metric, hypotheses, references, bootstrap, seed) for metric in metrics]


def quick_bleu(hypotheses: Sequence[str], references: References) -> float:
    """Return the BLEU of `score_corpus`, in percent and without its interval, for validation."""
    check_lines(hypotheses, references)
    return _score(BLEU(), hypotheses, references, 0, SEED).value


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
    check_lines(hypotheses, references)
    scores = []
    for flag, split_hyphens in (("", False), (" -a", True)):
        tokenize = _MosesTokenizer(language, split_hyphens=split_hyphens)
        tokenized = [
            [None if line is None else tokenize(line) for line in ref] for ref in references
        ]
        score = _score(
            BLEU(lowercase=True, tokenize="none", force=True),
            [tokenize(line) for line in hypotheses],
            tokenized,
            bootstrap,
            seed,
        )
        label = f"lower-cased, Moses-tokenised{flag}; not comparable with sacreBLEU 13a"
        name = f"BLEU lc-moses{flag}"
        scores.append(Score(name, score.value, score.signature, score.interval, label))
    return scores


def render_scores(scores: Sequence[Score]) -> str:
    """Return the scores as text, one a line: name, value, interval, signature and note."""
    return "\n".join(str(score) for score in scores)


def check_lines(hypotheses: Sequence[str], references: References) -> None:
    """Raise UserError unless each stream of references has a line for each hypothesis."""
    assert not any(isinstance(stream, str) for stream in references), "expected reference streams"
    if not hypotheses:
        raise UserError("nothing to score: found 0 hypotheses")
    if not references:
        raise UserError("nothing to score against: found 0 reference streams")
    for number, stream in enumerate(references, 1):
        if len(stream) != len(hypotheses):
            which = f"reference {number}" if len(references) > 1 else "the reference"
            raise UserError(
                f"{which} has {len(stream)} lines, the hypotheses {len(hypotheses)}: "
                "expected one hypothesis for each line"
            )


def _score(
    metric: Any, hypotheses: Sequence[str], references: References, bootstrap: int, seed: int
) -> Score:
    """Score with one sacreBLEU metric; its own JSON is the public way to its interval."""
    fitting = max(_FEWEST_RESAMPLES, _RESAMPLED_LINES // len(hypotheses))
    with _bootstrap_seed(seed):
        result = metric.corpus_score(hypotheses, references, n_bootstrap=min(bootstrap, fitting))
    signature = str(metric.get_signature())
    interval = None
    if bootstrap > 1:
        shown = json.loads(result.format(width=4, signature=signature, is_json=True))
        # sacreBLEU leaves both out when every resample scores 0
        mean, half = shown.get("confidence_mean", 0.0), shown.get("confidence_var", 0.0)
        interval = (mean - half, mean + half)
    return Score(result.name, float(result.score), signature, interval)


@contextmanager
def _bootstrap_seed(seed: int) -> Iterator[None]:
    """Fix sacreBLEU's bootstrap, which takes its seed from the environment and nowhere else."""
    before = os.environ.get("SACREBLEU_SEED")
    os.environ["SACREBLEU_SEED"] = str(seed)
    try:
        yield
    finally:
        if before is None:
            del os.environ["SACREBLEU_SEED"]
        else:
            os.environ["SACREBLEU_SEED"] = before


class _MosesTokenizer:
    """normalize-punctuation.perl | tokenizer.perl, by sacremoses; BLEU lower-cases."""

    def __init__(self, language: str, *, split_hyphens: bool) -> None:
        try:
            sacremoses = import_module("sacremoses")
        except ImportError:
            raise UserError(
                f"the Moses-tokenised score needs sacremoses: {install_hint('moses')}"
            ) from None
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
