"""Everything there is to say of a model on one test set, and how it is said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from seq2seq.evaluation.alignment import AttentionAlignment, read_gold, score_attention
from seq2seq.evaluation.lengths import LengthBucket, render_lengths, score_by_length
from seq2seq.evaluation.pathologies import (
    PathologyReport,
    find_pathologies,
    render_pathologies,
)
from seq2seq.evaluation.scores import References, Score, render_scores, score_corpus, score_moses
from seq2seq.inference.translation import END, Matrix, Translation
from seq2seq.inference.translator import Translator


@dataclass(frozen=True)
class Evaluation:
    """Scores, what they are made of, and what is wrong with the translations."""

    hypotheses: list[str]
    scores: list[Score]
    lengths: list[LengthBucket]
    pathologies: PathologyReport
    alignment: AttentionAlignment | None

    def render(self) -> str:
        """Return the whole as text."""
        parts = [render_scores(self.scores)]
        if self.alignment:
            parts.append(f"attention on the references, against the gold:\n{self.alignment}")
        parts += [render_lengths(self.lengths), render_pathologies(self.pathologies)]
        return "\n\n".join(parts)

    def as_dict(self) -> dict[str, Any]:
        """Return everything but the translations as plain values, for JSON."""
        values = asdict(self)
        del values["hypotheses"]
        return values


def evaluate(
    translator: Translator,
    sources: Sequence[str],
    references: References,
    *,
    moses: str | None = None,
    alignments: str | Path | None = None,
    bootstrap: int = 1000,
) -> Evaluation:
    """Translate `sources` and score the result against raw `references`.

    `moses` names the target language to add the literature's lower-cased tokenised BLEU;
    `alignments` is a gold file to add the alignment error rate of attention when the model reads
    the first references. Raises UserError where the files don't belong together.
    """
    translations = translator.translate(sources)
    hypotheses = [translation.text for translation in translations]
    scores = score_corpus(hypotheses, references, bootstrap=bootstrap)
    if moses:
        scores += score_moses(hypotheses, references, language=moses, bootstrap=bootstrap)
    alignment = _align(translator, sources, references[0], alignments) if alignments else None
    return Evaluation(
        hypotheses,
        scores,
        score_by_length(sources, hypotheses, references),
        find_pathologies(sources, hypotheses, truncated=[_is_cut(t) for t in translations]),
        alignment,
    )


def _align(
    translator: Translator,
    sources: Sequence[str],
    targets: Sequence[str | None],
    alignments: str | Path,
) -> AttentionAlignment:
    gold = read_gold(alignments, sentences=len(sources))
    pairs = [(source, target or "") for source, target in zip(sources, targets, strict=True)]
    return score_attention([word_weights(forced) for forced in translator.force(pairs)], gold)


def word_weights(translation: Translation) -> Matrix:
    """Return the attention of real source words; a row that looks most at the end has no weight."""
    weights_IJ = translation.attention
    if not translation.source_words or translation.source_words[-1].word != END:
        return weights_IJ
    looks_at_end_I = weights_IJ.argmax(1) == weights_IJ.shape[1] - 1
    return np.where(looks_at_end_I[:, None], 0, weights_IJ[:, :-1]).astype(np.float32)


def _is_cut(translation: Translation) -> bool:
    return bool(translation.candidates) and not translation.candidates[0].finished
