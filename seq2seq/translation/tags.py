"""Tags, which a model never sees: taken out of a source, and put back into its translation.

A pair of tags stands around the target words that attention aligns with those it stood around.

Shapes: I target words, J source words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import regex

from seq2seq.translation.edits import Edit, beside

_QUOTED = "=\\s*\"[^\"]*\"|=\\s*'[^']*'"  # may hold a >
_TAG = regex.compile(rf"<!--.*?-->|</?[A-Za-z](?>(?:{_QUOTED}|[^<>])*)>|</?\d+/?>")


class Tag(NamedTuple):
    """A tag that was taken out, and at which character of what is left."""

    text: str
    place: int
    before: str
    """The white space that stood before it, and ..."""
    after: str
    """... after it."""


def take_out_tags(text: str) -> tuple[str, tuple[Tag, ...]]:
    """Return `text` without its tags, and the tags."""
    parts, tags, end, length = [], [], 0, 0
    for match in _TAG.finditer(text):
        between = text[end : match.start()]
        parts.append(between)
        length += len(between)
        before, after = text[: match.start()][-1:], text[match.end() :][:1]
        tags.append(
            Tag(
                match[0],
                length,
                before if before.isspace() else "",
                after if after.isspace() else "",
            )
        )
        end = match.end()
        if before.isalnum() and after.isalnum() and not _name(match[0])[0]:  # a<br/>b is two words
            parts.append(" ")
            length += 1
    return "".join([*parts, text[end:]]), tuple(tags)


def tag_edits(
    weights_IJ: npt.NDArray[np.float32], tags: Sequence[Tag], starts: Sequence[int]
) -> Iterator[Edit]:
    """Each tag before a target word: a pair around the words that look at those within it."""
    places = [sum(start < tag.place for start in starts) for tag in tags]
    pairs = _pairs(tags)
    around = {pair: _within(weights_IJ, *(places[n] for n in pair)) for pair in pairs.values()}
    for number, tag in enumerate(tags):
        pair = pairs.get(number)
        if pair is None:
            place = beside(weights_IJ, places[number])
            closes = _name(tag.text)[0] == "/" or places[number] >= len(starts)
        else:
            place = around[pair][pair.index(number)]
            closes = number == pair[1]
            if around[pair] == (place, place):  # around nothing: one tag right after the other
                closes = any(
                    other[0] < pair[0] and pair[1] < other[1] and first < last == place
                    for other, (first, last) in around.items()
                )
        if closes:
            yield Edit(place, place, f"{tag.before}{tag.text}", "closes")
        else:
            yield Edit(place, place, f"{tag.text}{tag.after}", "opens")


def _pairs(tags: Sequence[Tag]) -> dict[int, tuple[int, int]]:
    """Of each tag that has a partner, the numbers of the two."""
    pairs, opened = {}, list[int]()
    for number, tag in enumerate(tags):
        slash, name = _name(tag.text)
        if slash != "/":
            opened.append(number)
        else:
            match = next((o for o in reversed(opened) if _name(tags[o].text)[1] == name), None)
            if match is not None:
                del opened[opened.index(match) :]
                pairs[match] = pairs[number] = (match, number)
    return pairs


def _name(tag: str) -> tuple[str, str]:
    """`/` of a closing tag, and the tag's name."""
    match = re.match(r"<(/?)(\d+|[A-Za-z][\w:-]*)", tag)
    return (match[1], match[2].lower()) if match else ("", "")


def _within(weights_IJ: npt.NDArray[np.float32], first: int, last: int) -> tuple[int, int]:
    """The first target word that looks at source words `first` to `last`, and one past the last."""
    count, words = weights_IJ.shape
    if not count or not words:
        return 0, count
    looks_I = weights_IJ.argmax(1)
    inside = np.flatnonzero((first <= looks_I) & (looks_I < last))
    start = int(inside[0]) if len(inside) else beside(weights_IJ, first)
    end = int(inside[-1]) + 1 if len(inside) else start
    return (0 if first == 0 else start), (count if last >= words else end)
