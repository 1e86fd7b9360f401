"""What a fast matrix holds: pairs written by the sum rule and by the delta rule, then read again.

    python scripts/fast_weights.py

Nothing is trained: keys are random unit vectors of d features, values are drawn from ten random
ones, and an answer is right if the value that was written last is the nearest to what is read. So
this is the limit of the rule itself -- Schlag et al. 2021, 4.2 and 6.1. It writes the table of
docs/tasks.md.

Shapes: B memories, N keys, K features of a key, V features of a value; T = 1 step, H = 1 head.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import normalize

from seq2seq.model.cells.fast_weights import Association, Rule, write

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "docs" / "results" / "fast_weights.json"
PAGE = ROOT / "docs" / "tasks.md"
MARK = "<!-- scripts/fast_weights.py -->"
KEY_SIZE = VALUE_SIZE = 32
VALUES, MEMORIES = 10, 200
COUNTS = (4, 8, 16, 32, 64, 128)


def main() -> None:
    found = {
        f"{rule}, {times}": [share_right(rule, count, times) for count in COUNTS]
        for times in (1, 2)
        for rule in ("sum", "delta")
    }
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    before, _, after = PAGE.read_text("utf-8").split(MARK)
    PAGE.write_text(f"{before}{MARK}\n{render(found)}\n{MARK}{after}", "utf-8")
    print(render(found))


def share_right(rule: str, count: int, times: int, seed: int = 1) -> float:
    """Percent of `count` keys whose last value is read, each written `times` times."""
    generator = torch.Generator().manual_seed(seed)
    keys_BNK = normalize(draw(generator, MEMORIES, count, KEY_SIZE), dim=-1)
    values_XV = normalize(draw(generator, VALUES, VALUE_SIZE), dim=-1)
    content_BHKV = torch.zeros(MEMORIES, 1, KEY_SIZE, VALUE_SIZE, dtype=torch.float64)
    for _ in range(times):
        written_BN = torch.randint(VALUES, (MEMORIES, count), generator=generator)
        for number in torch.randperm(count, generator=generator).tolist():
            step = one_step(keys_BNK[:, number], values_XV[written_BN[:, number]])
            content_BHKV = write(step, content_BHKV, Rule(rule))
    reads_BNV = keys_BNK @ content_BHKV.squeeze(1)
    nearest_BN = (reads_BNV @ values_XV.T).argmax(-1)
    return round(100 * float((nearest_BN == written_BN).double().mean()), 1)


def draw(generator: torch.Generator, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def one_step(key_BK: Tensor, value_BV: Tensor) -> Association:
    """A step that writes a value under a key, by the delta rule wholly."""
    key_BHTK, value_BHTV = key_BK[:, None, None], value_BV[:, None, None]
    rate_BHT1 = torch.ones_like(value_BHTV[..., :1])
    nothing_BTD = value_BV[:, None, :0]
    return Association(key_BHTK, key_BHTK, value_BHTV, rate_BHT1, nothing_BTD, nothing_BTD)


def render(found: dict[str, list[float]]) -> str:
    """Return a Markdown table: a row a rule and number of writings, a column a number of keys."""
    lines = [f"| rule, writings of a key | {' | '.join(f'{count} keys' for count in COUNTS)} |"]
    lines.append("|---" * (len(COUNTS) + 1) + "|")
    for name, shares in found.items():
        lines.append(f"| {name} | {' | '.join(f'{share:.1f}' for share in shares)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
