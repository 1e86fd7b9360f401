"""Does a token cost the same in a large corpus as in a small one, in long sentences as in short?

    python scripts/bench_growth.py --corpus corpora/laws     # measure: a quarter of an hour
    python scripts/bench_growth.py --table                   # and pictures, of what was measured

CORPUS is a prefix (of CORPUS.en and CORPUS.fr); evenly spread lines of it are its smaller sizes. A
point is a process of its own, as memory is the most that a process ever had; all points take turns,
as many rounds as asked, whose medians are told. Results go to docs/results/growth.json, tables to
docs/growth.md, pictures to docs/growth-*.svg. Rates are per second of the processor, of one thread,
so that what else the machine does counts for less; the results have the seconds that passed too.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import compress
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import torch

from seq2seq.bench.machine import Machine
from seq2seq.bench.stopwatch import Stopwatch
from seq2seq.bench.translating import count_tokens
from seq2seq.bench.updates import Updates
from seq2seq.config import Config, DecodingConfig, load_config
from seq2seq.data.corpus import find_corpus, read_lines
from seq2seq.data.dataset import DatasetWriter, ParallelDataset
from seq2seq.data.prepare import Prepared, prepare
from seq2seq.extras import install_hint
from seq2seq.inference.translator import Translator
from seq2seq.machine.resources import peak_memory
from seq2seq.model.model import Seq2Seq
from seq2seq.translation.texts import TextSettings

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "docs" / "results" / "growth.json"
PAGE, MARK = "growth.md", "<!-- growth -->"  # where the tables stand between two marks

SIZES = (29_000, 58_000, 116_000, 232_000)  # pairs; and all there are
LENGTHS = (10, 20, 40, 70, 100)  # pieces of a sentence, its end counted, within a tenth
LINES = (1_000, 4_000, 16_000)
VALIDATION = 500  # pairs, which cost the same whatever the corpus
UPDATES, WARMUP = 60, 5
UPDATES_A_LENGTH, PAIRS_A_LENGTH = 8, 2_000
SENTENCES = 128  # translated of a length
DOT = "model.attention.kind=dot"  # hides nothing behind its own memory, as additive would
UNITS = {"": "additive", "_bare": "none"}  # whose cost is compared in sentences of a length

SETTINGS = (  # a small model: beside it shows what grows
    "tokenizer.vocab_size=4000",
    "data.max_length=110",
    "batching.tokens=2000",
    "model.embedding=64",
    "model.encoder.size=64",
    "model.decoder.kind=luong",
    "model.decoder.size=128",
    "training.device=cpu",
    "training.threads=1",
)


class Series(NamedTuple):
    """What is told of a kind of point: the figure's name, its title and unit, and its scale."""

    kind: str
    figure: str
    title: str
    scale: float = 1.0


TOLD = (
    Series("prepare", "pieces_per_second", "preparing, pieces/s"),
    Series("prepare", "pairs_per_second", "preparing, pairs/s"),
    Series("prepare", "peak", "preparing, peak MB", 1e-6),
    Series("train", "tokens_per_second", "training, target tokens/s"),
    Series("train", "plan", "first batch of an epoch, s"),
    Series("train", "plan_per_token", "first batch, ns a target token of its epoch", 1e9),
    Series("train", "data", "reading batches, % of training", 100),
    Series("train", "peak", "training, peak MB", 1e-6),
    Series("train", "ids", "of it, the corpus's file as far as it was mapped, MB", 1e-6),
    Series("length", "train", "training, target tokens/s"),
    Series("length", "train_bare", "training, without attention"),
    Series("length", "train_attention", "attention, µs a token of training", 1e6),
    Series("length", "translate", "translating, target tokens/s"),
    Series("length", "translate_bare", "translating, without attention"),
    Series("length", "translate_attention", "attention, µs a token of translating", 1e6),
    Series("lines", "lines_per_second", "translating, lines/s"),
    Series("lines", "peak", "translating, peak MB", 1e-6),
)
AXES = {"prepare": "pairs", "train": "pairs", "length": "pieces a sentence", "lines": "lines"}
PICTURES = {  # file -> the panels, and the figures in each
    "corpus": [
        [("prepare", "pieces_per_second"), ("train", "tokens_per_second")],
        [("prepare", "peak"), ("train", "peak")],
    ],
    "length": [
        [("length", "train"), ("length", "train_bare")],
        [("length", "translate"), ("length", "translate_bare")],
        [("length", "train_attention"), ("length", "translate_attention")],
    ],
    "input": [[("lines", "lines_per_second")], [("lines", "peak")]],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--corpus", help="prefix of the largest corpus")
    parser.add_argument("--languages", nargs=2, default=["en", "fr"], metavar="LANGUAGE")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--table", action="store_true", help="only print what was measured")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--point", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.point:
        torch.set_num_threads(1)
        spec = json.loads(options.point)
        print(json.dumps(POINTS[spec.pop("kind")](**spec)))
        return
    if not options.table:
        if not options.corpus:
            parser.error("name a corpus with --corpus")
        found = measure(options.corpus, options.languages, options.rounds)
        options.results.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    found = json.loads(options.results.read_text("utf-8"))
    print(render(found))
    folder = options.results.parents[1]
    if (folder / PAGE).exists():
        quote(found, folder / PAGE)
    draw(found, folder)


# --- all points, by turns -------------------------------------------------------------------------


def measure(corpus: str, languages: list[str], rounds: int) -> dict[str, Any]:
    """Return the machine and the medians of every point."""
    machine = Machine.now(torch.device("cpu"))
    machine.warn_if_busy()
    rows: dict[tuple[str, int], list[dict[str, float]]] = {}
    with TemporaryDirectory(prefix="seq2seq_growth_") as name:
        work = Path(name)
        sizes = slice_corpus(corpus, languages, work)
        for turn in range(rounds):
            for size in sizes:
                data = {"corpus": str(work / str(size)), "languages": languages}
                kept = {**data, "cache": str(work / "cache")}
                spare = {**data, "cache": str(work / f"cache{turn}")} if turn else kept
                add(rows, "prepare", size, spare)
                add(rows, "train", size, {**kept, "seed": turn})  # other batches in every round
            if not turn:
                select_lengths(settings(str(work / str(sizes[-1])), languages), work)
            for length in LENGTHS:
                add(rows, "length", length, {"work": name, "length": length})
            for lines in LINES:
                add(rows, "lines", lines, {"work": name, "source": str(work / f"{lines}.lines")})
    medians = [
        {"kind": kind, "x": x, **{key: median(row[key] for row in found) for key in found[0]}}
        for (kind, x), found in rows.items()
    ]
    return {
        "machine": {**machine.as_dict(), "threads": 1},
        "corpus": Path(corpus).name,
        "settings": [*SETTINGS, DOT],
        "rounds": rounds,
        "points": medians,
    }


def add(
    rows: dict[tuple[str, int], list[dict[str, float]]], kind: str, x: int, spec: dict[str, Any]
) -> None:
    """Measure a point in a process of its own."""
    command = [sys.executable, __file__, "--point", json.dumps({"kind": kind, **spec})]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    rows.setdefault((kind, x), []).append(json.loads(done.stdout))
    print(kind, x, done.stdout.strip(), file=sys.stderr, flush=True)


def slice_corpus(corpus: str, languages: list[str], work: Path) -> list[int]:
    """Write the slices, the lines to be translated, and validation; return the sizes."""
    source, target = languages
    files = find_corpus(corpus, source, target).files
    count = sum(1 for _ in read_lines(files[0]))
    sizes = [*(size for size in SIZES if size < count), count]
    names = {str(size): size for size in sizes} | {"valid": VALIDATION}
    for file, language in zip(files, languages, strict=True):
        for name, size in names.items():
            spread_lines(file, count, size, work / f"{name}.{language}")
    for size in LINES:
        spread_lines(files[0], count, size, work / f"{size}.lines")
    return sizes


def spread_lines(file: Path, count: int, size: int, out: Path) -> None:
    """Write `size` of the `count` lines of a file, evenly spread."""
    chosen = ((k + 1) * size // count > k * size // count for k in range(count))
    with out.open("w", encoding="utf-8", newline="\n") as slice_:
        slice_.writelines(f"{line}\n" for line in compress(read_lines(file), chosen))


def select_lengths(config: Config, work: Path) -> None:
    """Write the ids of pairs whose sides both have one of the lengths, or a tenth more or less."""
    prepared = prepare(config, cache=work / "cache")
    sides = (prepared.train.source_lengths + 1, prepared.train.target_lengths + 1)
    longest, shortest = np.maximum(*sides), np.minimum(*sides)
    for length in LENGTHS:
        fits = (longest <= 1.1 * length) & (shortest >= 0.9 * length)
        with DatasetWriter(
            work, f"length{length}", source_vocabulary=1 << 15, target_vocabulary=1 << 15
        ) as writer:
            for index in np.flatnonzero(fits)[:PAIRS_A_LENGTH]:
                writer.add(*(ids.tolist() for ids in prepared.train[int(index)]))
    (work / "prepared").symlink_to(prepared.folder)


def settings(corpus: str, languages: list[str]) -> Config:
    source, target = languages
    data = {
        "train": corpus,
        "valid": Path(corpus).with_name("valid"),
        "source": source,
        "target": target,
    }
    return load_config(
        None, [*(f"data.{key}={value}" for key, value in data.items()), *SETTINGS, DOT]
    )


# --- one point ------------------------------------------------------------------------------------


@contextmanager
def timed(row: dict[str, float], name: str) -> Iterator[None]:
    """Note the seconds that pass, and those of the processor, in `row`."""
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    row[f"{name}_wall"] = time.perf_counter() - wall
    row[f"{name}_cpu"] = time.process_time() - cpu


def prepare_point(corpus: str, languages: list[str], cache: str) -> dict[str, float]:
    """The cost of preparing a corpus that nobody prepared before."""
    row: dict[str, float] = {}
    with timed(row, "prepare"):
        summary = prepare(settings(corpus, languages), cache=Path(cache)).summary.train
    pieces = summary.source_pieces + summary.target_pieces
    return row | {
        "pairs_per_second": summary.read / row["prepare_cpu"],
        "pieces_per_second": pieces / row["prepare_cpu"],
        "peak": peak_memory() or 0,
    }


def train_point(corpus: str, languages: list[str], cache: str, seed: int = 0) -> dict[str, float]:
    """The cost of the first batch of an epoch, and then of updates."""
    config = settings(corpus, languages)
    prepared = prepare(config, cache=Path(cache))
    work = updates(config.model_copy(update={"seed": seed}), prepared)
    row: dict[str, float] = {"before": peak_memory() or 0}
    mapped = mapped_files()
    with timed(row, "start"):
        work.read()
    work.make(WARMUP, Stopwatch(work.device))
    stopwatch = Stopwatch(work.device)
    with timed(row, "updates"):
        tally = work.make(UPDATES, stopwatch)
    stages = stopwatch.seconds()
    tokens = int(prepared.train.target_lengths.sum()) + len(prepared.train)
    return row | {
        "tokens_per_second": tally.target_tokens / row["updates_cpu"],
        "padding": tally.padding,
        "data": stages["data"] / sum(stages.values()),
        "plan": row["start_cpu"],
        "plan_per_token": row["start_cpu"] / tokens,
        "peak": peak_memory() or 0,
        "ids": mapped_files() - mapped,
    }


def length_point(work: str, length: int) -> dict[str, float]:
    """The cost of a token in sentences of one length, with attention and without."""
    prepared = Prepared.load(Path(work) / "prepared")
    prepared = replace(prepared, train=ParallelDataset(Path(work), f"length{length}"))
    row: dict[str, float] = {"pairs": len(prepared.train)}
    for name, kind in UNITS.items():
        config = load_config(None, [*SETTINGS, f"model.attention.kind={kind}"])
        training = updates(config, prepared)
        training.make(1, Stopwatch(training.device))
        with timed(row, f"train{name}"):
            tally = training.make(UPDATES_A_LENGTH, Stopwatch(training.device))
        row[f"train{name}"] = tally.target_tokens / row[f"train{name}_cpu"]
        exact = DecodingConfig(beam=1, min_length=length - 1, max_length=length, max_ratio=10)
        translator = untrained(training.model, prepared, exact)
        count = min(SENTENCES, len(prepared.train))
        decode = prepared.tokenizers.source.decode
        texts = [decode(prepared.train[index][0].tolist()) for index in range(count)]
        translator.translate(texts[:8])
        with timed(row, f"translate{name}"):
            tokens = count_tokens(translator.translate(texts))
        row[f"translate{name}"] = tokens / row[f"translate{name}_cpu"]
    for name in ("train", "translate"):
        row[f"{name}_attention"] = 1 / row[name] - 1 / row[f"{name}_bare"]
    return row


def lines_point(work: str, source: str) -> dict[str, float]:
    """The cost of translating a file, as `seq2seq translate --input` does."""
    prepared = Prepared.load(Path(work) / "prepared")
    model = Seq2Seq(load_config(None, [*SETTINGS, DOT]).model, *prepared.tokenizers.sizes)
    translator = untrained(model, prepared, DecodingConfig(beam=1, max_ratio=0.5))
    row: dict[str, float] = {"before": peak_memory() or 0}
    lines = 0
    with timed(row, "translate"), Path(f"{source}.out").open("w", encoding="utf-8") as out:
        for lines, translation in enumerate(translator.stream(read_lines(source)), 1):  # noqa: B007
            out.write(f"{translation.text}\n")
    return row | {"lines_per_second": lines / row["translate_cpu"], "peak": peak_memory() or 0}


POINTS: dict[str, Callable[..., dict[str, float]]] = {
    "prepare": prepare_point,
    "train": train_point,
    "length": length_point,
    "lines": lines_point,
}


def mapped_files() -> int:
    """Bytes of files that lie in this process's memory and can leave it; 0 but on Linux."""
    status = Path("/proc/self/status")
    text = status.read_text("utf-8") if status.exists() else ""
    return sum(1024 * int(kb) for kb in re.findall(r"^RssFile:\s+(\d+) kB", text, re.MULTILINE))


def updates(config: Config, prepared: Prepared) -> Updates:
    torch.manual_seed(1)
    model = Seq2Seq(config.model, *prepared.tokenizers.sizes)
    return Updates(config, prepared, model, torch.device("cpu"))


def untrained(model: Seq2Seq, prepared: Prepared, options: DecodingConfig) -> Translator:
    """A translator of a model that learnt nothing: what it says is as long as it is let be."""
    return Translator(
        [model],
        prepared.tokenizers,
        TextSettings(options=options, source_end=True, max_length=110),
        device=torch.device("cpu"),
    )


# --- telling --------------------------------------------------------------------------------------


def series(found: dict[str, Any], told: Series) -> dict[int, float]:
    """The values of one figure by size, in its unit."""
    points = (point for point in found["points"] if point["kind"] == told.kind)
    return {point["x"]: told.scale * point[told.figure] for point in points}


def render(found: dict[str, Any]) -> str:
    """Return Markdown tables, one for each axis, the last column last / first."""
    lines: list[str] = []
    before: list[str] = []
    for told in TOLD:
        values = series(found, told)
        heads = [AXES[told.kind], *(f"{x:,}" for x in values), "last / first"]
        if heads != before:
            before = heads
            lines += ["", f"| {' | '.join(heads)} |", "|---" + "|---:" * (len(heads) - 1) + "|"]
        first, *_, last = values.values()
        ratio = f"{last / first:.2f}" if first else "-"
        lines.append(f"| {' | '.join([told.title, *map(digits, values.values()), ratio])} |")
    machine = found["machine"]
    load = f", load {machine['load']:.1f} before" if machine["load"] is not None else ""
    return "\n".join(
        [f"{machine['processor']}, 1 thread, torch {machine['torch_version']}{load}", *lines]
    )


def quote(found: dict[str, Any], page: Path) -> None:
    """Put the tables into the page in place of those that stand there."""
    before, _, after = page.read_text("utf-8").split(MARK)
    page.write_text(f"{before}{MARK}\n{render(found)}\n{MARK}{after}", "utf-8")


def digits(value: float) -> str:
    """Three significant ones at least."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def draw(found: dict[str, Any], folder: Path) -> None:
    """Write the pictures, from zero up, so that flat looks flat."""
    try:
        import matplotlib
    except ImportError:
        print(f"no pictures: {install_hint('plots')}", file=sys.stderr)
        return
    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "growth"  # the same figures give the same file
    from matplotlib import pyplot

    titles = {(told.kind, told.figure): told for told in TOLD}
    for name, panels in PICTURES.items():
        figure, axes = pyplot.subplots(1, len(panels), figsize=(4 * len(panels), 3))
        for axis, figures in zip(axes, panels, strict=True):
            for told in map(titles.__getitem__, figures):
                values = series(found, told)
                axis.plot(list(values), list(values.values()), "o-", label=told.title)
            axis.set(xlabel=AXES[told.kind], xlim=(0, None), ylim=(0, None))
            axis.legend(fontsize="small")
        figure.tight_layout()
        figure.savefig(folder / f"growth-{name}.svg", metadata={"Date": None})
        pyplot.close(figure)


if __name__ == "__main__":
    main()
