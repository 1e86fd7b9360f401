"""One alignment from two directions: intersection, union, grow-diag-final and mean.

Both directions are given as (source word, target word) links: `reverse_links` turns those of the
target-to-source model round first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from seq2seq.errors import UserError, did_you_mean
from seq2seq.evaluation.links import Links

Symmetrization: TypeAlias = Callable[[Links, Links], Links]
"""(forward links, backward links) -> the links of both."""

GROW_DIAG_FINAL = "grow-diag-final"
MEAN = "mean"

_NEIGHBOURS = ((-1, 0), (0, -1), (1, 0), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1))


def symmetrize(forward: Links, backward: Links, method: str = GROW_DIAG_FINAL) -> Links:
    """Return one set of links from two; `method` is a key of SYMMETRIZATIONS, else UserError."""
    return find_symmetrization(method)(forward, backward)


def find_symmetrization(method: str) -> Symmetrization:
    """Return the function of that name in SYMMETRIZATIONS; UserError if there is none."""
    if method not in SYMMETRIZATIONS:
        raise UserError(
            f"symmetrize: expected one of {', '.join(SYMMETRIZATIONS)}, "
            f"found {method!r}{did_you_mean(method, SYMMETRIZATIONS)}"
        )
    return SYMMETRIZATIONS[method]


def intersection(forward: Links, backward: Links) -> Links:
    """Return the links that both directions have: precise."""
    return forward & backward


def union(forward: Links, backward: Links) -> Links:
    """Return the links that either direction has: complete."""
    return forward | backward


def grow_diag_final(forward: Links, backward: Links) -> Links:
    """Return the intersection grown into the union -- Koehn et al. 2005, IWSLT.

    First links next to one held, diagonals included, of which a word is still unaligned; then,
    forward before backward, every link of which a word is still unaligned.
    """
    links = _Grown(forward & backward)
    links.grow(forward | backward)
    links.finish(forward)
    links.finish(backward)
    return frozenset(links.held)


class _Grown:
    """Links held so far, with the words of each side that they cover."""

    def __init__(self, links: Links) -> None:
        self.held = set(links)
        self.sources = {source for source, _ in links}
        self.targets = {target for _, target in links}

    def grow(self, candidates: Links) -> None:
        """Add neighbours of held links, in reading order, until nothing changes."""
        before = -1
        while len(self.held) != before:
            before = len(self.held)
            for source, target in sorted(self.held):
                for down, right in _NEIGHBOURS:
                    self._add_if_new((source + down, target + right), candidates)

    def finish(self, candidates: Links) -> None:
        """Add the candidates that reach a word which is not aligned yet."""
        for link in sorted(candidates):
            self._add_if_new(link, candidates)

    def _add_if_new(self, link: tuple[int, int], candidates: Links) -> None:
        source, target = link
        reaches = source not in self.sources or target not in self.targets
        if reaches and link in candidates:
            self.held.add(link)
            self.sources.add(source)
            self.targets.add(target)


SYMMETRIZATIONS: dict[str, Symmetrization] = {
    "intersection": intersection,
    "union": union,
    GROW_DIAG_FINAL: grow_diag_final,
    MEAN: grow_diag_final,
}
"""How links are joined; for `mean` both directions link by the mean of their weights first."""
