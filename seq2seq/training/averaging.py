"""Which checkpoints of a run are the best to average."""

from seq2seq.errors import DamagedError
from seq2seq.runs.checkpoint import Checkpoint
from seq2seq.runs.run import Run
from seq2seq.training.judgement import best_first
from seq2seq.training.progress import Scored


def rank_checkpoints(run: Run) -> list[Scored]:
    """Return the numbered checkpoints that were validated, the best first, as training judged.

    Raises DamagedError if metrics.jsonl, which has the validations, is not as it was written.
    """
    records = run.read_metrics() if run.metrics.exists() else []
    found = {record["step"]: record for record in records if record["kind"] == "valid"}
    state = run.checkpoint("last").state
    tokenize = state.get("best_tokenize", "13a")
    scored = [
        Scored(saved.step, found[saved.step], tokenize)
        for saved in run.checkpoints()
        if "loss" in found.get(saved.step, {})
    ]
    return best_first(scored, state.get("judge") or run.config.training.metric)


def best_checkpoints(run: Run, number: int) -> list[Checkpoint]:
    """Return so many of the checkpoints that were validated, the best of them.

    Raises DamagedError as `rank_checkpoints` does, and where metrics.jsonl has no validation.
    """
    ranked = rank_checkpoints(run)
    if not ranked:
        raise DamagedError(f"{run.metrics}: expected the validation of a checkpoint, found none")
    return [run.checkpoint(str(scored.step)) for scored in ranked[:number]]
