"""Which checkpoints of a run are the best to average."""

from functools import cmp_to_key

from seq2seq.runs.checkpoint import Checkpoint
from seq2seq.runs.run import Run
from seq2seq.training.judgement import is_better


def best_checkpoints(run: Run) -> list[Checkpoint]:
    """Return the numbered checkpoints that were validated, the best first.

    Raises DamagedError if metrics.jsonl, which has the validations, is not as it was written.
    """
    records = run.read_metrics() if run.metrics.exists() else []
    found = {record["step"]: record for record in records if record["kind"] == "valid"}
    metric = run.config.training.metric

    def order(one: Checkpoint, other: Checkpoint) -> int:
        ours, theirs = found[one.step], found[other.step]
        return is_better(theirs, ours, metric) - is_better(ours, theirs, metric)

    validated = [saved for saved in run.checkpoints() if saved.step in found]
    return sorted(validated, key=cmp_to_key(order))
