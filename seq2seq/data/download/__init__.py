"""Named English-French corpora, fetched, checked and laid out as train, valid and test files."""

from seq2seq.data.download.get import (
    FetchedCorpus,
    get_corpus,
    render_corpora,
    render_fetched,
    sacrebleu_testset,
)
from seq2seq.data.download.registry import CORPORA, Corpus
from seq2seq.data.download.transfer import PinnedFile, Progress, download

__all__ = [
    "CORPORA",
    "Corpus",
    "FetchedCorpus",
    "PinnedFile",
    "Progress",
    "download",
    "get_corpus",
    "render_corpora",
    "render_fetched",
    "sacrebleu_testset",
]
