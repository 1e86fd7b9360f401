"""How fast a configuration trains on a quiet machine, and beside loops that use its cores.

    python scripts/bench_busy.py                       # the demo, quiet and beside two loops
    python scripts/bench_busy.py --decode runs/demo    # decoding and explaining with a run as well

Every way of waiting and number of threads by turns, in processes of their own, so that what else
the machine does meets them alike. Run it on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[1]
SENTENCES = 20

Environment = dict[str, str]
ALL = {"OMP_NUM_THREADS": str(os.cpu_count() or 1)}
WAYS: dict[str, Environment] = {
    "default": {},  # what the package chooses
    "1 thread": {"OMP_NUM_THREADS": "1"},
    "all threads": ALL,
    "all, always asleep": {**ALL, "OMP_WAIT_POLICY": "PASSIVE"},
    "all, torch's own": {**ALL, "GOMP_SPINCOUNT": "300000"},  # the user's: no other is set
}
VARIABLES = ("OMP_NUM_THREADS", "OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--config", default="demo", help="what is trained")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--updates", type=int, default=40, help="a round")
    parser.add_argument("--loops", type=int, default=2, help="of the busy machine")
    parser.add_argument("--decode", help="run directory to translate and explain with")
    options = parser.parse_args()
    for loops in (0, options.loops):
        with busy(loops):
            speeds: dict[str, list[float]] = {name: [] for name in WAYS}
            times: dict[str, list[float]] = {}
            for _ in range(options.rounds):
                for name, environment in WAYS.items():
                    speeds[name].append(trained(options.config, options.updates, environment))
                    for command in ("translate", "explain") if options.decode else ():
                        took = decoded(command, options.decode, environment)
                        times.setdefault(f"{command}, {name}", []).append(took)
        print(f"\n{f'beside {loops} loops' if loops else 'quiet'}, {options.rounds} rounds")
        best = max(median(found) for found in speeds.values())
        for name, found in speeds.items():
            spread = f"[{min(found):,.0f}, {max(found):,.0f}]"
            ratio = best / median(found)
            print(f"  {name:<28}{median(found):>9,.0f} target tokens/s {spread:<18} x {ratio:.2f}")
        for name, seconds in times.items():
            print(f"  {name:<28}{median(seconds):>9.1f} s [{min(seconds):.1f}, {max(seconds):.1f}]")


@contextmanager
def busy(loops: int) -> Iterator[None]:
    """Have so many processes do nothing as fast as they can."""
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(loops)]
    try:
        yield
    finally:
        for process in others:
            process.kill()
            process.wait()


def trained(config: str, updates: int, environment: Environment) -> float:
    """Return the target tokens a second of one round of training."""
    arguments = ["bench", "train", "--config", config, "--rounds", "1", "--json"]
    done = run([*arguments, "--updates", str(updates)], environment)
    return float(json.loads(done)["target_tokens_per_second"]["median"])


def decoded(command: str, folder: str, environment: Environment) -> float:
    """Return the seconds that a command takes for some sentences, its start included."""
    started = time.perf_counter()
    run(["-q", command, "--model", folder, *["I love the small house"] * SENTENCES], environment)
    return time.perf_counter() - started


def run(arguments: list[str], environment: Environment) -> str:
    """Return what the command prints."""
    plain = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    done = subprocess.run(
        [sys.executable, "-m", "seq2seq", *arguments],
        cwd=ROOT,
        env={**plain, **environment},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        sys.exit(done.stderr)
    return done.stdout


if __name__ == "__main__":
    main()
