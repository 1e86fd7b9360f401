"""In which script a language is written, as far as its code tells.

Scripts are named as Unicode's names of their characters begin. Languages that are written in
several scripts (Serbian, Uzbek) are not here: nothing is known of them.
"""

from __future__ import annotations

import unicodedata

from seq2seq.data.languages import known_language

_LANGUAGES = {
    "LATIN": "af ca cs cy da de en eo es et eu fi fr ga gl hr hu id is it la lt lv ms nl nn no pl "
    "pt ro sk sl sq sv sw tl tr vi",
    "CYRILLIC": "be bg mk ru uk",
    "GREEK": "el",
    "ARABIC": "ar fa ps ur",
    "HEBREW": "he yi",
    "DEVANAGARI": "hi mr ne",
    "BENGALI": "as bn",
    "GUJARATI": "gu",
    "TAMIL": "ta",
    "TELUGU": "te",
    "KANNADA": "kn",
    "MALAYALAM": "ml",
    "SINHALA": "si",
    "THAI": "th",
    "LAO": "lo",
    "KHMER": "km",
    "MYANMAR": "my",
    "GEORGIAN": "ka",
    "ARMENIAN": "hy",
    "ETHIOPIC": "am ti",
    "CJK": "ja ko zh",
    "HIRAGANA": "ja",
    "KATAKANA": "ja",
    "HANGUL": "ko",
}


def scripts_of(language: str) -> frozenset[str]:
    """Return the scripts of a language by its code (`zh`, `zho_Hans`); none if it is not known."""
    code = known_language(language)
    return frozenset(script for script, codes in _LANGUAGES.items() if code in codes.split())


def letters_of(text: str, scripts: frozenset[str]) -> str:
    """Return the letters of `text` that are of these scripts; of none named, all letters."""
    letters = filter(str.isalpha, text)
    if not scripts:
        return "".join(letters)
    return "".join(c for c in letters if unicodedata.name(c, "").partition(" ")[0] in scripts)
