"""Commands that measure the quality of translations: evaluate, score, tune."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seq2seq.cli.options import (
    AsJson,
    Attention,
    Beam,
    Bootstrap,
    CheckpointNames,
    Device,
    Models,
    OneRun,
    Output,
    Precision,
    TrustCode,
    Workers,
    check_output,
    check_overwritten,
    open_run,
    open_runs,
    open_translator,
    revised,
    revised_decoding,
    write_lines,
)
from seq2seq.cli.output import tell
from seq2seq.counted import counted
from seq2seq.errors import UserError

if TYPE_CHECKING:
    from seq2seq.config import Config
    from seq2seq.evaluation.evaluate import Evaluation
    from seq2seq.evaluation.held_out import HeldOut
    from seq2seq.evaluation.interventions import Comparison
    from seq2seq.evaluation.word_attention import Aligning
    from seq2seq.inference.interventions import Intervention
    from seq2seq.inference.translator import Translator
    from seq2seq.runs.run import Run

app = typer.Typer()

Tokenize = Annotated[
    str | None,
    typer.Option(
        "--tokenize",
        help="Tokenizer of BLEU: auto (by the target language), or one of sacreBLEU's: 13a, zh, "
        "ja-mecab, ko-mecab, char, intl, none, flores200.",
    ),
]
Exact = Annotated[
    bool,
    typer.Option(
        "--exact",
        help="Also print the share of lines that equal a reference to the letter.",
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
            help="Corpus to translate: a prefix, .tsv, .csv, .jsonl, .tmx, .xml or .zip. "
            "[default: the run's data.test]",
        ),
    ] = None,
    test_set: Annotated[
        str | None,
        typer.Option("--test-set", help="Test set from sacreBLEU to translate, for example wmt14."),
    ] = None,
    references: Annotated[
        list[Path] | None,
        typer.Option(
            "--reference",
            help="File of further references for the test set, one a line, or lists of references "
            "in a .jsonl file; repeatable.",
        ),
    ] = None,
    tokenize: Tokenize = None,
    alignments: Annotated[
        Path | None,
        typer.Option(
            "--alignments",
            help="File of gold word alignments, Pharaoh or NAACL, to compare attention with.",
        ),
    ] = None,
    tokenized: Annotated[
        bool,
        typer.Option("--tokenized", help="Count words by splitting at white space only."),
    ] = False,
    threshold: Annotated[
        float | None,
        typer.Option(
            "--threshold", help="Also align two words if their attention weight is at least this."
        ),
    ] = None,
    reverse_model: Annotated[
        Path | None,
        typer.Option(
            "--reverse-model",
            help="Run that translates in the opposite direction, to align words with both runs.",
        ),
    ] = None,
    symmetrization: Annotated[
        str | None,
        typer.Option(
            "--symmetrize",
            help="How to combine the alignments of both directions: intersection, union or "
            "grow-diag-final of the links, or mean of the weights. [default: grow-diag-final]",
        ),
    ] = None,
    output_alignments: Annotated[
        Path | None,
        typer.Option(
            "--output-alignments",
            help="File to write the word alignments of the references to, in Pharaoh format; "
            "--threshold and --symmetrize apply.",
        ),
    ] = None,
    moses: Annotated[
        bool,
        typer.Option(
            "--moses",
            help="Also print BLEU of lower-cased, Moses-tokenised text, as many papers do.",
        ),
    ] = False,
    exact: Exact = False,
    exposure: Annotated[
        bool,
        typer.Option(
            "--exposure",
            help="Also print exposure bias: how well second halves are translated after the first "
            "half of the reference, and after the model's own.",
        ),
    ] = False,
    output: Output = None,
    bootstrap: Bootstrap = 1000,
    beam: Beam = None,
    workers: Workers = None,
    precision: Precision = None,
    checkpoint: CheckpointNames = "best",
    device: Device = "auto",
    as_json: AsJson = False,
    attention: Attention = None,
    trust_code: TrustCode = False,
) -> None:
    """Translate a test set; print BLEU, chrF and TER, scores by length, and frequent errors.

    The share of lines that are right to the letter is printed too with --exact, and if the run
    chose its checkpoint by it. With --attention, a table also compares the scores with and
    without the replaced weights.
    """
    from seq2seq.evaluation.evaluate import evaluate as evaluate_model
    from seq2seq.evaluation.held_out import open_held_out
    from seq2seq.evaluation.links import pharaoh

    for file in (output, output_alignments):
        check_output(file)
    if symmetrization is not None and reverse_model is None:
        raise UserError("evaluate: --symmetrize combines two runs; give --reverse-model too")
    runs = open_runs(model, trust_code=trust_code)
    config = runs[0].config
    scoring = revised(config.evaluation, {"tokenize": tokenize})
    if test_set is not None and corpus is not None:
        raise UserError("evaluate: give --data or --test-set, not both")
    test = open_held_out(config, corpus, test_set=test_set, further=references or [])
    for file in (output, output_alignments):
        check_overwritten(file, [*test.files, alignments, attention])
    translator = open_translator(runs, checkpoint, device)
    reverse = None
    if reverse_model:
        (run,) = open_runs([reverse_model], trust_code=trust_code)
        reverse = _open_reverse(run, config, checkpoint, device)
    aligning = _aligning(threshold, tokenized, reverse, symmetrization)
    settings = {"beam": beam, "workers": workers, "precision": precision}
    translator.options = revised_decoding(translator.options, settings)
    intervention = None if attention is None else _intervention(translator, test.sources, attention)
    evaluation = evaluate_model(
        translator,
        test.sources,
        test.references,
        tokenize=scoring.tokenize,
        language=config.data.target,
        moses=config.data.target if moses else None,
        exact=exact or config.training.metric == "exact",
        exposure=exposure,
        alignments=alignments,
        aligning=aligning,
        bootstrap=bootstrap,
    )
    if output_alignments is not None:
        write_lines(map(pharaoh, evaluation.links), output_alignments)
    cost = None
    if intervention is not None:
        cost = _cost(translator, test, intervention, evaluation, bootstrap)
    if output is not None:
        write_lines(evaluation.hypotheses, output)
    if as_json:
        values = {"test_set": test.name, **evaluation.as_dict()}
        if cost:
            values["intervention"] = cost.as_dict()
        tell(json.dumps(values, ensure_ascii=False))
    else:
        sentences = counted(len(test.sources), "sentence")
        tell(f"{test.name}: {sentences}, beam {translator.options.beam}")
        tell(evaluation.render())
        if cost:
            tell(f"\n{cost.render()}")


@app.command(
    short_help="Score a file of translations against references.",
    epilog="Example: seq2seq score hypotheses.fr references.fr",
)
def score(
    hypotheses: Annotated[Path, typer.Argument(help="File of translations, one a line.")],
    references: Annotated[
        list[Path],
        typer.Argument(
            help="Files of references, untokenised text, one a line; in one of several files, a "
            "blank line means that this reference is missing."
        ),
    ],
    target: Annotated[
        str | None,
        typer.Option(
            "--target",
            help="Code of the target language. [default: the ending of the first reference file]",
        ),
    ] = None,
    tokenize: Tokenize = None,
    moses: Annotated[
        str | None,
        typer.Option(
            "--moses", help="Language code; also print BLEU of lower-cased, Moses-tokenised text."
        ),
    ] = None,
    exact: Exact = False,
    bootstrap: Bootstrap = 1000,
    as_json: AsJson = False,
) -> None:
    """Score a file of translations against references, exactly as `evaluate` does."""
    from seq2seq.config import EvaluationConfig
    from seq2seq.data.corpus import read_texts, without_endings
    from seq2seq.evaluation.moses import score_moses
    from seq2seq.evaluation.references import read_references
    from seq2seq.evaluation.scores import render_scores, score_corpus, score_exact

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
    if exact:
        scores.append(score_exact(lines, streams))
    tell(json.dumps([asdict(row) for row in scores]) if as_json else render_scores(scores))


@app.command(
    short_help="Choose beam and length penalty by the validation set.",
    epilog="Example: seq2seq tune --run runs/demo --write",
)
def tune(
    model: OneRun = None,
    beams: Annotated[
        list[int] | None,
        typer.Option("--beam", help="Beam size to try; repeatable. [default: 1, 5, 10]"),
    ] = None,
    penalties: Annotated[
        list[float] | None,
        typer.Option(
            "--length-penalty",
            help="Length penalty to try; repeatable. [default: 0, 0.6, 0.8, 1, 1.2, 1.4]",
        ),
    ] = None,
    metric: Annotated[
        str, typer.Option("--metric", help="Score that chooses: bleu, chrf or exact.")
    ] = "bleu",
    corpus: Annotated[
        str | None,
        typer.Option("--data", help="Corpus to translate. [default: the run's data.valid]"),
    ] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Have the run decode so from now on.")
    ] = False,
    checkpoint: CheckpointNames = "best",
    device: Device = "auto",
    as_json: AsJson = False,
    trust_code: TrustCode = False,
) -> None:
    """Translate the validation set with each beam and length penalty, and print the scores.

    The last line has the settings of the best. The test set is for measuring, not for choosing: a
    score on the text that chose is too good.
    """
    from seq2seq.evaluation.held_out import open_held_out
    from seq2seq.evaluation.scores import why_bleu_is_blind
    from seq2seq.evaluation.tokenizers import choose_tokenizer
    from seq2seq.evaluation.tuning import (
        BEAMS,
        LENGTH_PENALTIES,
        METRICS,
        best_of,
        chosen,
        render_tried,
        searches,
        try_searches,
    )

    if metric not in METRICS:
        raise UserError(f"--metric: expected one of {', '.join(METRICS)}, found {metric!r}")
    run = open_run(None, model, "tune", trust_code=trust_code)
    config = run.config
    ways = searches(config.decoding, beams or BEAMS, penalties or LENGTH_PENALTIES)
    held_out = open_held_out(config, corpus or config.data.valid)
    tokenize = choose_tokenizer(
        held_out.references, tokenize=config.evaluation.tokenize, language=config.data.target
    )
    if metric == "bleu" and (blind := why_bleu_is_blind(held_out.references[0], tokenize)):
        logging.getLogger("seq2seq").warning(
            "BLEU says too little to choose by: %s; choose by --metric chrf or exact", blind
        )
    tried = list(
        try_searches(
            open_translator([run], checkpoint, device),
            held_out.sources,
            held_out.references,
            ways,
            tokenize=tokenize,
        )
    )
    best = best_of(tried, metric)
    if as_json:
        rows = [each._asdict() for each in tried]
        tell(json.dumps({"tokenize": tokenize, "tried": rows, "best": best._asdict()}))
    else:
        sentences = counted(len(held_out.sources), "sentence")
        tell(f"{held_out.name}: {sentences}, BLEU of {tokenize} tokens")
        tell(render_tried(tried))
        tell(f"best by {metric}: {best.settings}")
    if write:
        run.decode_by(chosen(config.decoding, best))
        sampled = ", and samples no longer" if config.decoding.sample else ""
        logging.getLogger("seq2seq").info("%s decodes so from now on%s", run.folder, sampled)


def _aligning(
    threshold: float | None,
    tokenized: bool,
    reverse: Translator | None,
    symmetrization: str | None,
) -> Aligning:
    from seq2seq.evaluation.symmetrization import GROW_DIAG_FINAL
    from seq2seq.evaluation.word_attention import Aligning

    return Aligning(
        threshold=threshold,
        tokenized=tokenized,
        reverse=reverse,
        symmetrization=symmetrization or GROW_DIAG_FINAL,
    )


def _open_reverse(run: Run, config: Config, checkpoint: str, device: str) -> Translator:
    """The translator of a run that translates in the opposite direction of `config`."""
    ours, theirs = config.data, run.config.data
    if (theirs.source, theirs.target) != (ours.target, ours.source):
        raise UserError(
            f"{run.folder}: expected a run that translates {ours.target} to {ours.source}, "
            f"found {theirs.source} to {theirs.target}"
        )
    return open_translator([run], checkpoint, device)


def _intervention(translator: Translator, sources: list[str], spec: str) -> Intervention:
    """The intervention that --attention names, refused before the work if it does not fit."""
    from seq2seq.explain.costs import check_texts
    from seq2seq.inference.specs import parse_intervention

    intervention = parse_intervention(spec, translator.tokenizers, seed=translator.options.seed)
    check_texts(translator, sources, intervention)
    return intervention


def _cost(
    translator: Translator,
    test: HeldOut,
    intervention: Intervention,
    plain: Evaluation,
    bootstrap: int,
) -> Comparison:
    """What the intervention costs, beside the evaluation without it."""
    from seq2seq.evaluation.interventions import compare_scores

    return compare_scores(
        translator, test.sources, test.references, intervention, plain, bootstrap=bootstrap
    )
