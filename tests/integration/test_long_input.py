"""Long inputs by real processes: many lines in steady memory, lines far too long for a model."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PEAK = """
import sys
from pathlib import Path
from seq2seq.cli import main
try:
    main()
finally:  # of this program alone: what getrusage tells begins with that of who started it
    status = Path("/proc/self/status").read_text()
    print(status.partition("VmHWM:")[2].split()[0], file=sys.stderr)
"""
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="asks Linux for memory"),
]


def translate(world: Path, *options: str) -> tuple[int, int, str]:
    """The status, the peak of memory in KiB, and what was said on standard error."""
    arguments = ["-q", "translate", "--run", "runs/tiny", "-o", "out", *options]
    ran = subprocess.run(
        [sys.executable, "-c", PEAK, *arguments],
        cwd=world,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    *said, peak = ran.stderr.splitlines()
    return ran.returncode, int(peak), "\n".join(said)


def test_a_hundred_thousand_lines_take_no_more_memory_than_ten_thousand(world: Path) -> None:
    lines = (world / "train.en").read_text().splitlines()
    peaks = []
    for count in (10_000, 100_000):
        text = "".join(f"{lines[n % len(lines)]}\n" for n in range(count))
        (world / "in").write_text(text)
        status, peak, said = translate(world, "-i", "in", "--beam", "1")
        assert (status, said) == (0, "")
        with (world / "out").open() as file:
            assert sum(1 for _ in file) == count
        peaks.append(peak)
    print(f"KiB at the most: {peaks}")
    assert peaks[1] < 1.25 * peaks[0]


@pytest.mark.parametrize(
    "text", ["a cat sees the dog " * 2000, "x" * 20_000_000, "a b " * 5_000_000]
)
def test_a_line_of_any_length_is_a_line_of_the_output(text: str, world: Path) -> None:
    (world / "in").write_text(f"a cat\n{text}\nthe dog\n")
    status, peak, said = translate(world, "-i", "in")
    print(f"{len(text):,} characters: {peak:,} KiB at the most: {said}")
    assert status == 0
    assert all("line 2" in line for line in said.splitlines())
    assert len((world / "out").read_text().splitlines()) == 3
