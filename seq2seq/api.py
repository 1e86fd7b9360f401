"""What `import seq2seq` offers: functions to load, configure, train, explain, evaluate and compare.

A model may be named by its run directory everywhere. Nothing here imports torch before it is
needed, so that an exported model translates without.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seq2seq import config as configuration
from seq2seq.bundled import find_recipe
from seq2seq.config import Config, revise
from seq2seq.errors import UserError

if TYPE_CHECKING:
    from seq2seq.compare.comparison import Comparison
    from seq2seq.config import BleuTokenizer
    from seq2seq.evaluation.evaluate import Evaluation
    from seq2seq.explain.explanation import Explanation
    from seq2seq.inference.translator import Translator
    from seq2seq.runs.run import Run
    from seq2seq.training.metrics import Callback

Overrides = Sequence[str] | Mapping[str, Any]
"""Settings: `["model.dropout=0.3"]` or `{"model.dropout": 0.3}`."""


def load(
    *models: str | os.PathLike[str],
    checkpoint: str = "best",
    device: str = "auto",
    trust_code: bool = False,
) -> Translator | Any:  # Any: a LightTranslator, which callers who name runs need not rule out
    """Return the translator of a run directory, of several as an ensemble, or of an export.

    Without a name it is the newest finished run under runs/. `checkpoint` is best, last, average or
    a step, or several (`8000,9000,best`) as an ensemble; `device` is auto, cpu, cuda or cuda:1. A
    folder that `seq2seq export` wrote gives a `LightTranslator`, which needs no torch and has one
    checkpoint, on the CPU.

    A run may hold Python code. It is executed if you have trained with it on this machine, or with
    `trust_code`: then whoever wrote it can do all that you can. See docs/security.md.

    Raises UserError if a run is missing, damaged or of another vocabulary than the first, or has
    code that isn't trusted.
    """
    folders = [_path("load", model) for model in models]
    _check_text("device", device)
    from seq2seq.export.translator import find_export
    from seq2seq.export.translator import load as load_export

    if export := find_export(folders):
        return load_export(export, checkpoint=checkpoint, device=device)
    from seq2seq.inference.translator import load as load_runs

    return load_runs(*folders, checkpoint=checkpoint, device=device, trust_code=trust_code)


def load_config(
    path: str | os.PathLike[str] | None = None,
    overrides: Overrides = (),
) -> Config:
    """Return the configuration of a YAML file or a bundled recipe (`demo`), with changes.

    `overrides` are `{"model.dropout": 0.3}` or `["model.dropout=0.3"]`. Without a path every
    setting has its default. Raises UserError naming file and line, what was expected and found.
    """
    overrides = _as_overrides(overrides)
    recipe = None if path is None else find_recipe(_path("load_config", path))
    return configuration.load_config(recipe, overrides)


def train(
    config: Config | str | os.PathLike[str],
    folder: str | os.PathLike[str],
    *,
    resume: bool = False,
    from_step: int | None = None,
    show_bar: bool = False,
    callbacks: Sequence[Callback] = (),
    trust_code: bool = False,
) -> Run:
    """Train `config` (or the file or recipe of that name) in the run directory `folder`.

    Each callback is called with every record of metrics.jsonl as a dict: `kind` (train, every
    `training.log_every` steps, or valid), `step`, and figures: `loss` in nats a target token,
    `bleu` in percent, `seconds`, `lr` and more. If a callback raises an exception, training
    saves and ends after that step, and the exception is raised here.

    With `resume`, an existing run continues from its last checkpoint, exactly as if it had not
    stopped; with `from_step`, from the checkpoint of that step. Ctrl-C stops after the current
    step and saves. The code that `config` names is executed; the code in a run that it resumes or
    starts from as in `load`. Raises UserError if the configuration, its corpus or the folder can't
    be used.
    """
    from seq2seq.pipeline import train as train_run

    if not isinstance(callbacks, Iterable) or not all(map(callable, callbacks)):
        raise UserError(f"callbacks: expected a list of functions, found {callbacks!r}")
    config = config if isinstance(config, Config) else load_config(config)
    folder = _path("train", folder)
    return train_run(
        config,
        folder,
        resume=resume,
        from_step=from_step,
        show_bar=show_bar,
        callbacks=callbacks,
        trust_code=trust_code,
    )


def explain(
    model: Translator | str | os.PathLike[str],
    text: str,
    *,
    target: str | None = None,
    checkpoint: str = "best",
    device: str = "auto",
    trust_code: bool = False,
    **decoding: Any,
) -> Explanation:
    """Return how a model translates one text, or how it reads the translation `target`.

    `model` is a run directory or its translator; `checkpoint`, `device` and `trust_code` are for a
    directory, as in `load`. Further keywords are settings of decoding (`beam=1`). `print` shows the
    table of steps and the matrix; the tensors are attributes, their axes in their names.

    Raises UserError for an ensemble, an exported model, or an invalid setting.
    """
    from seq2seq.explain.explanation import explain as look

    if not isinstance(text, str):
        raise UserError(f"explain: expected one text, found a {type(text).__name__}")
    if target is not None:
        _check_text("target", target)
        if decoding:
            raise UserError(
                "explain: no effect with a target, which replaces the search: "
                f"{', '.join(decoding)}"
            )
    translator = _translator("explain", model, checkpoint, device, trust_code, decoding)
    name, version = ("", "") if _is_translator(model) else _names(model, checkpoint)
    return look(translator, text, target=target, model=name, checkpoint=version)


def evaluate(
    model: Translator | str | os.PathLike[str],
    sources: Iterable[str] | None = None,
    references: Iterable[str] | Sequence[Iterable[str]] | None = None,
    *,
    data: str | os.PathLike[str] | None = None,
    alignments: str | os.PathLike[str] | None = None,
    tokenize: BleuTokenizer | None = None,
    language: str | None = None,
    moses: str | None = None,
    exact: bool | None = None,
    exposure: bool = False,
    bootstrap: int = 1000,
    checkpoint: str = "best",
    device: str = "auto",
    trust_code: bool = False,
    **decoding: Any,
) -> Evaluation:
    """Translate a test set and score it against raw references: BLEU, chrF, TER in percent.

    `model` is a run directory or its translator. The test set is `sources` with `references`, one a
    source or several lists of them; or a corpus, `data` (prefix or .tsv), else the `data.test` of
    the run's configuration. `alignments` is a file of gold alignments for the alignment error rate.
    `tokenize` is what BLEU counts, else the run's `evaluation.tokenize`, chosen by the target
    `language`, else the run's; `moses` is that language for the literature's lower-cased BLEU too.
    `exact` asks for the share of lines that are right to the letter, else the run's metric does;
    `exposure` asks for exposure bias: what second halves gain after half of the reference.
    `bootstrap` is the number of resamples behind the 95 % intervals, 0 for none. Further keywords
    are settings of decoding (`beam=1`). `print` shows the whole report.

    Raises UserError where the numbers of lines differ, or there is no test set.
    """
    from seq2seq.evaluation.evaluate import evaluate as score
    from seq2seq.evaluation.tokenizers import AUTO

    if (sources is None) != (references is None):
        raise UserError("evaluate: expected both sources and references, or neither")
    if sources is not None and data is not None:
        raise UserError("evaluate: expected sources and references, or data, found both")
    if not isinstance(bootstrap, int) or bootstrap < 0:
        raise UserError(
            f"bootstrap: expected a whole number (0 for no intervals), found {bootstrap!r}"
        )
    translator = _translator("evaluate", model, checkpoint, device, trust_code, decoding)
    if sources is None or references is None:
        sources, streams = _test_set(model, data)
    else:
        sources, streams = _texts("sources", sources), _streams(references)
    config = translator.config
    return score(
        translator,
        sources,
        streams,
        tokenize=tokenize or (config.evaluation.tokenize if config else AUTO),
        language=language or (config.data.target if config else ""),
        moses=moses,
        exact=bool(config and config.training.metric == "exact") if exact is None else exact,
        exposure=exposure,
        alignments=None if alignments is None else _path("alignments", alignments),
        bootstrap=bootstrap,
    )


def compare(
    *systems: str | os.PathLike[str],
    units: Iterable[Any] = (),
    vary: Mapping[str, Sequence[Any]] | None = None,
    overrides: Overrides = (),
    seeds: int | None = None,
    into: str | os.PathLike[str] | None = None,
    jobs: int | None = None,
    data: str | os.PathLike[str] | None = None,
    references: Sequence[str | os.PathLike[str]] = (),
    source: str | os.PathLike[str] | None = None,
    alignments: str | os.PathLike[str] | None = None,
    moses: bool = False,
    exposure: bool = False,
    baseline: str | None = None,
    samples: int = 0,
    examples: int = 3,
    trust_code: bool = False,
) -> Comparison:
    """Train systems with equal budgets, measure them on one test set, and compare them.

    A system is a recipe (`demo`), a run, or a file of translations. Each recipe is trained in
    processes of its own, `jobs` at once, with each of the attention `units`, each combination of
    the values in `vary` (`{"model.dropout": [0.1, 0.3]}`) and the seeds 1 to `seeds` (3);
    `overrides`, as in `load_config`, hold for all. What a folder `into` (runs/compare) has
    finished is not trained again. The test set is the models' `data.test` or `data`, with further
    files of `references`; of files of translations it is `references` and `source`. `moses` also
    asks for lower-cased, Moses-tokenised BLEU, `alignments` for the alignment error rate,
    `exposure` for exposure bias. `samples` is how often a paired test draws (0: sacreBLEU's own
    number), `examples` how many sentences of each difference are kept. `print` shows the table.

    Raises UserError where a system is none, or the systems have no test set in common.
    """
    from seq2seq.compare.conditions import Texts
    from seq2seq.compare.members import UNIT, Grid
    from seq2seq.compare.pipeline import compare_systems

    if vary is not None and not isinstance(vary, Mapping):
        raise UserError(f"vary: expected a dict of settings, found {vary!r}")
    varied = {key: _listed(f"vary, {key}", values) for key, values in (vary or {}).items()}
    if given := _listed("units", units):
        varied = {UNIT: given, **varied}
    if seeds is not None:
        _check_count("seeds", seeds, 1)
    if jobs is not None:
        _check_count("jobs", jobs, 1)
    _check_count("samples", samples, 0)
    _check_count("examples", examples, 0)
    return compare_systems(
        [str(_path("system", system)) for system in systems],
        Grid(seeds, json.loads(_as_yaml(varied)), _as_overrides(overrides)),
        Texts(
            None if data is None else str(_path("data", data)),
            [_path("references", file) for file in _listed("references", references)],
            None if source is None else _path("source", source),
            None if alignments is None else _path("alignments", alignments),
            moses,
            exposure,
        ),
        into=None if into is None else _path("into", into),
        jobs=jobs,
        baseline=baseline,
        samples=samples,
        examples=examples,
        trust_code=trust_code,
    )


# --- models ---------------------------------------------------------------------------------------


def _translator(
    command: str,
    model: Any,
    checkpoint: str,
    device: str,
    trust_code: bool,
    decoding: Mapping[str, Any],
) -> Translator:
    """The translator that `model` is or names, with other settings of decoding."""
    from seq2seq.inference.translator import Translator

    if not _is_translator(model):
        model = load(model, checkpoint=checkpoint, device=device, trust_code=trust_code)
    elif (checkpoint, device, trust_code) != ("best", "auto", False):
        named = "trust_code" if trust_code else "checkpoint and device"
        raise UserError(
            f"{command}: {named} cannot be chosen for a translator, which is loaded already; give "
            f"{'it' if trust_code else 'them'} to load"
        )
    if not isinstance(model, Translator):
        raise UserError(f"{command}: an exported model can only translate; give its run instead")
    if decoding:
        model = copy(model)
        model.options = revise(model.options, decoding)
    return model


def _names(folder: Any, checkpoint: str) -> tuple[str, str]:
    """The names of the run and of its checkpoint."""
    run = _run(folder)
    return str(run.folder), run.checkpoint(checkpoint).folder.resolve().name


def _run(folder: Any) -> Run:
    from seq2seq.runs.run import Run

    return Run.open(_path("model", folder))


def _is_translator(model: object) -> bool:
    from seq2seq.translation.texts import TextTranslator

    return isinstance(model, TextTranslator)


# --- texts and values -----------------------------------------------------------------------------


def _test_set(
    model: Any, data: str | os.PathLike[str] | None
) -> tuple[list[str], list[list[str | None]]]:
    """Sources and their references, of a corpus in the languages of a run."""
    from seq2seq.evaluation.held_out import open_held_out

    if _is_translator(model):
        raise UserError(
            "evaluate: a translator has no test set; give sources and references, or a run "
            "directory instead of the translator"
        )
    config = _run(model).config
    if data is None and not config.data.test:
        raise UserError(
            "evaluate: no test set: the run has no data.test; give data, or sources and references"
        )
    found = open_held_out(config, None if data is None else str(_path("data", data)))
    return found.sources, found.references


def _streams(references: Iterable[Any]) -> list[list[str | None]]:
    """References as streams, each of one reference a source."""
    given = _listed("references", references, "texts")
    if any(isinstance(each, str) or each is None for each in given):
        given = [given]
    return [[*_texts("references", stream, none=True)] for stream in given]


def _texts(name: str, texts: Iterable[Any], *, none: bool = False) -> list[Any]:
    listed = _listed(name, texts, "texts")
    for number, text in enumerate(listed, 1):
        if not isinstance(text, str) and not (none and text is None):
            raise UserError(f"{name} {number}: expected a text, found a {type(text).__name__}")
    return listed


def _listed(name: str, values: Iterable[Any], what: str = "values") -> list[Any]:
    if isinstance(values, str):
        raise UserError(f"{name}: expected a list of {what}, found one text")
    if isinstance(values, bytes) or not isinstance(values, Iterable):
        raise UserError(f"{name}: expected a list of {what}, found a {type(values).__name__}")
    return list(values)


def _path(name: str, value: Any) -> Path:
    try:
        return Path(value).expanduser()
    except TypeError:
        raise UserError(f"{name}: expected a path, found a {type(value).__name__}") from None


def _check_text(name: str, value: Any) -> None:
    if not isinstance(value, str):
        raise UserError(f"{name}: expected a text, found a {type(value).__name__}")


def _check_count(name: str, value: Any, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise UserError(f"{name}: expected a whole number from {least} on, found {value!r}")


def _as_overrides(overrides: Overrides) -> list[str]:
    """Overrides as the command line has them, KEY=VALUE."""
    if isinstance(overrides, str):
        raise UserError(f"overrides: expected a list or a dict, found the text {overrides!r}")
    if isinstance(overrides, Mapping):
        return [f"{key}={_as_yaml(value)}" for key, value in overrides.items()]
    if not isinstance(overrides, Iterable):
        raise UserError(f"overrides: expected a list or a dict, found {overrides!r}")
    overrides = list(overrides)
    for override in overrides:
        _check_text("overrides", override)
    return overrides


def _as_yaml(value: object) -> str:
    """A value as text for an override: JSON is also YAML."""
    return json.dumps(value, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> Any:
    """A path as text, a number of NumPy or torch as Python's."""
    try:
        return value.item() if hasattr(value, "item") else os.fspath(value)
    except (TypeError, ValueError, RuntimeError):
        raise UserError(
            f"overrides: expected a text, number, list or dict, found {value!r}"
        ) from None
