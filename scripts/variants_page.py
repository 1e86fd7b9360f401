"""Put what scripts/variants.sh printed into docs/variants.md: variants_page.py.

scripts/variants.sh RUNS > docs/results/variants.txt && python scripts/variants_page.py
"""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "variants.md"
RESULTS = ROOT / "docs" / "results" / "variants.txt"
SEEDS = "seeds"
"""The mark around the table of all seeds; the other marks are the names of the recipes."""


def main() -> None:
    PAGE.write_text(render(PAGE.read_text("utf-8"), RESULTS.read_text("utf-8")), "utf-8")


def render(page: str, results: str) -> str:
    """Return `page` with what `results` hold between its marks."""
    for mark, block in blocks(results).items():
        before, start, rest = page.partition(f"<!-- {mark} -->\n")
        _, end, after = rest.partition(f"<!-- /{mark} -->")
        assert end, f"expected the marks <!-- {mark} --> and <!-- /{mark} -->"
        page = before + start + block + end + after
    return page


def blocks(results: str) -> dict[str, str]:
    """Return for each variant its matrix, translations and scores, and the table of all seeds."""
    sections = re.findall(r"^== (\S+)\n(.*?)(?=^== |^\| |\Z)", results, re.DOTALL | re.MULTILINE)
    found = {name: f"```\n{_after_the_steps(section)}\n```\n" for name, section in sections}
    rows = re.findall(r"^\| .*\|$", results, re.MULTILINE)
    rule = "|---|---|---|---:|---:|---:|"
    if rows:
        found[SEEDS] = "\n".join([rows[0], rule, *rows[1:]]) + "\n"
    return found


def _after_the_steps(section: str) -> str:
    """What follows the heading, the table of steps and its legend; scores without signature."""
    text = "\n\n".join(section.strip().split("\n\n")[3:])
    return re.sub(r"(?m)^(BLEU [^\]]*\]).*$", r"\1", text)


if __name__ == "__main__":
    main()
