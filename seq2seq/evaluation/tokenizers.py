"""The tokeniser of BLEU: one of sacreBLEU's, chosen by the target language.

sacreBLEU's default, 13a, finds words by the spaces around them. Text that is written without spaces
is one word a line to it, and BLEU is then 0, however good the translations are.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from itertools import chain, islice
from typing import Any

import regex
from sacrebleu.metrics.bleu import BLEU

from seq2seq.config import BleuTokenizer
from seq2seq.data.languages import known_language
from seq2seq.data.words import UNSPACED, any_script
from seq2seq.errors import UserError
from seq2seq.extras import install_hint

logger = logging.getLogger(__name__)

AUTO: BleuTokenizer = "auto"
DEFAULT: BleuTokenizer = "13a"
_SPACED: tuple[BleuTokenizer, ...] = ("13a", "intl", "none")  # a word is what spaces surround

_LANGUAGES: dict[BleuTokenizer, str] = {
    "zh": "zh cn yue wuu hak gan hsn nan cdo lzh",
    "ja-mecab": "ja jp",
    "ko-mecab": "ko",
    "char": "th km lo my bo bod tib dz dzo shn mnw nod khb kht",
}
"""Codes as `known_language` gives them, those that it does not know, and the country codes that
files are often named after."""

_LETTERS: dict[BleuTokenizer, str] = {
    "ja-mecab": any_script(["Hiragana", "Katakana"]),
    "zh": any_script(["Han", "Bopomofo"]),
    "ko-mecab": any_script(["Hangul"]),
    "char": UNSPACED,
}
"""The scripts whose words need a tokeniser, the first that a letter is of. Korean sets words apart,
but a word of it carries its particles, which sacreBLEU's tokeniser splits off."""

_EXTRAS = {"ja-mecab": "ja", "ko-mecab": "ko"}
_CODES = {code: name for name, codes in _LANGUAGES.items() for code in codes.split()}
_LETTER = regex.compile(
    "|".join(rf"([\p{{L}}&&{letters}])" for letters in _LETTERS.values()), regex.V1
)
_KANA = 0.05  # share of a Japanese text's letters that is kana at least; of a Chinese one's it is 0
_LONG_WORDS = 20.0  # characters between spaces, on average: German has 6, Greenlandic 13
_READ = 100_000  # characters of text that are looked at


def choose_tokenizer(
    references: Iterable[Iterable[str | None]],
    *,
    tokenize: BleuTokenizer = AUTO,
    language: str = "",
) -> BleuTokenizer:
    """Return the name of the tokeniser that `tokenize` means for these `references`, and log it.

    `auto` follows the code of the target `language`, in any of its shapes (zh, zh_TW, zho_Hans,
    .zh); where that says nothing, it follows the script of the references. Without its library,
    Japanese and Korean are counted by characters. Any other name is taken as it is, with a warning
    where it sees one word a line. Raises UserError where a library is needed and missing.
    """
    text = _beginning(references)
    if tokenize != AUTO:
        load_tokenizer(tokenize)
        _warn_of_unspaced(tokenize, text)
        return tokenize
    wanted = _of_language(language)
    because = f"the target language is {language.lstrip('.')}"
    if wanted is None:
        wanted, because = _of_text(text), "the script of the references asks for it"
    if wanted is None:
        return DEFAULT
    if not _is_installed(wanted):
        logger.info(
            "BLEU counts characters (tok:char), because %s; to count words: %s",
            because,
            install_hint(_EXTRAS[wanted]),
        )
        return "char"
    logger.info("BLEU counts the tokens of sacreBLEU's %s, because %s", wanted, because)
    return wanted


@lru_cache
def load_tokenizer(name: BleuTokenizer) -> Any:
    """Return sacreBLEU's tokeniser, a function of a line; UserError if its library is missing."""
    assert name != AUTO, "expected a name that choose_tokenizer returned"
    try:
        return BLEU(tokenize=name).tokenizer
    except (Exception, SystemExit) as error:  # no library, no dictionary or no network: bare ones
        extra = _EXTRAS.get(name)
        way_out = install_hint(extra) if extra else " ".join(str(error).split())
        raise UserError(f"tokenize: {name} cannot be loaded: {way_out}") from None


def is_cjk(references: Iterable[Iterable[str | None]]) -> bool:
    """Return whether the references are Chinese or Japanese by their script."""
    return _of_text(_beginning(references)) in ("zh", "ja-mecab")


def _is_installed(name: BleuTokenizer) -> bool:
    try:
        load_tokenizer(name)
    except UserError:
        return False
    return True


def _of_language(code: str) -> BleuTokenizer | None:
    """The tokeniser of a language code; None if it asks for none, or names another script."""
    parts = re.split(r"[^a-z]+", code.lower().strip("."))
    if "latn" in parts:
        return None
    return _CODES.get(known_language(code.strip(".")) or parts[0])


def _of_text(text: str) -> BleuTokenizer | None:
    """The tokeniser that the script of `text` asks for; None if spaces set its words apart."""
    letters = sum(map(str.isalpha, text))
    names = list(_LETTERS)
    found = Counter(names[(match.lastindex or 0) - 1] for match in _LETTER.finditer(text))
    if 2 * sum(found.values()) > letters:
        kana, han = found["ja-mecab"], found["zh"]
        if kana >= _KANA * (kana + han) > 0:
            found["ja-mecab"] += han
        return found.most_common(1)[0][0]
    words = text.split()
    lengthy = bool(words) and sum(map(len, words)) > _LONG_WORDS * len(words)
    return "char" if lengthy else None


def _warn_of_unspaced(tokenize: BleuTokenizer, text: str) -> None:
    better = _of_text(text)
    if tokenize in _SPACED and better not in (None, "ko-mecab"):
        logger.warning(
            "tokenize %s: the references have hardly any spaces, so that a line counts as one word "
            "and BLEU stays near 0; use %s or auto instead",
            tokenize,
            better,
        )


def _beginning(references: Iterable[Iterable[str | None]]) -> str:
    """The first lines of the references, as far as there is need to look."""
    lines, size = [], 0
    for line in chain.from_iterable(islice(stream, _READ) for stream in references):
        if line:
            lines.append(line)
            size += len(line)
        if size > _READ:
            break
    return "\n".join(lines)
