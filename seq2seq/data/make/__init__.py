"""Made tasks: copying, recall, retrieval and stories, as corpora of any size from a seed."""

from seq2seq.data.make.contract import Draws, Example, Task
from seq2seq.data.make.corpus import Made, make_corpus
from seq2seq.data.make.tasks import CORPORA, TASKS, build_task, command_for, render_tasks

__all__ = [
    "CORPORA",
    "TASKS",
    "Draws",
    "Example",
    "Made",
    "Task",
    "build_task",
    "command_for",
    "make_corpus",
    "render_tasks",
]
