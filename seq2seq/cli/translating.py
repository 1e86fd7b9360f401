"""Commands that use a model: translate, explain."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seq2seq.cli.options import (
    AsJson,
    Beam,
    CheckpointName,
    Device,
    Models,
    Output,
    check_output,
    open_runs,
    open_translator,
    revised,
    write_lines,
)
from seq2seq.errors import UserError

if TYPE_CHECKING:
    from seq2seq.config import DecodingConfig
    from seq2seq.inference.translation import Translation

app = typer.Typer()


@app.command()
def translate(
    texts: Annotated[
        list[str] | None, typer.Argument(metavar="[TEXT]...", help="Else standard input.")
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
    n_best: Annotated[int | None, typer.Option(help="Hypotheses returned.")] = None,
    length_penalty: Annotated[
        float | None, typer.Option(help="Score = log-probability / length ^ this.")
    ] = None,
    min_length: Annotated[int | None, typer.Option(help="Fewest target pieces.")] = None,
    max_length: Annotated[int | None, typer.Option(help="Most target pieces.")] = None,
    no_repeat_ngram: Annotated[
        int | None, typer.Option(help="No n-gram of pieces twice; 0: any may repeat.")
    ] = None,
    sample: Annotated[
        bool | None, typer.Option("--sample", help="Draw instead of searching.")
    ] = None,
    temperature: Annotated[
        float | None, typer.Option(help="Of the draws: below 1 bolder in the likely.")
    ] = None,
    top_k: Annotated[int | None, typer.Option(help="Draw from the k likeliest; 0: all.")] = None,
    top_p: Annotated[
        float | None, typer.Option(help="Draw from the likeliest of this probability together.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of the draws.")] = None,
    batch: Annotated[int | None, typer.Option(help="Sentences decoded at once.")] = None,
) -> None:
    """Translate TEXT, a file or standard input, line by line; blank lines stay blank.

    Settings not given are the run's own (its config.yaml, `decoding`). With --n-best above 1 each
    line is: number of the input line, score and translation, between tabs.
    """
    if texts and source:
        raise UserError("translate: give TEXT or --input, not both")
    check_output(output)
    translator = open_translator(open_runs(model), checkpoint, device)
    options = revised(
        translator.options,
        {
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
        },
    )
    typed = not texts and source is None and sys.stdin.isatty()
    translations = translator.stream(_lines(texts, source), options, ahead=1 if typed else None)
    results = (
        _rendered(number, translation, options, as_json)
        for number, translation in enumerate(translations, 1)
    )
    write_lines(results, output)


@app.command()
def explain(
    texts: Annotated[list[str], typer.Argument(metavar="TEXT...", help="Sentences.")],
    model: Models = None,
    checkpoint: CheckpointName = "best",
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Translate TEXT and print which source word each target word looked at.

    A row a target word, a column a source word; each row's largest weight is in brackets.
    """
    from seq2seq.inference.translation import render_matrix

    translator = open_translator(open_runs(model), checkpoint, device)
    for translation in translator.translate(list(_lines(texts, None))):
        if as_json:
            print(json.dumps(translation.as_dict(), ensure_ascii=False))
            continue
        columns = [word.word for word in translation.source_words]
        print(f"{translation.source}  ->  {translation.text}\n")
        print(render_matrix(translation.attention, translation.words, columns), end="\n\n")


def _rendered(number: int, translation: Translation, options: DecodingConfig, as_json: bool) -> str:
    if as_json:
        return json.dumps(translation.as_dict(), ensure_ascii=False)
    if options.n_best > 1:
        rows = [f"{number}\t{c.score:.4f}\t{c.text}" for c in translation.candidates]
        return "\n".join(rows or [f"{number}\t0.0000\t"])
    return translation.text


def _lines(texts: list[str] | None, source: Path | None) -> Iterator[str]:
    from seq2seq.data.corpus import read_lines

    if not texts:
        return read_lines(source if source is not None else sys.stdin)
    for number, text in enumerate(texts, 1):
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            raise UserError(f"TEXT {number}: expected UTF-8 text, found {text!r}") from None
    return iter(texts)
