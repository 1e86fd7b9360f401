"""The evaluation of a model on one test set, and its report."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from seq2seq.config import BleuTokenizer
from seq2seq.counted import counted
from seq2seq.evaluation.alignment import AlignmentScore, AttentionAlignment
from seq2seq.evaluation.comparable import References, check_lines
from seq2seq.evaluation.exposure import Exposure, measure_exposure
from seq2seq.evaluation.gold import read_gold
from seq2seq.evaluation.lengths import LengthBucket, render_lengths, score_by_length
from seq2seq.evaluation.links import Links
from seq2seq.evaluation.metric import Score
from seq2seq.evaluation.moses import load_moses, score_moses
from seq2seq.evaluation.pathologies import (
    PathologyReport,
    find_pathologies,
    render_pathologies,
)
from seq2seq.evaluation.scores import render_scores, score_exact, score_tokens
from seq2seq.evaluation.tokenizers import AUTO, choose_tokenizer
from seq2seq.evaluation.word_attention import Aligning, align
from seq2seq.inference.translator import Translator
from seq2seq.translation.translation import Translation

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Evaluation:
    """Translations, their scores, and a report of frequent errors.

    `hypotheses` has one translation a source; `scores` has BLEU, chrF and TER, in percent, and
    what else was asked for.
    """

    hypotheses: list[str]
    scores: list[Score]
    tokenize: BleuTokenizer
    """The tokeniser of every BLEU of this evaluation, except the Moses-tokenised one."""
    lengths: list[LengthBucket]
    """By length of the source in words; empty where sources are files."""
    pathologies: PathologyReport | None
    """None where sources are files, which have no words to compare with."""
    alignment: AttentionAlignment | None
    """The score of the largest weights on the first references; None without gold."""
    link_scores: dict[str, AlignmentScore]
    """The score of each kind of links asked for, by name; the largest weights come first."""
    links: list[Links]
    """The links of each pair, of the last kind in `link_scores`."""
    entropy: float | None
    """Entropy of attention on the first references, in nats a word; None without attention."""
    exposure: Exposure | None = None
    """What is lost because the model reads its own words; None where nobody asked."""

    def __repr__(self) -> str:
        """Return the scores on one line; `print` shows the whole report."""
        figures = [f"{score.name} {score.value:.2f}" for score in self.scores]
        if self.alignment:
            figures.append(f"AER {self.alignment.unshifted.aer:.1%}")
        return f"Evaluation({', '.join(figures)}, {counted(len(self.hypotheses), 'sentence')})"

    def __str__(self) -> str:
        """Return the whole report."""
        return self.render()

    def render(self) -> str:
        """Return the whole as text."""
        parts = [render_scores(self.scores)]
        if self.alignment:
            _, *others = self.link_scores.items()  # the first one is `alignment`
            lines = [str(self.alignment), *(f"{score}  {name}" for name, score in others)]
            parts.append("\n".join(["attention on the references, against the gold:", *lines]))
        if self.entropy is not None:
            parts.append(f"attention entropy on the references: {self.entropy:.3f} nats a word")
        if self.exposure:
            parts.append(self.exposure.render())
        if self.pathologies:
            parts += [render_lengths(self.lengths), render_pathologies(self.pathologies)]
        return "\n\n".join(parts)

    def as_dict(self) -> dict[str, Any]:
        """Return everything but the translations and links as plain values, for JSON."""
        values = asdict(self)
        del values["hypotheses"], values["links"]
        return values


def evaluate(
    translator: Translator,
    sources: Sequence[str],
    references: References,
    *,
    tokenize: BleuTokenizer = AUTO,
    language: str = "",
    moses: str | None = None,
    exact: bool = False,
    exposure: bool = False,
    alignments: str | Path | None = None,
    aligning: Aligning | None = None,
    bootstrap: int = 1000,
) -> Evaluation:
    """Translate `sources` and score the result against raw `references`.

    `tokenize` names the tokeniser of BLEU, by default the choice of `choose_tokenizer` for the
    target `language`; `moses` names the target language for an additional lower-cased,
    Moses-tokenised BLEU; `exact` asks for the share of lines that are right to the letter too,
    `exposure` for exposure bias; `alignments` is a gold file for the alignment error rate of
    attention when the model reads the first references; `aligning` says how to count words and
    which other links to score. Raises UserError where the files don't belong together.
    """
    check_lines(sources, references)  # each will have a hypothesis
    if moses:
        load_moses()  # now, not after all has been translated
    tokenize = choose_tokenizer(references, tokenize=tokenize, language=language)
    gold = read_gold(alignments, sentences=len(sources)) if alignments else None
    if gold and not any(model.heads for model in translator.models):
        logger.warning("%s is ignored: the model has no attention to align words with", alignments)
        gold = None
    pairs = [(source, target or "") for source, target in zip(sources, references[0], strict=True)]
    exposed = (
        measure_exposure(translator, sources, references, tokenize=tokenize) if exposure else None
    )
    aligned = align(translator, pairs, gold, aligning)
    translations = translator.translate(sources)
    hypotheses = [translation.text for translation in translations]
    scores = score_tokens(hypotheses, references, tokenize, bootstrap=bootstrap)
    if moses:
        scores += score_moses(hypotheses, references, language=moses, bootstrap=bootstrap)
    if exact:
        scores.append(score_exact(hypotheses, references))
    files = translator.reads_files
    return Evaluation(
        hypotheses,
        scores,
        tokenize,
        [] if files else score_by_length(sources, hypotheses, references, tokenize=tokenize),
        None
        if files
        else find_pathologies(
            sources,
            hypotheses,
            truncated=[_is_cut(t) for t in translations],
            unknown=[t.is_unknown for t in translations],
        ),
        alignment=aligned.plain,
        link_scores=aligned.scores,
        links=aligned.links,
        entropy=aligned.entropy,
        exposure=exposed,
    )


def _is_cut(translation: Translation) -> bool:
    return bool(translation.candidates) and not translation.candidates[0].finished
