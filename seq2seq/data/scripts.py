"""In which script a language is written, as far as its code tells.

Scripts are named as Unicode names them. Languages that are written in
several scripts (Serbian, Uzbek) are not here: nothing is known of them.
"""

from __future__ import annotations

from collections import Counter
from functools import cache

import regex

from seq2seq.data.languages import known_language

_LANGUAGES = {
    "Latin": "af ca cs cy da de en eo es et eu fi fr ga gl hr hu id is it la lt lv ms nl nn no pl "
    "pt ro sk sl sq sv sw tl tr vi",
    "Cyrillic": "be bg mk ru uk",
    "Greek": "el",
    "Arabic": "ar fa ps ur",
    "Hebrew": "he yi",
    "Devanagari": "hi mr ne",
    "Bengali": "as bn",
    "Gujarati": "gu",
    "Tamil": "ta",
    "Telugu": "te",
    "Kannada": "kn",
    "Malayalam": "ml",
    "Sinhala": "si",
    "Thai": "th",
    "Lao": "lo",
    "Khmer": "km",
    "Myanmar": "my",
    "Georgian": "ka",
    "Armenian": "hy",
    "Ethiopic": "am ti",
    "Han": "ja ko zh",
    "Hiragana": "ja",
    "Katakana": "ja",
    "Hangul": "ko",
}
_OTHERS = "Gurmukhi Oriya Tibetan Mongolian Thaana Syriac Nko Tifinagh Cherokee Javanese Balinese"
_SCRIPTS = (*_LANGUAGES, *_OTHERS.split(), "Canadian_Aboriginal", "Bopomofo", "Yi", "Ol_Chiki")
_START = 64  # characters


def scripts_of(language: str) -> frozenset[str]:
    """Return the scripts of a language by its code (`zh`, `zho_Hans`); none if it is not known."""
    code = known_language(language)
    return frozenset(script for script, codes in _LANGUAGES.items() if code in codes.split())


def letters_of(text: str, scripts: frozenset[str]) -> str:
    """Return the letters of `text` that are of these scripts; of none named, all letters."""
    if not scripts:
        return "".join(filter(str.isalpha, text))
    return "".join(_letter(scripts).findall(text))


def main_script(text: str) -> str | None:
    """Return the script that most letters at the start of `text` are of; None without any.

    Of a few dozen characters: a text is seldom in two scripts, and corpora are large.
    """
    start = text[:_START]
    if start.isascii():
        return "Latin" if any(map(str.isalpha, start)) else None
    scripts = Counter(filter(None, map(_script_of, start)))
    return max(scripts, key=lambda name: (scripts[name], name)) if scripts else None


@cache
def _script_of(character: str) -> str | None:
    """The script of a letter."""
    if not character.isalpha():
        return None
    return next((name for name in _SCRIPTS if regex.match(rf"\p{{sc={name}}}", character)), None)


@cache
def _letter(scripts: frozenset[str]) -> regex.Pattern[str]:
    # By the extensions, since ー is of two scripts; by no name, since ｶ is called HALFWIDTH.
    own = "".join(rf"\p{{scx={name}}}" for name in sorted(scripts))
    return regex.compile(rf"[\p{{L}}&&[{own}]]", regex.V1)
