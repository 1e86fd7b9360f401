"""The figures of a member: its translations of the test set, their scores, and what it cost."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from statistics import median
from typing import Any

from pydantic import TypeAdapter

from seq2seq.compare.conditions import Conditions
from seq2seq.compare.members import Member, name_of
from seq2seq.data.corpus import read_texts
from seq2seq.errors import UserError
from seq2seq.evaluation.evaluate import evaluate
from seq2seq.evaluation.metric import Score
from seq2seq.evaluation.moses import score_moses
from seq2seq.evaluation.scores import score_corpus
from seq2seq.inference.translator import load
from seq2seq.machine.disk import writing
from seq2seq.machine.sealed import read_sealed_json
from seq2seq.runs.files import write_json
from seq2seq.runs.run import Run

logger = logging.getLogger(__name__)

_FORMAT = 1  # of the file of figures


@dataclass(frozen=True)
class Measured:
    """What a member reached, in the units that the names say; what it doesn't have is None."""

    system: str
    seed: int | None
    bleu: float
    bleu_interval: tuple[float, float] | None
    """95 %, by bootstrap of the test set's sentences."""
    chrf: float
    moses_bleu: float | None
    aer_percent: float | None
    entropy_nats: float | None
    exposure_chrf: float | None
    """What second halves gain after the first half of the reference: exposure bias."""
    parameters: int | None
    tokens_per_second: float | None
    """Target tokens in training, the median of what was logged."""
    minutes: float | None
    """Of training and validation."""
    memory_bytes: int | None
    """The most that the process which finished the training had."""
    hypotheses: list[str]

    @property
    def name(self) -> str:
        """The system, with the seed that tells it from the system's others."""
        return name_of(self.system, self.seed)

    @property
    def figures(self) -> dict[str, Any]:
        """All but the translations, by name."""
        return {name: value for name, value in asdict(self).items() if name != "hypotheses"}


def measure(member: Member, conditions: Conditions, keep: Path | None = None) -> Measured:
    """Return what a member reaches; of a model it is kept in the file `keep`, and read if it fits.

    Raises UserError if it can't translate, or has not a translation for each source.
    """
    if not member.is_run:
        return _of_translations(member, conditions)
    run = Run.open(member.path)
    key = _key(run, conditions)
    if keep is not None and keep.exists():
        kept = read_sealed_json(keep)
        if kept.get("of") == key:
            return _read(kept.get("figures"), member, keep)
    logger.info("%s: translating %s", member.name, conditions.held_out.name)
    measured = _of_run(member, run, conditions)
    if keep is not None:
        with writing(keep):
            keep.parent.mkdir(parents=True, exist_ok=True)
            write_json(keep, {"of": key, "figures": asdict(measured)})
    return measured


def _read(values: Any, member: Member, keep: Path) -> Measured:
    try:
        found = TypeAdapter(Measured).validate_python(values)
    except ValueError:
        raise UserError(f"{keep}: damaged: not the figures of a model; remove it") from None
    return replace(found, system=member.system, seed=member.seed)


def _key(run: Run, conditions: Conditions) -> str:
    """A hash of all that decides the figures."""
    gold = conditions.alignments
    decisive = {
        "format": _FORMAT,
        "weights": run.checkpoint("best").state.get("files"),
        "trained": run.result,
        "decoding": run.config.decoding.model_dump(mode="json"),
        "test": [conditions.held_out.sources, conditions.held_out.references],
        "language": conditions.language,
        "tokenize": conditions.tokenize,
        "moses": conditions.moses,
        "exposure": conditions.exposure,
        "alignments": sha256(gold.read_bytes()).hexdigest() if gold else None,
    }
    return sha256(json.dumps(decisive, sort_keys=True).encode("utf-8", "replace")).hexdigest()


def _of_translations(member: Member, conditions: Conditions) -> Measured:
    hypotheses = list(read_texts(member.path))
    held_out = conditions.held_out
    scores = score_corpus(
        hypotheses,
        held_out.references,
        tokenize=conditions.tokenize,
        language=conditions.language,
    )
    if conditions.moses:
        scores += score_moses(hypotheses, held_out.references, language=conditions.language)
    return _measured(member, scores, hypotheses)


def _of_run(member: Member, run: Run, conditions: Conditions) -> Measured:
    translator = load(run.folder, device="auto")
    held_out = conditions.held_out
    found = evaluate(
        translator,
        held_out.sources,
        held_out.references,
        tokenize=conditions.tokenize,
        language=conditions.language,
        moses=conditions.language if conditions.moses else None,
        exposure=conditions.exposure,
        alignments=conditions.alignments,
    )
    result = run.result or {}
    seconds = result.get("seconds")
    speeds = [
        float(speed)
        for record in (run.read_metrics() if run.metrics.exists() else [])
        if isinstance(speed := record.get("target_tokens_per_second"), int | float)
    ]
    return _measured(
        member,
        found.scores,
        found.hypotheses,
        aer_percent=100 * found.alignment.unshifted.aer if found.alignment else None,
        entropy_nats=found.entropy,
        exposure_chrf=found.exposure.chrf_gap if found.exposure else None,
        parameters=sum(weights.numel() for weights in translator.models[0].parameters()),
        tokens_per_second=median(speeds) if speeds else None,
        minutes=None if seconds is None else seconds / 60,
        memory_bytes=result.get("peak_memory"),
    )


_COSTS = (
    *("aer_percent", "entropy_nats", "exposure_chrf", "parameters", "tokens_per_second"),
    *("minutes", "memory_bytes"),
)


def _measured(member: Member, scores: list[Score], hypotheses: list[str], **costs: Any) -> Measured:
    bleu, chrf, _, *others = scores
    return Measured(
        system=member.system,
        seed=member.seed,
        bleu=bleu.value,
        bleu_interval=bleu.interval,
        chrf=chrf.value,
        moses_bleu=others[0].value if others else None,
        hypotheses=hypotheses,
        **{**dict.fromkeys(_COSTS), **costs},
    )
