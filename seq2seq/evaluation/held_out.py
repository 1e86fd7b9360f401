"""Test sets: sources with their references, and what they are called."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

from seq2seq.config import Config, CorpusPath
from seq2seq.data.corpus import find_test_set, warn_if_odd, with_sources
from seq2seq.data.download import sacrebleu_testset
from seq2seq.data.split import FURTHER
from seq2seq.errors import UserError
from seq2seq.evaluation.references import Stream, read_references

logger = logging.getLogger(__name__)


class HeldOut(NamedTuple):
    """A test set; `references[k][i]` is the k-th reference of line i, None where it has fewer."""

    sources: list[str]
    references: list[Stream]
    name: str
    files: tuple[Path, ...] = ()
    """What was read; of a test set of sacreBLEU none."""


def open_held_out(
    config: Config,
    corpus: CorpusPath | None = None,
    *,
    test_set: str | None = None,
    further: Sequence[Path] = (),
) -> HeldOut:
    """Return the corpus, the test set of sacreBLEU, or else the run's own `data.test`.

    `further` are files of more references. Raises UserError if there is nothing to test on.
    """
    given = _sacrebleu(config, test_set) if test_set is not None else _corpus(config, corpus)
    beside = Path(f"{given.name}{FURTHER}")
    if test_set is None and not further and beside.is_file():
        logger.info("more translations are known: --reference %s counts them too", beside)
    references = read_references(
        further,
        len(given.sources),
        language=config.data.target,
        beside=given.references,
        expected=f"one for each sentence of {given.name}",
    )
    return given._replace(references=references, files=(*given.files, *further))


def _sacrebleu(config: Config, name: str) -> HeldOut:
    pair = f"{config.data.source}-{config.data.target}"
    sources, references = sacrebleu_testset(name, pair)
    return HeldOut(sources, [list(stream) for stream in references], f"{name} {pair}")


def _corpus(config: Config, corpus: CorpusPath | None) -> HeldOut:
    data = config.data
    spec = corpus or data.test
    if not spec:
        raise UserError("no test set: there is no data.test; give one with --data")
    found = find_test_set(spec, data.source, data.target, data.columns)
    if data.source_kind.is_text:
        warn_if_odd(found, data)
    pairs = list(with_sources(found, data.source_kind).pairs())
    sources = [pair.source for pair in pairs]
    references = zip_longest(*(pair.translations for pair in pairs))
    return HeldOut(sources, list(map(list, references)), str(spec), found.files)
