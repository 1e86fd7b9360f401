"""Corpus scores with signatures and 95 % intervals: BLEU, chrF and TER, all through sacreBLEU.

One code path for every BLEU of the project: raw, detokenised hypotheses against raw references, so
that validation, `evaluate` and `score` can't disagree. Only what Unicode calls the same text is
made one (NFC), and said. The lower-cased, Moses-tokenised figures of the multi30k literature are
computed on request, beside these and labelled as such.
"""

from __future__ import annotations

import json
import os
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from itertools import chain
from typing import Any, NamedTuple, TypeAlias

from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.metrics.ter import TER

from seq2seq.config import BleuTokenizer
from seq2seq.errors import UserError
from seq2seq.evaluation.tokenizers import AUTO, DEFAULT, choose_tokenizer, is_cjk, load_tokenizer
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
    """Bootstrap 95 %: sacreBLEU's mean of the resamples minus and plus half their range, as far as
    there are resamples. None for one line, whose resamples are all the same."""
    note: str = ""

    def __str__(self) -> str:
        """Return name, value, interval, signature and note in one line."""
        text = f"{self.name} {self.value:.2f}"
        if self.interval:
            text += f" [{self.interval[0]:.2f}, {self.interval[1]:.2f}]"
        text += f"  {self.signature}"
        return f"{text}  ({self.note})" if self.note else text


class QuickScores(NamedTuple):
    """The scores of validation, in percent."""

    bleu: float
    chrf: float


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
    texts = _comparable(hypotheses, references)
    cjk = is_cjk(texts.references)
    metrics = (BLEU(tokenize=tokenize), CHRF(), TER(normalized=cjk, asian_support=cjk))
    bleu, *others = (_score(metric, texts, bootstrap, seed) for metric in metrics)
    if not count_runs(chain.from_iterable(texts.references), tokenize):
        short = _score(BLEU(tokenize=tokenize, effective_order=True), texts, 0, seed)
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
    """Return the BLEU and chrF of `score_corpus` without their intervals, for validation."""
    texts = _comparable(hypotheses, references)
    metrics = (BLEU(tokenize=tokenize), CHRF())
    return QuickScores(*(_score(metric, texts, 0, SEED).value for metric in metrics))


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
    texts = _comparable(hypotheses, references)
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
        score = _score(metric, tokenized, bootstrap, seed)
        label = f"lower-cased, Moses-tokenised{flag}; not comparable with sacreBLEU 13a"
        note = "; ".join(part for part in (label, score.note) if part)
        scores.append(replace(score, name=f"BLEU lc-moses{flag}", note=note))
    return scores


def render_scores(scores: Sequence[Score]) -> str:
    """Return the scores as text, one a line: name, value, interval, signature and note."""
    return "\n".join(str(score) for score in scores)


def check_lines(hypotheses: Sequence[str], references: References) -> None:
    """Raise UserError unless each stream of references has a line for each hypothesis."""
    assert not any(isinstance(stream, str) for stream in references), "expected reference streams"
    if not hypotheses:
        raise UserError("cannot score: expected hypotheses, found none")
    if not references:
        raise UserError("cannot score: expected references, found none")
    for number, stream in enumerate(references, 1):
        if len(stream) != len(hypotheses):
            which = f"reference {number}" if len(references) > 1 else "the reference"
            raise UserError(
                f"{which} has {len(stream)} lines and the hypotheses have {len(hypotheses)}: "
                "expected one hypothesis for each line"
            )


class _Texts(NamedTuple):
    """Hypotheses and references that may be compared, and what was done to them."""

    hypotheses: list[str]
    references: list[list[str | None]]
    note: str


def _comparable(hypotheses: Sequence[str], references: References) -> _Texts:
    """The texts in NFC, with the blank references of lines that have others taken out."""
    check_lines(hypotheses, references)
    ours = list(map(_nfc, hypotheses))
    theirs = [[line if line is None else _nfc(line) for line in stream] for stream in references]
    composed = sum(
        one != other
        for stream, raw in zip(theirs, references, strict=True)
        for one, other in zip(stream, raw, strict=True)
    )
    notes = {
        "hypotheses composed (NFC)": sum(map(str.__ne__, ours, hypotheses)),
        "references composed (NFC)": composed,
        "blank references taken for missing": _drop_blank(theirs),
    }
    note = "; ".join(f"{count:,} {what}" for what, count in notes.items() if count)
    return _Texts(ours, theirs, note)


def _nfc(line: str) -> str:
    return unicodedata.normalize("NFC", line)


def _drop_blank(streams: list[list[str | None]]) -> int:
    """Make missing, in place, each blank reference of a line that has another; how many.

    sacreBLEU would take it for a translation of no words, and BLEU for the closest in length. A
    line whose references are all blank keeps one: there the right translation is nothing.
    """
    dropped = 0
    for number, line in enumerate(zip(*streams, strict=True)):
        blank = [k for k, reference in enumerate(line) if not (reference or "").strip()]
        if len(blank) == len(line):
            streams[0][number] = ""
            blank = blank[1:]
        for k in blank:
            dropped += streams[k][number] is not None
            streams[k][number] = None
    return dropped


def _score(metric: Any, texts: _Texts, bootstrap: int, seed: int) -> Score:
    """Score with one sacreBLEU metric; its own JSON is the public way to its interval."""
    lines = len(texts.hypotheses)
    resamples = min(bootstrap, max(_FEWEST_RESAMPLES, _RESAMPLED_LINES // lines))
    if lines == 1:
        resamples = 0  # they would all be the same, and claim a certainty that isn't there
    values = _floats_of(metric)
    with _bootstrap_seed(seed):
        result = metric.corpus_score(texts.hypotheses, texts.references, n_bootstrap=resamples)
    signature = str(metric.get_signature())
    interval = None
    if resamples > 1:
        shown = json.loads(result.format(width=4, signature=signature, is_json=True))
        # sacreBLEU leaves both out when every resample scores 0
        mean, half = shown.get("confidence_mean", 0.0), shown.get("confidence_var", 0.0)
        _, *drawn = (round(value, 4) for value in values)  # the first one is the score itself
        interval = (max(min(drawn), mean - half), min(max(drawn), mean + half))
    return Score(result.name, float(result.score), signature, interval, texts.note)


def _floats_of(metric: Any) -> list[float]:
    """Have every score of the metric be a float, and return the list in which they will be.

    A resample of score 0 gives a float and others a NumPy float32, and the mean that sacreBLEU 2.6
    takes of them, `statistics.mean`, refuses to mix the two since NumPy 2.
    """
    compute, values = metric._compute_score_from_stats, list[float]()

    def plain(stats: Any) -> Any:
        result = compute(stats)
        result.score = float(result.score)
        values.append(result.score)
        return result

    metric._compute_score_from_stats = plain
    return values


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
