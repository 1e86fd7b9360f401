"""What members are measured on: one test set for all, in the languages of all."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from seq2seq.compare.members import Member
from seq2seq.config import BleuTokenizer, Config
from seq2seq.data.corpus import read_texts, without_endings
from seq2seq.errors import UserError
from seq2seq.evaluation.exposure import check_exposure
from seq2seq.evaluation.gold import read_gold
from seq2seq.evaluation.held_out import HeldOut, open_held_out
from seq2seq.evaluation.moses import load_moses
from seq2seq.evaluation.references import read_references
from seq2seq.evaluation.tokenizers import AUTO
from seq2seq.runs.run import Run

logger = logging.getLogger(__name__)


class Texts(NamedTuple):
    """What the user names of the test set."""

    corpus: str | None = None
    """By default the `data.test` of the models."""
    references: Sequence[Path] = ()
    """Files of references, beside those of a corpus, or of files of translations."""
    source: Path | None = None
    """The sources of files of translations."""
    alignments: Path | None = None
    moses: bool = False
    exposure: bool = False


class Conditions(NamedTuple):
    """What members are measured on, and by what."""

    held_out: HeldOut
    language: str
    """The target's, which decides how BLEU counts words."""
    moses: bool = False
    """Whether lower-cased, Moses-tokenised BLEU is wanted beside."""
    alignments: Path | None = None
    exposure: bool = False
    """Whether exposure bias is wanted too."""
    sources_are_text: bool = True
    """Whether the sources have words: not, if they are files or unknown."""
    tokenize: BleuTokenizer = AUTO
    """What BLEU counts, as the first model's `evaluation.tokenize` says."""


def find_conditions(members: Sequence[Member], texts: Texts) -> Conditions:
    """Return what all members are measured on; UserError where they have no test set in common."""
    if texts.moses:
        load_moses()  # now, not after all has been trained
    configs = {m.name: config for m in members if (config := m.settings) is not None}
    if not configs:
        return _of_files(members, texts)
    for member in members:
        if member.is_run and member.config is None:
            Run.open(member.path).checkpoint("best")  # there is one
    if texts.source is not None:
        raise UserError("compare: --source goes with files of translations alone; give --data")
    first, *others = configs
    data = configs[first].data
    held_out = open_held_out(configs[first], texts.corpus, further=texts.references)
    for name in others:
        own = configs[name].data
        if (own.source, own.target) != (data.source, data.target):
            raise UserError(
                f"{name}: translates {own.source} to {own.target}, and {first} {data.source} to "
                f"{data.target}: expected models of the same languages"
            )
        if texts.corpus is None and own.test != data.test:  # which may be the same text elsewhere
            theirs = open_held_out(configs[name], further=texts.references)
            if theirs[:2] != held_out[:2]:  # sources and references
                raise UserError(
                    f"{name}: data.test is {theirs.name}, which is not the text of {held_out.name} "
                    f"({first}); what is compared needs one test set: give --data"
                )
    if texts.alignments is not None:
        read_gold(texts.alignments, sentences=len(held_out.sources))
    _check_lines(members, held_out)
    if texts.exposure:
        check_exposure(held_out.references)
    return Conditions(
        held_out,
        data.target,
        texts.moses,
        texts.alignments,
        texts.exposure,
        sources_are_text=data.source_kind.is_text,
        tokenize=_tokenize(configs),
    )


def _tokenize(configs: Mapping[str, Config]) -> BleuTokenizer:
    """What BLEU counts for all; a warning if one of them would count otherwise."""
    wanted = {name: config.evaluation.tokenize for name, config in configs.items()}
    (first, tokenize), *others = wanted.items()
    if different := [(name, other) for name, other in others if other != tokenize]:
        logger.warning(
            "evaluation.tokenize is %s for (%s) and %s for (%s): BLEU counts the tokens of %s "
            "for all",
            *(tokenize, first, *reversed(different[0]), tokenize),
        )
    return tokenize


def _check_lines(members: Sequence[Member], held_out: HeldOut) -> None:
    """Raise UserError for a file that has not a translation for each line."""
    expected = len(held_out.references[0])
    for member in members:
        if not member.is_run and (found := sum(1 for _ in read_texts(member.path))) != expected:
            raise UserError(
                f"{member.path}: expected {expected} lines, one for each of {held_out.name}, "
                f"found {found}"
            )


def _of_files(members: Sequence[Member], texts: Texts) -> Conditions:
    if not texts.references or texts.corpus is not None:
        raise UserError(
            "compare: files of translations need --reference FILE (and --source FILE for "
            "differences by length)"
        )
    if texts.alignments is not None:
        raise UserError("compare: --alignments needs a model, whose attention it is compared with")
    if texts.exposure:
        raise UserError("compare: --exposure needs a model, which goes on from half a reference")
    references = texts.references
    language = without_endings(references[0]).suffix.removeprefix(".")
    lines = sum(1 for _ in read_texts(members[0].path))
    streams = read_references(
        references, lines, language=language, expected=f"one for each of {members[0].path}"
    )
    sources = [] if texts.source is None else list(read_texts(texts.source))
    if sources and len(sources) != lines:
        raise UserError(f"{texts.source}: expected {lines} lines, found {len(sources)}")
    held_out = HeldOut(sources, streams, str(references[0]))
    _check_lines(members, held_out)
    return Conditions(held_out, language, texts.moses, sources_are_text=bool(sources))
