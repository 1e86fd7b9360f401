"""Writing fragments out: elision, contraction, typography, and the alignment in word indices."""

from dataclasses import dataclass

from seq2seq.data.words import split_words, word_spans

from . import english
from .fragments import Mot, Pair, Word
from .french import starts_with_vowel

ELIDED = {
    "je": "j'",
    "me": "m'",
    "te": "t'",
    "se": "s'",
    "le": "l'",
    "la": "l'",
    "ne": "n'",
    "de": "d'",
    "que": "qu'",
    "jusque": "jusqu'",
    "lorsque": "lorsqu'",
    "puisque": "puisqu'",
}
CONTRACTED = {("de", "le"): "du", ("de", "les"): "des", ("à", "le"): "au", ("à", "les"): "aux"}
NARROW, WIDE = "\u202f", "\u00a0"  # the spaces of French typography
CLOSE_UP = (".", ",", "…", "...")
BEFORE_NARROW = ("?", "!", ";")


@dataclass(frozen=True)
class Sentence:
    """A written pair: both texts, and the (English, French) index pairs of its words."""

    en: str
    fr: str
    links: tuple[tuple[int, int], ...]
    lemmas_en: frozenset[str]
    lemmas_fr: frozenset[str]
    combinations: frozenset[tuple[str, str, str]]
    family: str

    @property
    def pharaoh(self) -> str:
        """Return the links in Pharaoh format."""
        return " ".join(f"{i}-{j}" for i, j in self.links)


@dataclass
class Piece:
    """A stretch of text and the English words it stands for (or is)."""

    text: str
    words: list[Word]


def _english_pieces(words: list[Word]) -> list[tuple[str, Piece]]:
    """Return (separator, piece) for each English word, with a/an chosen."""
    result: list[tuple[str, Piece]] = []
    for i, word in enumerate(words):
        text = word.text
        if text == "a" and i + 1 < len(words):
            text = english.article(words[i + 1].text)
        opened = result and result[-1][1].text == "“"
        close = word.glue or not result or opened or text in (*CLOSE_UP, "?", "!", ";", ":", "”")
        result.append(("" if close else " ", Piece(text, [word])))
    return result


def _next_is_vowel(mots: list[Mot], i: int) -> bool:
    return i + 1 < len(mots) and starts_with_vowel(mots[i + 1].text)


def _inflect_sound(mots: list[Mot], i: int) -> str:
    """Return the text of a word as the next one makes it sound: elided, or cet, bel, mon..."""
    text = _sound(mots, i)
    return text[0].upper() + text[1:] if mots[i].text[0].isupper() else text


def _sound(mots: list[Mot], i: int) -> str:
    mot = mots[i]
    text = mot.text if mot.lemma == mot.text else mot.text[0].lower() + mot.text[1:]
    if text == "ce" and i + 1 < len(mots) and mots[i + 1].text in ("est", "était"):
        return "c'"
    if text == "si" and i + 1 < len(mots) and mots[i + 1].text in ("il", "ils"):
        return "s'"
    if _next_is_vowel(mots, i):
        return mot.before_vowel or ELIDED.get(text, text)
    return text


def _french_separator(before: str, text: str) -> str:
    if not before or before.endswith("'") or text.startswith("-") or text in CLOSE_UP:
        return ""
    if text in BEFORE_NARROW:
        return NARROW
    if text in (":", "»") or before == "«":
        return WIDE
    return " "


def _french_pieces(mots: list[Mot]) -> list[tuple[str, Piece]]:
    """Return (separator, piece) for each French word, contracted and elided."""
    result: list[tuple[str, Piece]] = []
    i = 0
    while i < len(mots):
        text, links = _inflect_sound(mots, i), list(mots[i].links)
        following = mots[i + 1] if i + 1 < len(mots) else None
        if following is not None and following.article:
            contracted = CONTRACTED.get((mots[i].text, _inflect_sound(mots, i + 1)))
            if contracted:
                text, links = contracted, links + following.links
                i += 1
        before = result[-1][1].text if result else ""
        result.append((_french_separator(before, text), Piece(text, links)))
        i += 1
    return result


def _write(pieces: list[tuple[str, Piece]], capital: bool) -> tuple[str, list[set[int]]]:
    """Join the pieces; return the text and, for each of its words, the ids of its pieces' words."""
    text, owners = "", []
    for separator, piece in pieces:
        text += separator
        owners.append((len(text), len(text) + len(piece.text), {id(w) for w in piece.words}))
        text += piece.text
    if capital:
        text = text[0].upper() + text[1:]
    tokens = []
    for start, end in word_spans(text):
        inside = [ids for left, right, ids in owners if left < end and start < right]
        assert inside, f"no owner: {text!r}"
        tokens.append(set().union(*inside))
    return text, tokens


def _check_words(text: str, pieces: list[tuple[str, Piece]], french: bool) -> None:
    """Assert that no piece is split or joined in a way the grammar did not mean."""
    pieces_text = " ".join(piece.text for _, piece in pieces) if french else text
    meant = split_words(pieces_text.replace("' ", "'"))
    assert [t.lower() for t in split_words(text)] == [t.lower() for t in meant], text


def realise(
    pair: Pair, combinations: frozenset[tuple[str, str, str]], family: str, capital: bool
) -> Sentence:
    """Write a pair as two texts and index links."""
    en_pieces, fr_pieces = _english_pieces(pair.en), _french_pieces(pair.fr)
    en_text, en_owners = _write(en_pieces, capital)
    fr_text, fr_owners = _write(fr_pieces, capital)
    _check_words(fr_text, fr_pieces, french=True)
    links = tuple(
        (i, j)
        for i, english_ids in enumerate(en_owners)
        for j, french_ids in enumerate(fr_owners)
        if english_ids & french_ids
    )
    return Sentence(
        en_text,
        fr_text,
        links,
        frozenset(word.lemma or word.text.lower() for word in pair.en),
        frozenset(mot.lemma or mot.text.lower().lstrip("-") for mot in pair.fr),
        combinations,
        family,
    )
