"""Whether a difference of BLEU is more than chance: sacreBLEU's paired tests.

The paired bootstrap (Koehn 2004) draws test sets from the test set; approximate randomisation
(Riezler and Maxwell 2005) exchanges the two systems' translations of sentences. Both tell of the
test set's sentences only: what another seed would have given, the spread over seeds tells.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, NamedTuple

from sacrebleu.metrics.bleu import BLEU
from sacrebleu.significance import PairedTest, Result

from seq2seq.config import BleuTokenizer
from seq2seq.evaluation.comparable import References, comparable
from seq2seq.evaluation.metric import SEED, bootstrap_seed


class PValues(NamedTuple):
    """The probability of so large a difference, were there none in truth; one for each test."""

    bootstrap: float
    randomisation: float


def paired_tests(
    baseline: Sequence[str],
    hypotheses: Sequence[str],
    references: References,
    *,
    tokenize: BleuTokenizer,
    samples: int = 0,
) -> PValues:
    """Return the p-values of the BLEU of `hypotheses` against that of `baseline`.

    `samples` is how often each test draws; 0 is sacreBLEU's own number, 1,000 and 10,000.
    """
    texts = [comparable(lines, references) for lines in (baseline, hypotheses)]
    systems: list[tuple[str, Sequence[str]]] = [
        ("baseline", texts[0].hypotheses),
        ("system", texts[1].hypotheses),
    ]

    def p_value(kind: str) -> float:
        metrics = {"BLEU": BLEU(tokenize=tokenize)}
        streams: Any = texts[0].references  # sacreBLEU leaves out None, which its types don't say
        test = PairedTest(systems, metrics, streams, kind, n_samples=samples)
        _, scores = test()
        result = scores["BLEU"][1]
        assert isinstance(result, Result)
        assert result.p_value is not None
        return float(result.p_value)

    logging.getLogger("sacrebleu").setLevel(logging.WARNING)  # it tells of each step
    with bootstrap_seed(SEED):
        return PValues(p_value("bs"), p_value("ar"))
