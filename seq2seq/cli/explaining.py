"""The command that shows how a model translates: explain."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seq2seq.cli.options import (
    AsJson,
    Device,
    TrustCode,
    check_overwritten,
    open_runs,
    open_translator,
    read_inputs,
    typed_text,
    write_lines,
)
from seq2seq.cli.output import tell
from seq2seq.errors import UserError

if TYPE_CHECKING:
    from seq2seq.explain.explanation import Explanation
    from seq2seq.explain.maps import Maps
    from seq2seq.explain.saliency import Saliency
    from seq2seq.explain.view import View
    from seq2seq.inference.translator import Translator
    from seq2seq.runs.run import Run

app = typer.Typer()


@app.command(
    short_help="Translate, and show what each word attends to.",
    epilog="Example: seq2seq explain --run runs/demo 'I love you' -o page.html",
)
def explain(
    texts: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TEXT]...",
            help="Sentence to explain; without TEXT and --input, standard input is read.",
        ),
    ] = None,
    model: Annotated[
        list[Path] | None,
        typer.Option(
            "--run",
            "--model",
            "-m",
            help="Run directory; repeat to compare runs in a page. "
            "[default: the newest finished run]",
        ),
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option("--input", "-i", help="Text file, one sentence a line; may be a .gz file."),
    ] = None,
    target: Annotated[
        str | None, typer.Option(help="Translation to explain, instead of the one the model finds.")
    ] = None,
    unit: Annotated[
        str | None,
        typer.Option(
            metavar="PLACE",
            help="Attention unit or memory to show, by its place in the model: decoder.2.source. "
            "[default: the unit that words are aligned by]",
        ),
    ] = None,
    head: Annotated[
        str,
        typer.Option(
            metavar="N|mean",
            help="Attention head of that unit to show, counted from 1; mean shows the average of "
            "all its heads.",
        ),
    ] = "mean",
    units: Annotated[
        bool,
        typer.Option(
            "--units", help="List the places of all attention units and memories, and exit."
        ),
    ] = False,
    grid: Annotated[
        bool,
        typer.Option(
            "--grid",
            help="Draw the matrices of all heads of all units, small, in a picture (-o FILE.png or "
            ".svg); a page (-o FILE.html) opens with them.",
        ),
    ] = False,
    pieces: Annotated[
        bool, typer.Option("--pieces", help="Show the matrix of subword pieces instead of words.")
    ] = False,
    full: Annotated[
        bool,
        typer.Option(
            "--full", help="Show every number, even if the table gets wider than the terminal."
        ),
    ] = False,
    saliency: Annotated[
        bool,
        typer.Option(
            "--saliency",
            help="Also show how much each target word depends on each source word: by leaving "
            "words out, and by gradients.",
        ),
    ] = False,
    as_json: AsJson = False,
    outputs: Annotated[
        list[Path] | None,
        typer.Option(
            "--output",
            "-o",
            help="Also write the explanation to this .json, .npz, .png, .svg or .html file; "
            "repeatable.",
        ),
    ] = None,
    checkpoint: Annotated[
        str,
        typer.Option(
            "--checkpoint",
            help="Checkpoint to load: best, last, average or a step number; all compares every "
            "checkpoint in a page.",
        ),
    ] = "best",
    device: Device = "auto",
    trust_code: TrustCode = False,
) -> None:
    """Translate TEXT; print each step of the model, and the attention matrix.

    The table has one row for each source piece and each target piece: input token (x), encoder
    states (h, H), decoder state (s), scores, weights (w), context (c) and output token (y). The
    matrix has one row for each target word and one column for each source word; the largest weight
    of each row is in brackets. A model with several units or with a memory has more to show:
    --units lists the places, --unit PLACE shows one.

    -o FILE.html also writes a page for the browser. Several runs, or --checkpoint all, are shown in
    such a page only; all checkpoints then explain the translation of the best one.
    """
    from seq2seq.explain.view import View

    if texts and source:
        raise UserError("explain: give TEXT or --input, not both")
    if units:
        _refuse_beside("--units", {"TEXT": bool(texts), "--input": source, "-o": bool(outputs)})
        opened = open_translator(open_runs(model, trust_code=trust_code), checkpoint, device)
        tell(_listed(opened, as_json=as_json))
        return
    if grid and not any(output.suffix.lower() in _DRAWN for output in outputs or []):
        raise UserError(f"explain: --grid needs -o FILE with the ending {', '.join(_DRAWN)}")
    outputs, refused = _writable(outputs or [], 1)  # before a run is looked for
    for output in outputs:
        check_overwritten(output, [source])
    runs = open_runs(model, trust_code=trust_code)
    lines = read_inputs(texts, source, files=not runs[0].config.data.source_kind.is_text)
    if target is not None:
        target = typed_text(target, "--target")
    if target is not None or outputs:
        lines = iter(kept := list(lines))
        _check_target(target, len(kept))
        outputs, _ = _writable(outputs, len(kept))
    if len(runs) > 1 or checkpoint == "all":
        _refuse_beside_a_comparison(
            {
                "--json": as_json,
                "--saliency": saliency,
                "--unit": unit is not None,
                "--head": head != "mean",
                "--pieces": pieces,
                "--full": full,
            }
        )
        view = View(grid=grid)
        _write_comparison(runs, list(lines), outputs, checkpoint, target, device, view)
        return
    translator = open_translator(runs, checkpoint, device)
    view = View(_head(head, unit, translator), pieces, unit, grid)
    name = ", ".join(str(run.folder) for run in runs)
    version = runs[0].checkpoint(checkpoint).folder.resolve().name
    explanations = _explained(lines, translator, target, name, version)
    if outputs:
        explanations = iter(done := list(explanations))
        refused += _write_files(done, outputs, view)
    for explanation in explanations:
        found = _saliencies(translator, explanation) if saliency else None
        if as_json:
            tell(_as_json(explanation, found, unit), flush=True)
        else:
            text = _as_text(explanation, view, full=full)
            tell(*[text, *(found or [])], sep="\n\n", end="\n\n", flush=True)
    if refused:
        raise UserError("; ".join(map(str, refused)))


def _refuse_beside(option: str, given: dict[str, object]) -> None:
    """Refuse what an option that ends the command takes no notice of."""
    for name in (name for name, value in given.items() if value):
        raise UserError(f"explain: {option} lists what a model has; leave {name} out")


def _refuse_beside_a_comparison(given: dict[str, bool]) -> None:
    """Refuse the options that a page of several runs or checkpoints does not take."""
    for option in (name for name, wanted in given.items() if wanted):
        raise UserError(
            f"explain: {option} works with one run and one checkpoint only; leave it out"
        )


def _write_files(
    explanations: list[Explanation], outputs: list[Path], view: View
) -> list[UserError]:
    """Write every output that can be written; return what stopped the others."""
    from seq2seq.explain.export import write

    refused = []
    for output in outputs:
        try:
            write(explanations, output, view)
        except UserError as error:
            refused.append(error)
    return refused


def _as_json(explanation: Explanation, saliencies: list[Saliency] | None, unit: str | None) -> str:
    values = explanation.as_dict(unit)
    if saliencies is not None:
        values["saliency"] = [saliency.as_dict() for saliency in saliencies]
    return json.dumps(values, ensure_ascii=False)


def _as_text(explanation: Explanation, view: View, *, full: bool) -> str:
    from seq2seq.explain.table import WIDTH, render

    width = shutil.get_terminal_size((WIDTH, 24)).columns
    return render(
        explanation,
        unit=view.unit,
        head=view.head,
        pieces=view.pieces,
        full=full,
        width=width,
    )


def _explained(
    lines: Iterator[str], translator: Translator, target: str | None, model: str, checkpoint: str
) -> Iterator[Explanation]:
    from seq2seq.explain.explanation import explain as look

    for line in lines:
        yield look(translator, line, target=target, model=model, checkpoint=checkpoint)


def _write_comparison(
    runs: list[Run],
    texts: list[str],
    outputs: list[Path],
    checkpoint: str,
    target: str | None,
    device: str,
    view: View,
) -> None:
    from seq2seq.explain.comparison import compare
    from seq2seq.explain.page import render_page, title_of

    if not outputs or any(output.suffix.lower() != ".html" for output in outputs):
        raise UserError(
            "explain: several runs or checkpoints can only be shown in a page: give -o FILE.html"
        )
    compared = compare(runs, texts, checkpoint=checkpoint, target=target, device=device)
    page = render_page(compared, title=title_of(texts), view=view)
    for output in outputs:
        write_lines([page], output)


def _saliencies(translator: Translator, explanation: Explanation) -> list[Saliency]:
    """The saliency by every method; none for a blank sentence."""
    from seq2seq.explain.saliency import gradient_saliency, leave_one_out

    if not explanation.source_pieces:
        return []
    pair = explanation.source, explanation.translation
    return [leave_one_out(translator, *pair), *gradient_saliency(translator, *pair)]


def _check_target(target: str | None, sentences: int) -> None:
    """Refuse --target unless there is one sentence, whose translation it can be."""
    if target is not None and sentences != 1:
        raise UserError(
            f"--target is the translation of one sentence, found {sentences} sentences to explain"
        )


def _writable(outputs: list[Path], sentences: int) -> tuple[list[Path], list[UserError]]:
    """The outputs that can be written, and the missing packages of the others.

    A wrong name is refused at once; missing packages only if no output can be written.
    """
    from seq2seq.explain.export import check
    from seq2seq.extras import MissingPackageError

    writable, refused = [], list[UserError]()
    for output in outputs:
        try:
            check(output, sentences)
        except MissingPackageError as error:
            refused.append(error)
        else:
            writable.append(output)
    if refused and not writable:
        raise UserError("; ".join(map(str, refused)))
    return writable, refused


def _head(name: str, unit: str | None, translator: Translator) -> int | None:
    """The head called `name`, counted from 0, of a unit of this place; None is the mean of all.

    Raises UserError if the model has no such place, or the unit no such head.
    """
    from seq2seq.explain.explanation import survey
    from seq2seq.explain.maps import choose

    if name == "mean" and unit is None:
        return None
    if unit is None:
        heads = translator.models[0].heads
    else:
        found, _ = survey(translator)
        heads = max(len(one.names) if one.by == "head" else 0 for one in choose(found, unit))
    if name == "mean":
        return None
    if name.isdecimal() and len(name) < 10 and 1 <= int(name) <= heads:
        return int(name) - 1
    numbers = {0: "", 1: " or 1"}.get(heads, f" or 1 to {heads}")
    of = f" of {unit}" if unit else ""
    raise UserError(f"--head: expected mean{numbers}{of}, found {name!r}")


def _listed(translator: Translator, *, as_json: bool) -> str:
    """The places of all units and memories: a line each, or a list of objects."""
    from seq2seq.explain.cells import aligned
    from seq2seq.explain.explanation import survey

    found, aligned_by = survey(translator)
    if as_json:
        places = [{**one.about(), "aligned": one.place in aligned_by} for one in found]
        return json.dumps(places, ensure_ascii=False)
    if not found:
        return "this model has no attention and no memory"
    marks = ["words are aligned by it" * (one.place in aligned_by) for one in found]
    rows = [
        [one.place, _kind(one), _sizes(one), mark] for one, mark in zip(found, marks, strict=True)
    ]
    return "\n".join(aligned(rows))


def _kind(one: Maps) -> str:
    return f"{one.kind}, {one.addressing}" if one.kind else "memory"


def _sizes(one: Maps) -> str:
    count = len(one.names)
    many = {"head": f"{count} heads: " if count > 1 else "1 head: ", "step": "each step: "}
    sides = (one.rows, one.columns)
    rows, columns = (
        axis.plural if axis.is_text else f"{len(axis.pieces)} {axis.plural}" for axis in sides
    )
    return f"{many.get(one.by, '')}{rows} x {columns}"


_DRAWN = (".png", ".svg", ".html")
