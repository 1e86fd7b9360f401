"""What is remembered of one side of a split while it is read."""

from __future__ import annotations

from array import array
from bisect import bisect_right

from seq2seq.data.corpus import Corpus, OneFile, ParallelText, Part
from seq2seq.data.identification import SAMPLE
from seq2seq.data.readers.streams import TextFile
from seq2seq.data.style import Style


class Side:
    """What is remembered of the source or the target side of a split."""

    def __init__(self, text: Corpus, side: int, language: str) -> None:
        self.language = language
        self.name = _name_of(text, side, language)
        self._files = [file_of(part, side) for part in text.parts]
        self._starts: list[int] = []  # the first pair of each part
        self._lines = array("l")
        self.samples: list[list[str]] = []  # the first lines of each part
        self.hashes = array("q")
        self.characters = array("l")  # in each line
        self.style = Style()
        self.alphabet = self.style.alphabet
        self.words = 0
        self.longest = (0, 0)  # words, pair

    def begin_part(self) -> None:
        """Count the pairs added from now on to the next part of the corpus."""
        self._starts.append(len(self._lines))
        self.samples.append([])

    def add(self, text: str, line: int) -> None:
        """Count the text of the next pair, and remember its line."""
        words = len(text.split())
        self.words += words
        self.longest = max(self.longest, (words, -len(self._lines)))
        self._lines.append(line)
        self.hashes.append(hash(text))
        self.characters.append(len(text))
        self.alphabet.update(text)
        if text:
            self.style.add(text)
        if len(self.samples[-1]) < SAMPLE:
            self.samples[-1].append(text)

    def place(self, index: int) -> str:
        """The file:line of a pair, whose `index` counts from 0."""
        part = bisect_right(self._starts, index) - 1
        return f"{self._files[part]}:{self._lines[index]}"


def file_of(part: Part, side: int) -> TextFile:
    """Return the file that holds the source (0) or the target (1) of a part."""
    if isinstance(part, OneFile):
        return part.content.file
    return (part.source, part.target)[side]


def _name_of(text: Corpus, side: int, language: str) -> str:
    files = [file_of(part, side) for part in text.parts]
    name = files[0].name if len(files) == 1 else f"{len(files)} files"
    alone = len(files) == 1 and isinstance(text.parts[0], ParallelText)
    return name if alone else f"{name} ({language})"
