"""What should survive translation as it stands: addresses, numbers, names (and tags, see there).

A token that the translation lacks takes the place of the target words that looked at it most, as
unknown words do in Jean et al. 2015, 3.3, and Luong et al. 2015b; if none did, it is put beside the
word that looked at its neighbour.

Shapes: T target pieces, S source positions, I target words, J source words, K tokens to keep.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from seq2seq.data.tokenizer import UNK, Tokenizer, WordPieces
from seq2seq.translation.edits import Edit, beside, edited, spans_of
from seq2seq.translation.tags import Tag, tag_edits
from seq2seq.translation.translation import END, Candidate, merge_words

_LEAST = 0.3  # of a target word's weight is on the token that takes its place
_MOSTLY = 0.5  # ... and on the token whose place a neighbour shares
_NAME_PIECES = 3  # a capitalised word of so many pieces, ...
_NAME_LETTERS = 2  # ... with no more letters each than this, is a rare name

_ENDS = r"[^\s.,;:!?)\]}'\"»’”…]"  # what is no mark after an address
_PATH = rf"(?::\d+)?(?:[/?#](?:\S*{_ENDS})?)?"
_ADDRESS = (
    rf"(?:(?:https?|ftp)://|www\.)\S*{_ENDS}"
    r"|[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
    r"|(?<![\w.])(?:[a-z\d-]+\.)+(?:com|org|net|edu|gov|info|io|eu|fr|de|uk|ca|ch|nl|pl|ru|ua|cz|"
    rf"fi|dk|jp|cn|kr|br|mx|tr|gr|nz|za|au|dev|app)(?![\w-]|\.\w){_PATH}"
    r"|(?<![\w-])[\da-fA-F]{8}-(?:[\da-fA-F]{4}-){3}[\da-fA-F]{12}(?![\w-])"
    rf"|(?<!\S)(?:~|\.\.?)?/\w(?:\S*{_ENDS})?|(?<!\S)[A-Za-z]:\\\S*{_ENDS}"  # of a file
    r"|(?<![\w.])[\w-]+\.(?:txt|pdf|docx?|xlsx?|pptx?|csv|tsv|json|xml|ya?ml|html?|py|sh|exe|zip|"
    r"gz|png|jpe?g|gif|svg|mp[34])(?![\w-]|\.\w)"
)
_GAP = "[ \u00a0\u202f]"
_NUMBER = (
    rf"(?<!\w)(?<!\d[.,:/])(?<!\d[eE][-+])(?:\d{{1,3}}(?:{_GAP}\d{{3}})+(?!\d)|\d+)"
    r"(?:[.,:/’'-]\d+)*(?!\w|[.,]\d)"
)
_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?(?!\w)"
_TELEPHONE = rf"\+\d{{1,3}}(?:{_GAP}?[(.-]?\d+\)?){{3,}}|\(\d{{2,4}}\){_GAP}?\d{{2,4}}[ -]\d{{2,4}}"
_VERBATIM = (
    r"\{\{[^{}]*\}\}|\$?\{[^{}\s]*\}|%(?:(?:\(\w+\)|\d+\$)?[sdif](?!\w)|@)"  # placeholders
    r"|\$[A-Za-z_]\w*|(?<!\w)__[A-Za-z]\w*?__(?!\w)"
    r"|&(?:#?\w+);|(?<!\w)[@#]\w+"
    rf"|(?<!\w){_TIME}|(?<!\w){_TELEPHONE}"
    r"|(?<!\w)v\d+(?:\.\d+)+(?!\w)"
    r"|(?<!\w)(?:[A-Z]+\d|\d+[A-Z])[A-Z\d]*(?!\w)"  # codes: A380, 4K
)
_TOKEN = re.compile(f"(?P<verbatim>{_ADDRESS}|{_VERBATIM})|(?P<number>{_NUMBER})")
_GROUPED = re.compile(r"(?<!\d)\d{1,3}(?:[.,’'\s]\d{3})+(?!\d)")  # 3,000 and 3 000 are 3000
_STARTS = tuple('.!?:;"“«„(—')  # after these a word begins a sentence, with a capital of its own


class Token(NamedTuple):
    """A run of characters of the source to keep; `pieces` are its positions."""

    text: str
    start: int
    pieces: tuple[int, ...]
    kind: str
    """number, which may be written otherwise; name, which is never added; verbatim."""


def find_tokens(text: str, words: Sequence[WordPieces], tokenizer: Tokenizer) -> list[Token]:
    """Return the tokens of `text` that are to survive, in order; `words` are those of `text`."""
    spans = list(zip(spans_of(text, words), words, strict=True))
    found = [
        Token(match[0], match.start(), _pieces_in(spans, *match.span()), str(match.lastgroup))
        for match in _TOKEN.finditer(text)
    ]
    taken = [(token.start, token.start + len(token.text)) for token in found]
    free = [
        (span, word)
        for span, word in spans
        if not any(start < span[1] and span[0] < end for start, end in taken)
    ]
    for ((start, end), word), before in zip(free, ["", *(w.word for _, w in free)], strict=False):
        if _is_unknown(word, tokenizer):
            found.append(Token(text[start:end], start, word.pieces, "verbatim"))
        elif _is_rare_name(word) and before and not before.endswith(_STARTS):
            found.append(Token(text[start:end], start, word.pieces, "name"))
    return _joined(sorted(found, key=lambda token: token.start))


def keep(
    candidate: Candidate, source: str, tags: Sequence[Tag], tokens: Sequence[Token]
) -> Candidate:
    """Return the candidate with the tokens and tags of `source` in its text and words.

    Its pieces, log-probabilities and weights stay those of what the model wrote; a replaced word
    keeps the pieces of the words whose place it took.
    """
    lacking = _lacking(candidate.text, tokens)
    if not (lacking or tags):
        return candidate
    weights_TS = candidate.attention_TS
    words = candidate.words
    columns = [word for word in candidate.source_words if word.word != END]
    weights_IJ = merge_words(weights_TS, words, columns)
    replaced = _replacements(weights_TS, words, candidate.source_words, lacking)
    edits = list(replaced.values())
    used = {i for edit in edits for i in range(edit.first, edit.last)}
    starts = [start for start, _ in spans_of(source, columns)]
    for k, token in enumerate(lacking):
        if k not in replaced and token.kind != "name":
            place = _place(weights_IJ, words, columns, sum(start < token.start for start in starts))
            while place in used:
                place += 1
            edits.append(Edit(place, place, token.text))
    edits += tag_edits(weights_IJ, tags, starts)
    return edited(candidate, edits)


# --- what to keep ---------------------------------------------------------------------------------


def _pieces_in(
    spans: Sequence[tuple[tuple[int, int], WordPieces]], start: int, end: int
) -> tuple[int, ...]:
    return tuple(
        piece
        for (first, last), word in spans
        if first < end and start < last
        for piece in word.pieces
    )


def _is_unknown(word: WordPieces, tokenizer: Tokenizer) -> bool:
    """Whether a letter, digit or symbol of the word is unknown; a quotation mark is no matter."""
    if UNK not in tokenizer.encode(word.word):
        return False
    return any(
        unicodedata.category(character)[0] in "LNS" and UNK in tokenizer.encode(character)
        for character in word.word
    )


def _is_rare_name(word: WordPieces) -> bool:
    letters, pieces = len(word.word), len(word.pieces)
    capital = word.word[:1].isupper() and not word.word.isupper()
    return capital and pieces >= _NAME_PIECES and letters <= _NAME_LETTERS * pieces


def _joined(tokens: Sequence[Token]) -> list[Token]:
    """`tokens`, those without a gap between them as one: a run of unknown characters."""
    joined: list[Token] = []
    for token in tokens:
        last = joined[-1] if joined else None
        if last and last.kind == token.kind == "verbatim" and _ends(last) == token.start:
            both = last.pieces + token.pieces
            joined[-1] = Token(last.text + token.text, last.start, both, "verbatim")
        else:
            joined.append(token)
    return joined


def _ends(token: Token) -> int:
    return token.start + len(token.text)


def _lacking(text: str, tokens: Sequence[Token]) -> list[Token]:
    """The tokens that `text` lacks, each as often as it does."""
    left = text
    numbers = _numbers_in(text)
    lacking = []
    for token in tokens:
        if token.kind == "number":
            digits = re.findall(r"\d+", _plain_digits(token.text))
            spellings = (["".join(digits)], _numbers_in(token.text), digits)
            there = next((d for d in spellings if set(d) <= set(numbers)), None)
            for number in there or ():
                if number in numbers:
                    numbers.remove(number)
            if there is None:
                lacking.append(token)
        elif token.text in left:
            left = left.replace(token.text, " ", 1)
        else:
            lacking.append(token)
    return lacking


def _numbers_in(text: str) -> list[str]:
    """The runs of digits, groups of three joined: `1,234.56` holds 1234 and 56."""
    joined = _GROUPED.sub(lambda match: re.sub(r"\D", "", match[0]), _plain_digits(text))
    return re.findall(r"\d+", joined)


def _plain_digits(text: str) -> str:
    """`text` with the digits of any script as 0 to 9."""
    return re.sub(r"\d", lambda digit: str(unicodedata.digit(digit[0])), text)


# --- where it goes --------------------------------------------------------------------------------


def _replacements(
    weights_TS: npt.NDArray[np.float32],
    words: Sequence[WordPieces],
    source_words: Sequence[WordPieces],
    tokens: Sequence[Token],
) -> dict[int, Edit]:
    """By token, the target words whose place it takes: they looked at it more than at all else.

    They are no more than the token has pieces. A word that is one of the source's, a copy, stays;
    so does one that looked elsewhere too much.
    """
    kept = {piece for token in tokens for piece in token.pieces}
    others = [word for word in source_words if not kept.intersection(word.pieces)]
    columns = [*(WordPieces(token.text, token.pieces) for token in tokens), *others]
    weights_IK = merge_words(weights_TS, words, columns)
    edits: dict[int, Edit] = {}
    if not weights_IK.size:
        return edits
    copies = {word.word for word in others}
    free = [word.word not in copies for word in words]
    best_I = weights_IK.argmax(1)
    for k, token in enumerate(tokens):
        own_I = np.where((best_I == k) & free, weights_IK[:, k], 0)
        i = int(own_I.argmax())
        if own_I[i] < _LEAST:
            continue
        first, last = i, i + 1
        while last < len(words) and own_I[last] >= _MOSTLY and last - first < len(token.pieces):
            last += 1
        while first and own_I[first - 1] >= _MOSTLY and last - first < len(token.pieces):
            first -= 1
        edits[k] = Edit(first, last, token.text)
    return edits


def _place(
    weights_IJ: npt.NDArray[np.float32],
    words: Sequence[WordPieces],
    source_words: Sequence[WordPieces],
    j: int,
) -> int:
    """The target word before which a token goes that stands at source word `j`.

    What only punctuation follows, or precedes, stays so; nothing parts `j'` from its verb.
    """
    if not any(map(_has_letter, source_words[:j])):
        return 0
    if not any(map(_has_letter, source_words[j + 1 :])):
        return max((i + 1 for i, word in enumerate(words) if _has_letter(word)), default=0)
    place = beside(weights_IJ, j)
    while 0 < place < len(words) and words[place - 1].word.endswith(("'", "’")):
        place += 1
    return place


def _has_letter(word: WordPieces) -> bool:
    return any(map(str.isalnum, word.word))
