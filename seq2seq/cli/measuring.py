"""Commands that say how good translations are: evaluate, score."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seq2seq.cli.options import (
    AsJson,
    Attention,
    Beam,
    Bootstrap,
    CheckpointName,
    Device,
    Models,
    Output,
    Precision,
    Workers,
    check_output,
    open_runs,
    open_translator,
    revised,
    revised_decoding,
    write_lines,
)
from seq2seq.errors import UserError

if TYPE_CHECKING:
    from seq2seq.config import Config
    from seq2seq.inference.interventions import Intervention
    from seq2seq.inference.translator import Translator

app = typer.Typer()

Tokenize = Annotated[
    str | None,
    typer.Option(
        "--tokenize",
        help="What BLEU counts: auto, by the target language, or sacreBLEU's 13a, zh, ja-mecab, "
        "ko-mecab, char, intl, none, flores200.",
    ),
]


@app.command(
    short_help="Translate a test set and score it.",
    epilog="Example: seq2seq evaluate --run runs/demo --data data/test",
)
def evaluate(
    model: Models = None,
    corpus: Annotated[
        str | None,
        typer.Option(
            "--data",
            help="Prefix, .tsv, .csv, .jsonl, .tmx, .xml or .zip of a corpus. "
            "[default: the run's data.test]",
        ),
    ] = None,
    test_set: Annotated[
        str | None, typer.Option("--test-set", help="Test set of sacreBLEU's, for example wmt14.")
    ] = None,
    references: Annotated[
        list[Path] | None,
        typer.Option(
            "--reference",
            help="More references of the test set, a line each or lists in a .jsonl; repeatable.",
        ),
    ] = None,
    tokenize: Tokenize = None,
    alignments: Annotated[
        Path | None, typer.Option("--alignments", help="File of gold alignments, Pharaoh or NAACL.")
    ] = None,
    tokenized: Annotated[
        bool,
        typer.Option("--tokenized", help="Align words as white space separates them."),
    ] = False,
    threshold: Annotated[
        float | None,
        typer.Option("--threshold", help="Link words also by every weight of at least this."),
    ] = None,
    reverse_model: Annotated[
        Path | None,
        typer.Option("--reverse-model", help="Run of the reverse direction, to align by both."),
    ] = None,
    symmetrization: Annotated[
        str | None,
        typer.Option(
            "--symmetrize",
            help="Way to join both directions: intersection, union or grow-diag-final of links, "
            "or mean of their weights. [default: grow-diag-final]",
        ),
    ] = None,
    output_alignments: Annotated[
        Path | None,
        typer.Option(
            "--output-alignments",
            help="File for the links of the references, Pharaoh: by threshold if there is one, "
            "of both directions if there are.",
        ),
    ] = None,
    moses: Annotated[
        bool, typer.Option("--moses", help="Add the literature's lower-cased tokenised BLEU.")
    ] = False,
    output: Output = None,
    bootstrap: Bootstrap = 1000,
    beam: Beam = None,
    workers: Workers = None,
    precision: Precision = None,
    checkpoint: CheckpointName = "best",
    device: Device = "auto",
    as_json: AsJson = False,
    attention: Attention = None,
) -> None:
    """Translate a test set and score it: BLEU, chrF, TER, by length, with what went wrong.

    With --attention also a table of what the replaced weights cost.
    """
    from seq2seq.evaluation.evaluate import evaluate as evaluate_model
    from seq2seq.evaluation.links import pharaoh
    from seq2seq.evaluation.symmetrization import GROW_DIAG_FINAL
    from seq2seq.evaluation.word_attention import Aligning

    for file in (output, output_alignments):
        check_output(file)
    if symmetrization is not None and reverse_model is None:
        raise UserError("evaluate: --symmetrize joins two directions; give --reverse-model too")
    runs = open_runs(model)
    config = runs[0].config
    scoring = revised(config.evaluation, {"tokenize": tokenize})
    sources, streams, name = _test_set(config, corpus, test_set, references or [])
    translator = open_translator(runs, checkpoint, device)
    aligning = Aligning(
        threshold=threshold,
        tokenized=tokenized,
        reverse=_open_reverse(reverse_model, config, checkpoint, device) if reverse_model else None,
        symmetrization=symmetrization or GROW_DIAG_FINAL,
    )
    changes = {"beam": beam, "workers": workers, "precision": precision}
    translator.options = revised_decoding(translator.options, changes)
    intervention = None if attention is None else _intervention(translator, sources, attention)
    found = evaluate_model(
        translator,
        sources,
        streams,
        tokenize=scoring.tokenize,
        language=config.data.target,
        moses=config.data.target if moses else None,
        alignments=alignments,
        aligning=aligning,
        bootstrap=bootstrap,
    )
    if output_alignments is not None:
        write_lines(map(pharaoh, found.links), output_alignments)
    cost = None
    if intervention is not None:
        from seq2seq.evaluation.interventions import compare_scores

        cost = compare_scores(
            translator, sources, streams, intervention, found, bootstrap=bootstrap
        )
    if output is not None:
        write_lines(found.hypotheses, output)
    if as_json:
        values = {"test_set": name, **found.as_dict()}
        if cost:
            values["intervention"] = cost.as_dict()
        print(json.dumps(values, ensure_ascii=False))
    else:
        print(f"{name}: {len(sources):,} sentences, beam {translator.options.beam}")
        print(found.render())
        if cost:
            print(f"\n{cost.render()}")


@app.command(
    short_help="Score translations that are there already.",
    epilog="Example: seq2seq score hypotheses.fr references.fr",
)
def score(
    hypotheses: Annotated[Path, typer.Argument(help="Translations, one a line.")],
    references: Annotated[
        list[Path],
        typer.Argument(
            help="Raw references, a file each; a blank line is a missing one of several."
        ),
    ],
    target: Annotated[
        str | None,
        typer.Option("--target", help="Code of the language. [default: the reference's ending]"),
    ] = None,
    tokenize: Tokenize = None,
    moses: Annotated[
        str | None, typer.Option("--moses", help="Language of an additional Moses-tokenised BLEU.")
    ] = None,
    bootstrap: Bootstrap = 1000,
    as_json: AsJson = False,
) -> None:
    """Score translations that are there already, by the same path as `evaluate`."""
    from seq2seq.config import EvaluationConfig
    from seq2seq.data.corpus import read_texts, without_endings
    from seq2seq.evaluation.moses import score_moses
    from seq2seq.evaluation.references import read_references
    from seq2seq.evaluation.scores import render_scores, score_corpus

    scoring = revised(EvaluationConfig(), {"tokenize": tokenize})
    language = target or without_endings(references[0]).suffix.removeprefix(".")
    lines = list(read_texts(hypotheses))
    expected = f"one for each of {hypotheses}"
    streams = read_references(references, len(lines), language=language, expected=expected)
    scores = score_corpus(
        lines, streams, tokenize=scoring.tokenize, language=language, bootstrap=bootstrap
    )
    if moses:
        scores += score_moses(lines, streams, language=moses, bootstrap=bootstrap)
    print(json.dumps([asdict(one) for one in scores]) if as_json else render_scores(scores))


def _open_reverse(folder: Path, config: Config, checkpoint: str, device: str) -> Translator:
    """The translator of a run whose languages are those of `config`, exchanged."""
    (run,) = open_runs([folder])
    ours, theirs = config.data, run.config.data
    if (theirs.source, theirs.target) != (ours.target, ours.source):
        raise UserError(
            f"{folder}: expected a run that translates {ours.target} to {ours.source}, "
            f"found {theirs.source} to {theirs.target}"
        )
    return open_translator([run], checkpoint, device)


def _intervention(translator: Translator, sources: list[str], spec: str) -> Intervention:
    """What --attention asks for, refused before the work if it does not fit."""
    from seq2seq.explain.costs import check_texts
    from seq2seq.inference.specs import parse_intervention

    intervention = parse_intervention(spec, translator.tokenizers, seed=translator.options.seed)
    check_texts(translator, sources, intervention)
    return intervention


def _test_set(
    config: Config, corpus: str | None, test_set: str | None, more: list[Path]
) -> tuple[list[str], list[list[str | None]], str]:
    """Sources, reference streams and a name to report them by."""
    from seq2seq.data.corpus import find_test_set, warn_if_odd
    from seq2seq.evaluation.references import read_references

    data = config.data
    streams: list[list[str | None]]
    if test_set is not None:
        from seq2seq.data.download import sacrebleu_testset

        if corpus is not None:
            raise UserError("evaluate: give --data or --test-set, not both")
        sources, given = sacrebleu_testset(test_set, f"{data.source}-{data.target}")
        streams, name = (
            [list(stream) for stream in given],
            f"{test_set} {data.source}-{data.target}",
        )
    else:
        spec = corpus or data.test
        if not spec:
            raise UserError(
                "evaluate: the run has no data.test; name a corpus with --data or --test-set"
            )
        found = find_test_set(spec, data.source, data.target, data.columns)
        warn_if_odd(found, data)
        pairs = list(found.pairs())
        sources, streams, name = [p.source for p in pairs], [[p.target for p in pairs]], str(spec)
    expected = f"one for each sentence of {name}"
    streams = read_references(
        more, len(sources), language=data.target, beside=streams, expected=expected
    )
    return sources, streams, name
