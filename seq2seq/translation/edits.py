"""Changes in the words of a translation: what takes the place of some, or is put between two.

Shapes: I target words, J source words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from seq2seq.data.tokenizer import WordPieces
from seq2seq.translation.translation import Candidate


class Edit(NamedTuple):
    """Target words `first` to `last` (not counted) become `text`; if none, it goes before `first`.

    A tag stands right at its word: after the word before, if it closes, else before `first`.
    """

    first: int
    last: int
    text: str
    tag: str = ""
    """opens or closes, if it is one."""


def spans_of(text: str, words: Sequence[WordPieces]) -> list[tuple[int, int]]:
    """Return where in `text` each of its words starts and ends."""
    spans, end = [], 0
    for word in words:
        start = max(text.find(word.word, end), end)  # as it stands, unless a cleaning changed it
        end = start + len(word.word)
        spans.append((start, end))
    return spans


def beside(weights_IJ: npt.NDArray[np.float32], j: int) -> int:
    """The target word before which comes what stands before source word `j`."""
    count, words = weights_IJ.shape
    if j == 0 or not count:
        return 0
    if j >= words:
        return count
    return int(weights_IJ[:, j - 1].argmax()) + 1


def edited(candidate: Candidate, edits: Sequence[Edit]) -> Candidate:
    """The candidate with the edits made in its text and words."""
    spans, old = spans_of(candidate.text, candidate.words), candidate.words
    text, words, end = "", list[WordPieces](), 0  # of the new, and where the old was left

    def write(new: str, pieces: tuple[int, ...] = ()) -> None:
        nonlocal text
        text += new
        for part in new.split():  # a tag may have white space within, a word may not
            words.append(WordPieces(part, pieces))
            pieces = ()

    i = 0
    while i <= len(spans):
        here = [edit for edit in edits if edit.first == i]
        added = [edit for edit in here if edit.first == edit.last]
        for edit in added:
            if edit.tag == "closes":
                write(edit.text)
        start, stop = spans[i] if i < len(spans) else (len(candidate.text), len(candidate.text))
        gap = candidate.text[end:start]
        for edit in added:
            if not edit.tag:
                write(edit.text if not text or text[-1].isspace() else f" {edit.text}")
                gap = gap or (" " if candidate.text[start:stop].isalnum() else "")
        text += gap
        for edit in added:
            if edit.tag == "opens":
                write(edit.text)
        if i == len(spans):
            break
        instead = next((edit for edit in here if edit.last > i), None)
        last = instead.last if instead else i + 1
        if instead:
            write(instead.text, tuple(piece for word in old[i:last] for piece in word.pieces))
        else:
            write(candidate.text[start:stop], old[i].pieces)
        i, end = last, spans[last - 1][1]
    return replace(candidate, text=text.strip(), words=words)
