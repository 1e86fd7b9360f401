"""How fast processes train together: on the cores of this machine, and over a slow network.

    python scripts/bench_processes.py                       # on the two cores of this machine
    python scripts/bench_processes.py --link 1gbit 100mbit  # in two network namespaces; needs root

Each training is a round; rounds of all kinds go by turns, so that what else the machine does meets
them alike. Speeds are those of metrics.jsonl, without the first window. The processor's time of an
update is told as well, for each process: other programs disturb it less. A link is a pair of
virtual network cards, one in each namespace, that `tc` slows down; bytes are counted by the card.
What was found goes to docs/results/processes.json. KEY=VALUE changes the recipe.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "docs" / "results" / "processes.json"
UPDATES, WINDOW = 60, 10
SPACES, CARDS = ("seq2seq-a", "seq2seq-b"), ("seq2seq-va", "seq2seq-vb")
ADDRESSES = ("10.213.0.1", "10.213.0.2")
PORT = 29717
BEFORE_WINDOWS = 1  # windows that are not counted


CLOCK = """
import atexit, json, os, time
from pathlib import Path
from seq2seq.training.trainer import Trainer

plain, spent = Trainer.update, []

def update(self):
    start = time.process_time()
    plain(self)
    spent.append(time.process_time() - start)

def write():
    if spent:
        Path(os.environ["CLOCKS"], str(os.getpid())).write_text(json.dumps(spent))

Trainer.update = update
atexit.register(write)
"""
"""User's code that notes the processor's time of each update of a process."""


class Round(NamedTuple):
    """One training: target tokens and updates a second, its losses, and bytes sent an update.

    `processor` is the seconds of the processor that an update takes in each process.
    """

    speed: float
    updates: float
    losses: list[float]
    processor: float
    sent: float | None = None


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--link", nargs="+", metavar="RATE", help="rates of tc: 1gbit 100mbit")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE")
    options = parser.parse_args()
    settings = [
        f"training.max_steps={UPDATES}",
        f"training.log_every={WINDOW}",
        "training.samples=0",
        "training.device=cpu",
        "model.dropout=0",  # so that losses can be compared
        *options.overrides,
    ]
    if options.link:
        found = {rate: measure_link(rate, settings, options.rounds) for rate in options.link}
    else:
        found = measure_cores(settings, options.rounds)
    stored = json.loads(options.results.read_text("utf-8")) if options.results.exists() else {}
    stored.setdefault(" ".join(["demo", *options.overrides]), {}).update(found)
    options.results.write_text(json.dumps(stored, indent=1) + "\n", "utf-8")
    print(render(found))


def measure_cores(settings: Sequence[str], rounds: int) -> dict[str, Any]:
    """One process with one and with two threads, and two processes with a thread each, by turns."""
    kinds = {
        "1 process, 1 thread": ["training.threads=1"],
        "1 process, 2 threads": ["training.threads=2"],
        "2 processes, 1 thread each": ["training.threads=1", "--processes", "2"],
    }
    done: dict[str, list[Round]] = {kind: [] for kind in kinds}
    for _ in range(rounds):
        for kind, options in kinds.items():
            with clocked() as (spare, code):
                seq2seq("--run", str(spare / "run"), code, *options, *settings)
                done[kind].append(read(spare))
    return {kind: summary(each) for kind, each in done.items()}


def measure_link(rate: str, settings: Sequence[str], rounds: int) -> dict[str, Any]:
    """Two processes, each in a network namespace of its own, joined by a link of this rate."""
    done = []
    with two_machines(rate):
        for _ in range(rounds):
            with clocked() as (spare, code):
                before = sent_bytes()
                start_nodes(spare / "run", ["training.threads=1", code, *settings])
                sent = (sent_bytes() - before) / UPDATES
                done.append(read(spare)._replace(sent=sent))
    return summary(done)


@contextmanager
def clocked() -> Iterator[tuple[Path, str]]:
    """Give a folder for a run, and the setting with which processes leave their clocks there."""
    with TemporaryDirectory(prefix="seq2seq_processes_") as spare:
        folder = Path(spare)
        (folder / "clock.py").write_text(CLOCK, "utf-8")
        (folder / "clocks").mkdir()
        os.environ["CLOCKS"] = str(folder / "clocks")
        yield folder, f"code={folder / 'clock.py'}"


def seq2seq(*arguments: str) -> None:
    command = [sys.executable, "-m", "seq2seq", "-q", "train", "--config", "demo"]
    subprocess.run([*command, *arguments], check=True, stdout=subprocess.DEVNULL)


def start_nodes(run: Path, settings: Sequence[str]) -> None:
    """Run torchrun in both namespaces, as on two machines that share a disk."""
    nodes = []
    for node, (space, card) in enumerate(zip(SPACES, CARDS, strict=True)):
        launcher = ["-m", "torch.distributed.run", "--nnodes", "2", "--nproc-per-node", "1"]
        launcher += ["--node-rank", str(node), "--master-addr", ADDRESSES[0]]
        launcher += ["--master-port", str(PORT), "-m", "seq2seq", "-q", "train"]
        arguments = ["--config", "demo", "--run-dir", str(run), *settings]
        environment = {**os.environ, "GLOO_SOCKET_IFNAME": card, "OMP_NUM_THREADS": "1"}
        command = ["ip", "netns", "exec", space, sys.executable, *launcher, *arguments]
        nodes.append(subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL))
    ended = [node.wait() for node in nodes]  # of both: neither is left behind
    if any(ended):
        sys.exit("a node failed; see above")


@contextmanager
def two_machines(rate: str) -> Iterator[None]:
    """Two network namespaces that see each other over a link of this rate, and nothing else."""
    for space in SPACES:
        ip("netns", "add", space)
    try:
        ip("link", "add", CARDS[0], "type", "veth", "peer", "name", CARDS[1])
        for space, card, address in zip(SPACES, CARDS, ADDRESSES, strict=True):
            ip("link", "set", card, "netns", space)
            inside = ["ip", "netns", "exec", space]
            for line in (
                ["ip", "addr", "add", f"{address}/24", "dev", card],
                ["ip", "link", "set", card, "up"],
                ["ip", "link", "set", "lo", "up"],
                f"tc qdisc add dev {card} root tbf rate {rate} burst 256kb latency 50ms".split(),
            ):
                subprocess.run([*inside, *line], check=True)
        yield
    finally:
        for space in SPACES:
            ip("netns", "del", space)


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)


def sent_bytes() -> int:
    """Return how many bytes the first machine's card has sent."""
    counter = f"/sys/class/net/{CARDS[0]}/statistics/tx_bytes"
    command = ["ip", "netns", "exec", SPACES[0], "cat", counter]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


# --- telling --------------------------------------------------------------------------------------


def read(folder: Path) -> Round:
    metrics = folder / "run" / "metrics.jsonl"
    records = map(json.loads, metrics.read_text("utf-8").splitlines())
    windows = [record for record in records if record["kind"] == "train"]
    counted = windows[BEFORE_WINDOWS:]
    speed = median(record["target_tokens_per_second"] for record in counted)
    tokens = counted[-1]["target_tokens"] - windows[BEFORE_WINDOWS - 1]["target_tokens"]
    per_update = tokens / (WINDOW * len(counted))
    clocks = [json.loads(file.read_text("utf-8")) for file in (folder / "clocks").iterdir()]
    processor = median(median(spent[WINDOW:]) for spent in clocks)
    return Round(speed, speed / per_update, [record["loss"] for record in windows], processor)


def summary(rounds: Sequence[Round]) -> dict[str, Any]:
    speeds = sorted(each.speed for each in rounds)
    sent = [each.sent for each in rounds if each.sent is not None]
    return {
        "rounds": len(rounds),
        "target_tokens_per_second": {"median": median(speeds), "range": [speeds[0], speeds[-1]]},
        "updates_per_second": median(each.updates for each in rounds),
        "processor_seconds_an_update": median(each.processor for each in rounds),
        "bytes_an_update": median(sent) if sent else None,
        "losses": rounds[0].losses,
    }


def render(found: dict[str, Any]) -> str:
    """Return a Markdown table."""
    names = ["target tokens/s", "ms an update", "processor's ms, each process"]
    names += ["MB sent an update", "last loss"]
    lines = [f"| | {' | '.join(names)} |", "|---" + "|---:" * len(names) + "|"]
    for name, row in found.items():
        speed = row["target_tokens_per_second"]
        low, high = speed["range"]
        sent = "-" if row["bytes_an_update"] is None else f"{row['bytes_an_update'] / 1e6:.2f}"
        cells = [
            name,
            f"{speed['median']:,.0f} [{low:,.0f}, {high:,.0f}]",
            f"{1000 / row['updates_per_second']:.0f}",
            f"{1000 * row['processor_seconds_an_update']:.0f}",
            sent,
            f"{row['losses'][-1]:.6f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
