import platform
import subprocess
import sys

import pytest

FAULTS = """
import resource, torch
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
from seq2seq.machine.allocator import keep_freed_memory
keep_freed_memory()
for _ in range(60):
    torch.ones(2_000_000)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="it is glibc that is told")
def test_large_tensors_are_written_where_others_were() -> None:
    done = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, check=True)
    assert int(done.stdout) < 30 * 2_000_000 * 4 / 4096  # pages of half of them
