"""Translate lines of pieces by CTranslate2, in its own environment: it has no such program."""

import argparse
import sys
import time

import ctranslate2

parser = argparse.ArgumentParser()
for name in ("model", "compute"):
    parser.add_argument(f"--{name}")
for name in ("beam", "batch", "threads", "longest"):
    parser.add_argument(f"--{name}", type=int)
options = parser.parse_args()
lines = [line.split() for line in sys.stdin]
translator = ctranslate2.Translator(
    options.model,
    compute_type=options.compute,
    inter_threads=1,
    intra_threads=options.threads,
)
start = time.perf_counter()
found = translator.translate_batch(
    lines,
    beam_size=options.beam,
    max_batch_size=options.batch,
    length_penalty=1,
    max_decoding_length=options.longest,
    disable_unk=True,
)
print(f"translated in {time.perf_counter() - start:.4f} s", file=sys.stderr)
for result in found:
    print(*result.hypotheses[0])
