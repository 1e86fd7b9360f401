"""Links between the words of a sentence pair, and those that attention makes.

A link is (source word, target word), both counted from 0.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from seq2seq.data.tokenizer import join_tokens
from seq2seq.translation.translation import END, Translation, merge_words

Links: TypeAlias = frozenset[tuple[int, int]]
"""(source word, target word) pairs, from 0."""


def reverse_links(links: Links) -> Links:
    """Return `links` with source and target exchanged."""
    return frozenset((target, source) for source, target in links)


def pharaoh(links: Links) -> str:
    """Return `links` as a line of Pharaoh format, `0-0 1-2`, in order; `read_gold` reads it."""
    return " ".join(f"{source}-{target}" for source, target in sorted(links))


def links_from_attention(
    matrix: npt.ArrayLike, *, threshold: float | None = None, offset: int = 0
) -> Links:
    """Return the links of word-level weights `matrix`, shape (target words, source words).

    Each target word links to the source word of its greatest weight, the first of equals; with
    `threshold`, to every source word whose weight is at least that. A row without any weight gives
    no link. The weights of row t count for target word t + `offset`; a row that falls off is lost.
    """
    weights_TS = np.asarray(matrix, dtype=np.float64)
    assert weights_TS.ndim == 2, f"expected (target words, source words), found {weights_TS.shape}"
    if weights_TS.size == 0:
        return frozenset()
    if threshold is None:
        chosen_TS = np.zeros(weights_TS.shape, dtype=bool)
        chosen_TS[np.arange(len(weights_TS)), weights_TS.argmax(axis=1)] = True
    else:
        chosen_TS = weights_TS >= threshold
    chosen_TS &= weights_TS > 0
    targets, sources = np.nonzero(chosen_TS)
    return frozenset(
        (int(source), int(target) + offset)
        for source, target in zip(sources, targets, strict=True)
        if 0 <= target + offset < len(weights_TS)
    )


def translation_links(translation: Translation, *, tokenized: bool = False) -> Links:
    """Return the links of the best hypothesis: each word's greatest weight, unless at the end.

    Words are those of `split_words`; `tokenized`, what white space separates.
    """
    if not translation.candidates:
        return frozenset()
    best = translation.candidates[0]
    rows, columns = best.words, translation.source_words
    ends = [word for word in columns[-1:] if word.word == END]
    columns = columns[: len(columns) - len(ends)]
    if tokenized:
        rows, columns = join_tokens(rows, best.text), join_tokens(columns, translation.source)
    links = links_from_attention(merge_words(best.attention_TS, rows, [*columns, *ends]))
    return frozenset(link for link in links if link[0] < len(columns))
