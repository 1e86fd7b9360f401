"""One form for texts that a reader can't tell apart: what a model is trained on, and given.

- Canonical equivalents are one text: the form is Unicode's NFC (annex 15).
- What can't be seen is nothing: soft hyphens, byte order marks, word joiners, marks of direction,
  control characters. Joiners stay where they change what is read: in Arabic and Indic scripts, and
  in emoji. A zero-width space is a space, but in scripts without spaces nothing, so that a text is
  the same with and without them.
- Thai and Lao vowels that are typed in parts (nikhahit and sara aa, two sara e) are the vowels,
  though Unicode calls them no equivalents. What is compatible only (`ﬁ`, `①`) stays.
- White space is one space. In a target no-break spaces and the ideographic space stay, because a
  model is to write U+202F before a question mark if its corpus does.

unicodedata and regex do all of it. ftfy was considered: it mends wrong encodings and quotes too,
and which of them are wrong is the reader's to say.
"""

import re
import unicodedata

import regex

from seq2seq.data.pairs import whole_characters
from seq2seq.data.words import UNSPACED, any_script

_JOINS = any_script(  # in these, ZWJ and ZWNJ change the shape of letters
    [
        *("Arabic", "Syriac", "Mandaic", "Nko", "Mongolian", "Phags_Pa", "Adlam"),
        *("Devanagari", "Bengali", "Gurmukhi", "Gujarati", "Oriya", "Tamil", "Telugu"),
        *("Kannada", "Malayalam", "Sinhala", "Newa", "Tirhuta", "Grantha", "Sharada"),
        *("Meetei_Mayek", "Chakma", "Limbu", "Brahmi", "Khmer", "Myanmar", "Tibetan"),
        *("Balinese", "Javanese", "Sundanese", "Hanifi_Rohingya"),
    ]
)
_AFTER_JOINING = rf"(?<={_JOINS}[\p{{M}}\u200c\u200d]*)"
_USED_JOINER = "|".join(
    [
        rf"{_AFTER_JOINING}\u200c(?=[\p{{L}}\p{{N}}])",  # at the end of a word it does nothing
        rf"(?<=[\p{{L}}\p{{N}}]\p{{M}}*)\u200c(?={_JOINS})",
        rf"{_AFTER_JOINING}\u200d|\u200d(?={_JOINS})",
        r"(?<=\p{ExtPict}\p{WB=Extend}*)\u200d(?=\p{ExtPict})",
    ]
)
_OF_A_FLAG = r"(?<=\U0001f3f4[\U000e0020-\U000e007f]*)"  # Scotland's is a black flag and letters
_SELECTORS = r"\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef"
_KEPT = rf"\s\x1c-\x1f\u200b-\u200d{_SELECTORS}\u115f\u1160\u17b4\u17b5\U000e0020-\U000e007f"
_UNSEEN = regex.compile(
    rf"[[\p{{Cc}}\p{{DI}}\p{{NChar}}\ufff9-\ufffb]--[{_KEPT}]]"
    rf"|(?!{_OF_A_FLAG})[\U000e0020-\U000e007f]",
    regex.V1,
)
_IDLE_JOINER = regex.compile(rf"(?!{_USED_JOINER})[\u200c\u200d]", regex.V1)
_IDLE_SPACE = regex.compile(rf"(?<={UNSPACED}\p{{M}}*)\u200b+|\u200b+(?={UNSPACED})", regex.V1)
_AM = re.compile(
    "(?:\u0e4d([\u0e48-\u0e4b]?)|([\u0e48-\u0e4b])\u0e4d)\u0e32"
    "|(?:\u0ecd([\u0ec8-\u0ecb]?)|([\u0ec8-\u0ecb])\u0ecd)\u0eb2"
)
_PARTS = re.compile("[\u0e4d\u0ecd]|\u0e40\u0e40|\u0ec0\u0ec0")
_SPACES = re.compile("[^\\S\u00a0\u202f\u3000]+")


def clean_source(text: str) -> str:
    """Return `text` as a model reads it: words with one space between, and none outside."""
    spaced = _with_plain_spaces(text)
    return spaced if _is_clean(spaced) else " ".join(_visible(text).split())


def clean_target(text: str) -> str:
    """Return `text` as a model is to write it: as `clean_source`, but no-break spaces stay."""
    if _is_clean(_with_plain_spaces(text)):
        return text
    return _SPACES.sub(" ", _visible(text)).strip()


def _with_plain_spaces(text: str) -> str:
    return text.replace("\u202f", " ").replace("\u00a0", " ")


def _is_clean(text: str) -> bool:
    """Whether a text without no-break spaces is clean, by signs that cost little."""
    if not text.isprintable() or "  " in text or text[:1] == " " or text[-1:] == " ":
        return False
    if text.isascii():
        return True
    hidden = "\u034f" in text or "\u3164" in text or "\uffa0" in text  # printable, says Python
    in_parts = _PARTS.search(text) is not None
    return not (hidden or in_parts) and unicodedata.is_normalized("NFC", text)


def _visible(text: str) -> str:
    """`text` in NFC, without what can't be seen."""
    text = unicodedata.normalize("NFC", _UNSEEN.sub("", whole_characters(text)))
    text = _IDLE_SPACE.sub("", _IDLE_JOINER.sub("", text)).replace("\u200b", " ")
    if _PARTS.search(text):
        text = _with_whole_vowels(text)
    return unicodedata.normalize("NFC", text)


def _with_whole_vowels(text: str) -> str:
    """`text` with one letter for each Thai and Lao vowel that is typed in parts."""
    text = text.replace("\u0e40\u0e40", "\u0e41").replace("\u0ec0\u0ec0", "\u0ec1")
    return _AM.sub(
        lambda match: "".join(filter(None, match.groups())) + chr(ord(match[0][-1]) + 1), text
    )
