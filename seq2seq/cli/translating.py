"""The command that translates: translate."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterable, Iterator
from os.path import realpath
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seq2seq.cli.options import (
    AsJson,
    Attention,
    Beam,
    CheckpointNames,
    Device,
    Models,
    Output,
    Precision,
    TrustCode,
    Workers,
    check_output,
    check_overwritten,
    open_export,
    open_runs,
    open_translator,
    read_inputs,
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
            metavar="[TEXT]...",
            help="Sentence to translate, or the name of a picture, recording or array for a model "
            "of such sources; without TEXT and --input, standard input is read.",
        ),
    ] = None,
    model: Models = None,
    source: Annotated[
        Path | None,
        typer.Option(
            "--input",
            "-i",
            help="Text file, one sentence a line; may be a .gz, .bz2, .xz, .zst or .sgm file.",
        ),
    ] = None,
    output: Output = None,
    as_json: AsJson = False,
    checkpoint: CheckpointNames = "best",
    device: Device = "auto",
    beam: Beam = None,
    n_best: Annotated[
        int | None, typer.Option(help="Number of translations to print for each sentence.")
    ] = None,
    length_penalty: Annotated[
        float | None,
        typer.Option(
            help="Exponent x in score = log-probability / length^x; a larger x favours longer "
            "translations."
        ),
    ] = None,
    min_length: Annotated[
        int | None, typer.Option(help="Minimum length of a translation, in subword pieces.")
    ] = None,
    max_length: Annotated[
        int | None, typer.Option(help="Maximum length of a translation, in subword pieces.")
    ] = None,
    no_repeat_ngram: Annotated[
        int | None,
        typer.Option(
            help="Length of subword n-grams that may not occur twice in a translation; 0 allows "
            "every repetition."
        ),
    ] = None,
    keep: Annotated[
        bool | None,
        typer.Option(
            "--keep/--no-keep",
            help="Put tags, addresses, numbers and rare names that the model lost back into the "
            "translation.",
        ),
    ] = None,
    sample: Annotated[
        bool | None,
        typer.Option(
            "--sample/--no-sample", help="Sample translations at random instead of searching."
        ),
    ] = None,
    temperature: Annotated[
        float | None, typer.Option(help="Sampling temperature; below 1 favours likely tokens.")
    ] = None,
    top_k: Annotated[
        int | None,
        typer.Option(help="Sample only from this many most likely tokens; 0 samples from all."),
    ] = None,
    top_p: Annotated[
        float | None,
        typer.Option(
            help="Sample only from the most likely tokens whose total probability is this."
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Random seed for --sample and --attention shuffle.")
    ] = None,
    batch: Annotated[
        int | None, typer.Option(help="Sentences to translate together in a batch.")
    ] = None,
    workers: Workers = None,
    precision: Precision = None,
    attention: Attention = None,
    alignments: Annotated[
        Path | None,
        typer.Option(
            "--alignments",
            help="File to write the word alignment of each translation to, in Pharaoh format "
            "(source-target, from 0), by attention.",
        ),
    ] = None,
    tokenized: Annotated[
        bool,
        typer.Option(
            "--tokenized", help="Count the words of --alignments by splitting at white space only."
        ),
    ] = False,
    trust_code: TrustCode = False,
    stream: Annotated[
        bool | None,
        typer.Option(
            "--stream/--no-stream",
            help="Translate lines of standard input as soon as no more are waiting, or read far "
            "ahead, which is faster. [default: --stream, unless standard input is a file]",
        ),
    ] = None,
) -> None:
    """Translate TEXT, a file or standard input, line by line; blank lines stay blank.

    Without TEXT and --input, a terminal gets a prompt (:help lists its commands). Settings that are
    not given come from the run (`decoding` in its config.yaml). With --n-best above 1, each output
    line holds the number of the input line, the score and the translation, separated by tabs. With
    --attention, all lines are read before the first is translated, and standard error shows how
    much the replaced weights change. --run also takes a folder written by `export`.
    """
    if texts and source:
        raise UserError("translate: give TEXT or --input, not both")
    source = None if source == Path("-") else source
    _check_input(texts, source, stream, attention)
    _check_outputs(output, alignments, tokenized)
    for file in (output, alignments):
        check_overwritten(file, [source, attention])
    settings = {
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
    lines: Iterable[str]
    if attention is not None:
        full = open_translator(open_runs(model, trust_code=trust_code), checkpoint, device)
        shuffles = attention.startswith("shuffle")
        full.options = revised_decoding(full.options, settings, shuffles=shuffles)
        links.check(full)
        inputs = read_inputs(texts, source, files=full.reads_files)
        lines = _with_intervention(full, inputs, attention, as_json, links)
    else:
        exported = open_export(model, checkpoint, device)
        translator = exported or open_translator(
            open_runs(model, trust_code=trust_code), checkpoint, device
        )
        translator.options = revised_decoding(translator.options, settings)
        links.check(translator)
        if not (texts or source or output or alignments or stream is not None) and _at_terminal():
            from seq2seq.cli.prompt import converse

            converse(translator, lambda made: _rendered(1, made, translator.options, as_json))
            return
        lines = _translated(translator, texts, source, stream, as_json, links)
    write_lines(lines, output)
    links.write()


def _check_input(
    texts: list[str] | None, source: Path | None, stream: bool | None, attention: str | None
) -> None:
    """Refuse input that can't be read, and --stream where it has no effect."""
    if stream is not None and (texts or source):
        raise UserError(
            "translate: --stream is for standard input only; leave it out, or leave out TEXT and "
            "--input"
        )
    if stream and attention is not None:
        raise UserError(
            "translate: --attention reads all lines before it translates; leave out --stream"
        )
    if not (texts or source) and sys.stdin is None:
        raise UserError("translate: standard input is closed; give TEXT or --input")


def _check_outputs(output: Path | None, alignments: Path | None, tokenized: bool) -> None:
    """Refuse files that can't be written, or where one would overwrite the other."""
    from seq2seq.data.readers.streams import STANDARD

    if tokenized and alignments is None:
        raise UserError("translate: --tokenized has no effect without --alignments; give both")
    for file in (output, alignments):
        check_output(file)
    if alignments is not None and output is not None and realpath(alignments) == realpath(output):
        raise UserError(
            f"{output}: expected two files for --output and --alignments, found the same name twice"
        )
    if alignments == STANDARD and output in (None, STANDARD):
        raise UserError(
            "--alignments -: standard output is for the translations; to print alignments there, "
            "write the translations to a file with -o FILE"
        )


def _at_terminal() -> bool:
    """Whether a person types the input and reads the output."""
    return sys.stdin.isatty() and sys.stdout is not None and sys.stdout.isatty()


def _translated(
    translator: TextTranslator,
    texts: list[str] | None,
    source: Path | None,
    stream: bool | None,
    as_json: bool,
    links: _Links,
) -> Iterator[str]:
    """The lines of translations; lines of a pipe are translated as soon as no more are waiting."""
    from seq2seq.data.arriving import ArrivingLines, arrives
    from seq2seq.translation.unknown import tell_unknown

    options, files = translator.options, translator.reads_files
    if texts or source or stream is False or not arrives(sys.stdin.buffer):
        translations = translator.stream(read_inputs(texts, source, files=files), options)
    else:
        arriving = ArrivingLines(sys.stdin.buffer)
        translations = translator.stream(arriving.texts(), options, waits=arriving.waits)
    return (
        _rendered(number, links.noted(translation), options, as_json)
        for number, translation in enumerate(tell_unknown(translations), 1)
    )


class _Links:
    """The alignments of the translations, for the file of --alignments, if there is one."""

    def __init__(self, file: Path | None, tokenized: bool) -> None:
        self._file, self._tokenized = file, tokenized
        self._lines: list[str] = []

    def check(self, translator: TextTranslator) -> None:
        """Refuse a model without attention, and --keep, which changes the words that are read."""
        if self._file is None:
            return
        translator.require_attention("--alignments")
        if translator.options.keep:
            raise UserError(
                "--alignments cannot be used with --keep (decoding.keep), which takes tags out of "
                "a line before the model reads it; leave one out, or give --no-keep"
            )

    def noted(self, translation: Translation) -> Translation:
        """Return the translation, and note its links for the file."""
        from seq2seq.evaluation.links import pharaoh, translation_links

        if self._file is not None:
            links = translation_links(translation, tokenized=self._tokenized)
            self._lines.append(pharaoh(links))
        return translation

    def write(self) -> None:
        """Write the links of all translations to the file."""
        if self._file is not None:
            write_lines(self._lines, self._file)


def _with_intervention(
    translator: Translator, texts: Iterable[str], spec: str, as_json: bool, links: _Links
) -> list[str]:
    """The lines of translations made with other attention weights; the log says what they cost."""
    from seq2seq.explain.costs import find_costs, render_costs
    from seq2seq.inference.specs import parse_intervention

    options = translator.options
    intervention = parse_intervention(spec, translator.tokenizers, seed=options.seed)
    costs = find_costs(translator, list(texts), intervention, options)
    for cost in costs:
        links.noted(cost.after)
    if report := render_costs(costs):
        logging.getLogger("seq2seq").info("%s", report)
    if as_json:
        values = ({**cost.after.as_dict(), "intervention": cost.as_dict()} for cost in costs)
        return [json.dumps(value, ensure_ascii=False) for value in values]
    return [_rendered(number, cost.after, options, as_json) for number, cost in enumerate(costs, 1)]


def _rendered(number: int, translation: Translation, options: DecodingConfig, as_json: bool) -> str:
    if as_json:
        return json.dumps(translation.as_dict(), ensure_ascii=False)
    if options.n_best > 1:
        rows = [f"{number}\t{c.score:.4f}\t{c.text}" for c in translation.candidates]
        return "\n".join(rows or [f"{number}\t0.0000\t{translation.text}"])
    return translation.text
