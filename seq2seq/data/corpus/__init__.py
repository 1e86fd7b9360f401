"""Parallel text on disk: what a configuration may name, and the pairs it holds."""

from seq2seq.data.corpus.corpora import (
    Corpora,
    Corpus,
    FileCorpus,
    OneFile,
    ParallelText,
    Part,
    located,
    with_sources,
)
from seq2seq.data.corpus.finding import (
    FORMATS,
    Columns,
    check_columns,
    find_corpus,
    find_test_set,
    locate_corpus,
)
from seq2seq.data.corpus.kinds import read_texts, read_versions, without_endings
from seq2seq.data.corpus.oddness import (
    PartOddness,
    find_odd_parts,
    warn_if_odd,
    warn_of_odd_parts,
)
from seq2seq.data.corpus.patterns import Spec, check_apart, has_pattern
from seq2seq.data.pairs import Pair
from seq2seq.data.readers.streams import read_lines

__all__ = [
    "FORMATS",
    "Columns",
    "Corpora",
    "Corpus",
    "FileCorpus",
    "OneFile",
    "Pair",
    "ParallelText",
    "Part",
    "PartOddness",
    "Spec",
    "check_apart",
    "check_columns",
    "find_corpus",
    "find_odd_parts",
    "find_test_set",
    "has_pattern",
    "locate_corpus",
    "located",
    "read_lines",
    "read_texts",
    "read_versions",
    "warn_if_odd",
    "warn_of_odd_parts",
    "with_sources",
    "without_endings",
]
