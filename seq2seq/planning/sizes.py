"""Which model, vocabulary and regularisation suit a corpus of so many words: rules in one table.

Behind the rows: with 100,000 words a recurrent model gains 4.9 BLEU from a vocabulary of 2,000
merges in place of 14,000, much from dropout (.5), and with 3.2 million words neither costs anything
(Sennrich and Zhang 2019, table 2); a GRU of 256 units with embeddings of 128, dropout of .3 to .5
and small batches was the best recurrent model on 29,000 captions (Caglayan et al. 2017). The rates,
the epochs and the smallest row were tried on subsets of Tatoeba: docs/first-hour.md.
"""

from __future__ import annotations

from typing import NamedTuple

from seq2seq.planning.survey import Survey


class Row(NamedTuple):
    """Settings for corpora of up to `words` target words."""

    words: float
    vocabulary: int
    """Pieces, both languages together."""
    embedding: int
    encoder: int
    """Units of one direction."""
    decoder: int
    dropout: float
    tokens: int
    """Target pieces a batch."""
    rate: float
    """Learning rate at its highest."""
    epochs: float
    """Passes over the corpus after which more gain nothing."""


ROWS = (
    #   words  vocabulary  embedding  encoder  decoder  dropout  tokens    rate  epochs
    Row(5e3, 500, 64, 64, 128, 0.3, 200, 0.003, 60),
    Row(5e4, 2000, 128, 128, 256, 0.4, 300, 0.004, 40),
    Row(6e5, 4000, 160, 256, 256, 0.3, 600, 0.003, 15),
    Row(4e6, 6000, 192, 256, 384, 0.2, 1000, 0.001, 6),
    Row(float("inf"), 8000, 256, 320, 512, 0.1, 1600, 0.001, 4),
)
_HURRY = 0.35  # the share of a row's updates below which time is short
_BY_HEART = 5  # epochs after which a network without dropout begins to learn its corpus by heart
_HURRIED_RATE = 0.005
_FEWEST = 600  # updates below which a smaller model, which makes more of them, learns more


def row_for(words: float) -> Row:
    """Return the first row that is for corpora of so many target words."""
    return next(row for row in ROWS if words <= row.words)


def smaller_model(row: Row) -> Row | None:
    """Return `row` with the network of the row above it, which learns faster; None for the first.

    Vocabulary and batches stay: they are the corpus's.
    """
    place = [other.words for other in ROWS].index(row.words)
    model = next((o for o in reversed(ROWS[:place]) if o.decoder < row.decoder), None)
    if model is None:
        return None
    return row._replace(
        words=model.words,
        embedding=model.embedding,
        encoder=model.encoder,
        decoder=model.decoder,
        rate=model.rate,
    )


def is_too_short(steps: int, wanted: int) -> bool:
    """Whether so few of the `wanted` updates are better spent on a smaller model.

    Tried on 27,800 pairs of Tatoeba for 2.5 minutes of a shared core: 485 updates of 256 units came
    to BLEU 8.2, 697 of 128 to 9.7, 1,365 of 64 to 9.2.
    """
    return steps < min(_FEWEST, _HURRY * wanted)


def is_hurried(steps: int, wanted: int) -> bool:
    """Whether so few of the `wanted` updates take the settings of `hurried`."""
    return steps < _HURRY * wanted


def hurried(row: Row, epochs: float) -> Row:
    """Return `row` for a short training: a high rate, and less dropout the fewer the epochs are.

    On 27,800 pairs of Tatoeba 1,249 updates of 256 units with dropout .1, four epochs, came to BLEU
    19.3 of the validation set with a rate of .002, to 24.2 with .004, 25.8 with .006 and 25.8 with
    .008. On 2,700 pairs, 18 epochs with the rate .005 came to BLEU 10.4 of other sentences and a
    loss of 3.66 with dropout .1, to 10.5 and 3.24 with .3; with the row's .004 and .4 to 9.6 and
    3.19 (docs/results/study_rates.txt).
    """
    most = 0.1 if epochs < _BY_HEART else 0.3
    return row._replace(rate=max(_HURRIED_RATE, row.rate), dropout=min(most, row.dropout))


def vocabulary_for(row: Row, survey: Survey) -> int:
    """Return the pieces of the row, more where characters would take most of them, as in Chinese.

    SentencePiece needs a piece for each character, and gives fewer where the text has no more.
    """
    return max(
        row.vocabulary, survey.source.alphabet + survey.target.alphabet + row.vocabulary // 2
    )


def held_out_for(pairs: int) -> int:
    """Return how many pairs to validate on and to test on, each: a twentieth, 1,000 at most.

    Less than 50 tell little, so that a small corpus gives up to a tenth.
    """
    return min(1000, max(pairs // 20, min(50, pairs // 10)))
