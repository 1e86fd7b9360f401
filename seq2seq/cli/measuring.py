"""Commands that say how good translations are: evaluate, score."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seq2seq.cli.options import (
    AsJson,
    Beam,
    Bootstrap,
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
    from seq2seq.config import Config

app = typer.Typer()


@app.command()
def evaluate(
    model: Models = None,
    corpus: Annotated[
        str | None,
        typer.Option("--data", help="Prefix or .tsv of a corpus. [default: the run's data.test]"),
    ] = None,
    test_set: Annotated[
        str | None, typer.Option("--test-set", help="One of sacreBLEU's, for example wmt14.")
    ] = None,
    alignments: Annotated[
        Path | None, typer.Option("--alignments", help="Gold alignments: Pharaoh or NAACL.")
    ] = None,
    moses: Annotated[
        bool, typer.Option("--moses", help="Add the literature's lower-cased tokenised BLEU.")
    ] = False,
    output: Output = None,
    bootstrap: Bootstrap = 1000,
    beam: Beam = None,
    checkpoint: CheckpointName = "best",
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Translate a test set and score it: BLEU, chrF, TER, by length, with what went wrong."""
    from seq2seq.evaluation.evaluate import evaluate as evaluate_model

    check_output(output)
    runs = open_runs(model)
    config = runs[0].config
    sources, references, name = _test_set(config, corpus, test_set)
    translator = open_translator(runs, checkpoint, device)
    translator.options = revised(translator.options, {"beam": beam})
    found = evaluate_model(
        translator,
        sources,
        references,
        moses=config.data.target if moses else None,
        alignments=alignments,
        bootstrap=bootstrap,
    )
    if output is not None:
        write_lines(found.hypotheses, output)
    if as_json:
        print(json.dumps({"test_set": name, **found.as_dict()}, ensure_ascii=False))
    else:
        print(f"{name}: {len(sources):,} sentences, beam {translator.options.beam}")
        print(found.render())


@app.command()
def score(
    hypotheses: Annotated[Path, typer.Argument(help="Translations, one a line.")],
    references: Annotated[list[Path], typer.Argument(help="Raw references, a file each.")],
    moses: Annotated[
        str | None, typer.Option("--moses", help="Add Moses-tokenised BLEU of this language.")
    ] = None,
    bootstrap: Bootstrap = 1000,
    as_json: AsJson = False,
) -> None:
    """Score translations that are there already, by the same path as `evaluate`."""
    from seq2seq.data.corpus import read_lines
    from seq2seq.evaluation.scores import render_scores, score_corpus, score_moses

    lines, *streams = (list(read_lines(file)) for file in (hypotheses, *references))
    for file, stream in zip(references, streams, strict=True):
        if len(stream) != len(lines):
            raise UserError(
                f"{file} has {len(stream)} lines, {hypotheses} {len(lines)}: "
                "expected one translation of each reference"
            )
    scores = score_corpus(lines, streams, bootstrap=bootstrap)
    if moses:
        scores += score_moses(lines, streams, language=moses, bootstrap=bootstrap)
    print(json.dumps([asdict(one) for one in scores]) if as_json else render_scores(scores))


def _test_set(
    config: Config, corpus: str | None, test_set: str | None
) -> tuple[list[str], list[list[str]], str]:
    """Sources, reference streams and a name to report them by."""
    if test_set is not None:
        from seq2seq.data.download import sacrebleu_testset

        if corpus is not None:
            raise UserError("evaluate: give --data or --test-set, not both")
        pair = f"{config.data.source}-{config.data.target}"
        return *sacrebleu_testset(test_set, pair), f"{test_set} {pair}"
    from seq2seq.data.corpus import find_corpus

    spec = corpus or config.data.test
    if not spec:
        raise UserError(
            "evaluate: the run has no data.test; name a corpus with --data or --test-set"
        )
    pairs = list(find_corpus(spec, config.data.source, config.data.target).pairs())
    return [p.source for p in pairs], [[p.target for p in pairs]], str(spec)
