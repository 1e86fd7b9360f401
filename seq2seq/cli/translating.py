"""The command that uses a model: translate."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seq2seq.cli.options import (
    AsJson,
    Attention,
    Beam,
    CheckpointName,
    Device,
    Models,
    Output,
    Precision,
    Workers,
    check_no_paths,
    check_output,
    open_export,
    open_runs,
    open_translator,
    read_texts,
    revised_decoding,
    write_lines,
)
from seq2seq.errors import UserError

if TYPE_CHECKING:
    from seq2seq.config import DecodingConfig
    from seq2seq.inference.translator import Translator
    from seq2seq.translation.texts import TextTranslator
    from seq2seq.translation.translation import Translation

app = typer.Typer()


@app.command(
    short_help="Translate texts, a file or standard input.",
    epilog="Example: seq2seq translate --run runs/demo 'I love you'",
)
def translate(
    texts: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TEXT]...", help="Sentence to translate; without one, standard input is read."
        ),
    ] = None,
    model: Models = None,
    source: Annotated[
        Path | None,
        typer.Option(
            "--input", "-i", help="Text file, a sentence a line; .gz, .bz2, .xz, .zst, .sgm too."
        ),
    ] = None,
    output: Output = None,
    as_json: AsJson = False,
    checkpoint: CheckpointName = "best",
    device: Device = "auto",
    beam: Beam = None,
    n_best: Annotated[int | None, typer.Option(help="Hypotheses returned for a sentence.")] = None,
    length_penalty: Annotated[
        float | None,
        typer.Option(
            help="Exponent x of score = log-probability / length^x; above 1 favours long ones."
        ),
    ] = None,
    min_length: Annotated[int | None, typer.Option(help="Fewest pieces of a translation.")] = None,
    max_length: Annotated[int | None, typer.Option(help="Most pieces of a translation.")] = None,
    no_repeat_ngram: Annotated[
        int | None,
        typer.Option(help="Length of n-grams of pieces that may not repeat; 0: any may."),
    ] = None,
    keep: Annotated[
        bool | None,
        typer.Option(
            "--keep/--no-keep", help="Put back tags, addresses, numbers and rare names, if lost."
        ),
    ] = None,
    sample: Annotated[
        bool | None,
        typer.Option(
            "--sample/--no-sample", help="Draw translations at random instead of searching."
        ),
    ] = None,
    temperature: Annotated[
        float | None, typer.Option(help="Sampling temperature; below 1 favours likely tokens.")
    ] = None,
    top_k: Annotated[
        int | None, typer.Option(help="Sample from so many likeliest tokens; 0: from all.")
    ] = None,
    top_p: Annotated[
        float | None,
        typer.Option(help="Sample from the likeliest tokens of this total probability."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the random draws.")] = None,
    batch: Annotated[int | None, typer.Option(help="Sentences decoded at once.")] = None,
    workers: Workers = None,
    precision: Precision = None,
    attention: Attention = None,
    alignments: Annotated[
        Path | None,
        typer.Option(
            "--alignments", help="File for the links of attention, Pharaoh: source-target, from 0."
        ),
    ] = None,
    tokenized: Annotated[
        bool,
        typer.Option("--tokenized", help="The words to align are what white space separates."),
    ] = False,
    stream: Annotated[
        bool | None,
        typer.Option(
            "--stream/--no-stream",
            help="Answer the lines of standard input when no more wait, or read far ahead. "
            "[default: --stream, unless it is a file]",
        ),
    ] = None,
) -> None:
    """Translate TEXT, a file or standard input, line by line; blank lines stay blank.

    At a terminal it is a prompt (:help lists its commands). Settings not given are the run's own
    (its config.yaml, `decoding`). With --n-best above 1 each line is: number of the input line,
    score and translation, between tabs. With --attention all lines are read first, and standard
    error tells what the replaced weights cost. --run takes a folder of `export` too.
    """
    from seq2seq.data.readers.streams import STANDARD

    if texts and source:
        raise UserError("translate: give TEXT or --input, not both")
    if source == Path("-"):
        source = None
    if stream is not None and (texts or source):
        raise UserError("translate: --stream is for standard input; leave out TEXT and --input")
    if stream and attention is not None:
        raise UserError("translate: --attention reads all lines first; leave out --stream")
    if tokenized and alignments is None:
        raise UserError("translate: --tokenized is for the words of --alignments; give both")
    if not (texts or source) and sys.stdin is None:
        raise UserError("translate: standard input is closed; give TEXT or --input")
    check_no_paths(texts)
    for file in (output, alignments):
        check_output(file)
    if alignments is not None and output is not None and alignments.resolve() == output.resolve():
        raise UserError(f"{output}: named for both the translations and the alignments")
    if alignments == STANDARD and output in (None, STANDARD):
        raise UserError("--alignments -: the translations go to standard output; give them -o FILE")
    changes = {
        "beam": beam,
        "n_best": n_best,
        "length_penalty": length_penalty,
        "min_length": min_length,
        "max_length": max_length,
        "no_repeat_ngram": no_repeat_ngram,
        "keep": keep,
        "sample": sample,
        "temperature": temperature,
        "top_k": top_k,
        "top_p": top_p,
        "seed": seed,
        "batch": batch,
        "workers": workers,
        "precision": precision,
    }
    links = _Links(alignments, tokenized)
    if attention is not None:
        full = open_translator(open_runs(model), checkpoint, device)
        shuffles = attention.startswith("shuffle")
        full.options = options = revised_decoding(full.options, changes, shuffles=shuffles)
        links.check(full)
        lines = list(read_texts(texts, source))
        write_lines(_intervened(full, lines, options, attention, as_json, links), output)
        links.write()
        return
    translator: TextTranslator = open_export(model, checkpoint, device) or open_translator(
        open_runs(model), checkpoint, device
    )
    translator.options = options = revised_decoding(translator.options, changes)
    links.check(translator)
    asked = texts or source or output or alignments or stream is not None
    if not asked and sys.stdin.isatty() and sys.stdout is not None and sys.stdout.isatty():
        from seq2seq.cli.prompt import converse

        converse(translator, lambda found: _rendered(1, found, translator.options, as_json))
        return
    found = _translated(translator, options, texts, source, stream)
    results = (
        _rendered(number, links.noted(translation), options, as_json)
        for number, translation in enumerate(found, 1)
    )
    write_lines(results, output)
    links.write()


def _translated(
    translator: TextTranslator,
    options: DecodingConfig,
    texts: list[str] | None,
    source: Path | None,
    stream: bool | None,
) -> Iterator[Translation]:
    """The translations; those of a pipe as soon as no more of it waits, unless told otherwise."""
    from seq2seq.data.arriving import ArrivingLines, arrives
    from seq2seq.translation.texts import tell_unknown

    if texts or source or stream is False or not arrives(sys.stdin.buffer):
        return tell_unknown(translator.stream(read_texts(texts, source), options))
    lines = ArrivingLines(sys.stdin.buffer)
    return tell_unknown(translator.stream(lines.texts(), options, waits=lines.waits))


class _Links:
    """The alignments of what is translated, for the file that --alignments names, if it does."""

    def __init__(self, file: Path | None, tokenized: bool) -> None:
        self._file, self._tokenized = file, tokenized
        self._lines: list[str] = []

    def check(self, translator: TextTranslator) -> None:
        """Refuse a model that aligns nothing, and words that are not those that were read."""
        if self._file is None:
            return
        translator.require_attention("--alignments")
        if translator.options.keep:
            raise UserError(
                "--alignments counts the words that the model reads, and keeping (--keep, "
                "decoding.keep) takes tags out before; leave one out, or say --no-keep"
            )

    def noted(self, translation: Translation) -> Translation:
        """Return the translation, its links kept for the file."""
        from seq2seq.evaluation.links import pharaoh, translation_links

        if self._file is not None:
            links = translation_links(translation, tokenized=self._tokenized)
            self._lines.append(pharaoh(links))
        return translation

    def write(self) -> None:
        if self._file is not None:
            write_lines(self._lines, self._file)


def _intervened(
    translator: Translator,
    texts: list[str],
    options: DecodingConfig,
    spec: str,
    as_json: bool,
    links: _Links,
) -> list[str]:
    """The lines of translations made with other attention weights, their cost told beside."""
    from seq2seq.explain.costs import find_costs, render_costs
    from seq2seq.inference.specs import parse_intervention

    intervention = parse_intervention(spec, translator.tokenizers, seed=options.seed)
    costs = find_costs(translator, texts, intervention, options)
    for one in costs:
        links.noted(one.after)
    if report := render_costs(costs):
        logging.getLogger("seq2seq").info("%s", report)
    if as_json:
        values = ({**one.after.as_dict(), "intervention": one.as_dict()} for one in costs)
        return [json.dumps(value, ensure_ascii=False) for value in values]
    return [_rendered(number, one.after, options, as_json) for number, one in enumerate(costs, 1)]


def _rendered(number: int, translation: Translation, options: DecodingConfig, as_json: bool) -> str:
    if as_json:
        return json.dumps(translation.as_dict(), ensure_ascii=False)
    if options.n_best > 1:
        rows = [f"{number}\t{c.score:.4f}\t{c.text}" for c in translation.candidates]
        return "\n".join(rows or [f"{number}\t0.0000\t{translation.text}"])
    return translation.text
