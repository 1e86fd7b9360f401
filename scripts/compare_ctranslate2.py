"""Translate the same lines by a run and by CTranslate2 from its export; print how many are equal.

    seq2seq export runs/transformer --format ctranslate2 -o transformer.ct2
    python scripts/compare_ctranslate2.py runs/transformer transformer.ct2 data/test.en --lines 200

Both search alike but for where a beam ends: CTranslate2 stops as soon as it has as many finished
translations as `patience` times the beam, ours when none that is open can become better. Seconds
are those of the translating alone, by one thread, the best of three.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import ctranslate2
import torch

import seq2seq
from seq2seq.data.tokenizer import Tokenizers
from seq2seq.runs.run import Run

ROUNDS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("export", type=Path)
    parser.add_argument("source", type=Path)
    parser.add_argument("--lines", type=int, default=200)
    options = parser.parse_args()
    torch.set_num_threads(1)
    with options.source.open(encoding="utf-8") as file:
        lines = [line.rstrip("\n") for line in islice(file, options.lines)]
    run = Run.open(options.run)
    translator = seq2seq.load(options.run, device="cpu")
    for beam in (1, 5):
        decoding = {"beam": beam, "workers": 1, "length_penalty": 1.0}
        translator.options = translator.options.model_copy(update=decoding)
        seconds, ours = timed(partial(texts_of, translator, lines))
        print(f"seq2seq, fp32, beam {beam}: {seconds:.2f} s")
        for compute in ("float32", "int8"):
            for patience in (1, 2) if beam > 1 else (1,):
                engine = Engine(run, options.export, compute, beam, patience)
                seconds, theirs = timed(partial(engine.translate, lines))
                equal = sum(map(str.__eq__, ours, theirs))
                print(
                    f"CTranslate2, {compute}, beam {beam}, patience {patience}: {seconds:.2f} s, "
                    f"{equal} of {len(lines)} equal"
                )


class Engine:
    """CTranslate2 with our pieces."""

    def __init__(self, run: Run, export: Path, compute: str, beam: int, patience: int) -> None:
        self._tokenizers = Tokenizers.load(export / "tokenizer")
        pieces = self._tokenizers.target.pieces(range(len(self._tokenizers.target)))
        self._ids = {piece: id_ for id_, piece in enumerate(pieces)}
        self._end = ["</s>"] * run.config.tokenizer.source_end
        self._search = {"beam_size": beam, "patience": patience}
        self._translator = ctranslate2.Translator(
            str(export), compute_type=compute, inter_threads=1, intra_threads=1
        )

    def translate(self, lines: list[str]) -> list[str]:
        """Return a translation for each line."""
        source, target = self._tokenizers.source, self._tokenizers.target
        found = self._translator.translate_batch(
            [[*source.pieces(source.encode(line)), *self._end] for line in lines],
            max_batch_size=64,
            length_penalty=1,
            max_decoding_length=200,
            disable_unk=True,
            **self._search,
        )
        return [target.decode(self._ids[piece] for piece in each.hypotheses[0]) for each in found]


def texts_of(translator: Any, lines: list[str]) -> list[str]:
    return [translation.text for translation in translator.translate(lines)]


def timed(translate: Callable[[], list[str]]) -> tuple[float, list[str]]:
    """The best time of some rounds, and the translations."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        lines = translate()
        times.append(time.perf_counter() - start)
    return min(times), lines


if __name__ == "__main__":
    main()
