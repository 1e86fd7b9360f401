"""The command that uses a model: translate."""

from __future__ import annotations

import json
import logging
import sys
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
    check_output,
    find_export,
    open_export,
    open_runs,
    open_translator,
    read_texts,
    revised,
    write_lines,
)
from seq2seq.errors import UserError

if TYPE_CHECKING:
    from seq2seq.config import DecodingConfig
    from seq2seq.inference.texts import TextTranslator
    from seq2seq.inference.translation import Translation
    from seq2seq.inference.translator import Translator

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
        Path | None, typer.Option("--input", "-i", help="Text file (or .gz), a sentence a line.")
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
    sample: Annotated[
        bool | None,
        typer.Option("--sample", help="Draw translations at random instead of searching."),
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
) -> None:
    """Translate TEXT, a file or standard input, line by line; blank lines stay blank.

    Settings not given are the run's own (its config.yaml, `decoding`). With --n-best above 1 each
    line is: number of the input line, score and translation, between tabs. With --attention all
    lines are read first, and standard error tells what the replaced weights cost. --run takes a
    folder of `export` too.
    """
    if texts and source:
        raise UserError("translate: give TEXT or --input, not both")
    check_output(output)
    changes = {
        "beam": beam,
        "n_best": n_best,
        "length_penalty": length_penalty,
        "min_length": min_length,
        "max_length": max_length,
        "no_repeat_ngram": no_repeat_ngram,
        "sample": sample,
        "temperature": temperature,
        "top_k": top_k,
        "top_p": top_p,
        "seed": seed,
        "batch": batch,
        "workers": workers,
        "precision": precision,
    }
    if attention is not None:
        full = open_translator(open_runs(model), checkpoint, device)
        options = revised(full.options, changes)
        lines = list(read_texts(texts, source))
        write_lines(_disturbed(full, lines, options, attention, as_json), output)
        return
    exported = find_export(model)
    translator: TextTranslator = (
        open_export(exported, checkpoint, device)
        if exported
        else open_translator(open_runs(model), checkpoint, device)
    )
    options = revised(translator.options, changes)
    typed = not texts and source is None and sys.stdin.isatty()
    translations = translator.stream(read_texts(texts, source), options, ahead=1 if typed else None)
    results = (
        _rendered(number, translation, options, as_json)
        for number, translation in enumerate(translations, 1)
    )
    write_lines(results, output)


def _disturbed(
    translator: Translator, texts: list[str], options: DecodingConfig, spec: str, as_json: bool
) -> list[str]:
    """The lines of translations made with other attention weights, their cost told beside."""
    from seq2seq.explain.costs import find_costs, render_costs
    from seq2seq.explain.specs import parse_intervention

    change = parse_intervention(spec, translator.tokenizers, seed=options.seed)
    costs = find_costs(translator, texts, change, options)
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
        return "\n".join(rows or [f"{number}\t0.0000\t"])
    return translation.text
