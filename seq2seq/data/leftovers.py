"""Marks that other tools leave in text, and which a model would learn to write.

Each check is a pattern on one line. The marks are those of Moses, subword-nmt, SentencePiece,
OpenNMT, BERT, GPT-2, NLLB, mBART and OPUS-MT, and of XML, subtitles and JSON.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_ENTITY = (
    r"amp|apos|quot|lt|gt|nbsp|shy|hellip|euro|copy|reg|trade|deg|pound|sect|para|bull|middot|num|"
    r"lsqb|rsqb|lbrack|rbrack|iexcl|iquest|thinsp|ensp|emsp|zwn?j|times|divide|micro|ordf|ordm|"
    r"[lr][as]?aquo|[lrsb][sd]quo|[nm]dash|"
    r"[A-Za-z]{1,2}(?:acute|grave|circ|uml|tilde|cedil|slash|ring|lig|caron)"
)
LEFTOVERS = {
    "entities": re.compile(
        rf"& ?(?:#\d{{1,6}}|#[xX][0-9a-fA-F]{{1,5}}|{_ENTITY}) ?;"  # with the spaces of a tokenizer
    ),
    "subword marks": re.compile(
        r"@@(?!\S)|(?<!\S)@@\w|\u2581|(?<=\s)##\w|[\uffed\uff5f\uff60\uffe8]|</w>"
        r"|<0x[0-9A-F]{2}>|\u0120\S+ \u0120|[A-Za-z]\u0120[A-Za-z]|\u2047"
    ),
    "tokenizer marks": re.compile(r"(?<!\S)(?:@[^\w\s@]@|-[LR][RSC]B-|``)(?!\S)"),
    "special tokens": re.compile(
        r"(?i:</?s>|<(?:unk|pad|bos|eos|sos|mask|sep|cls)>|\[(?:UNK|CLS|SEP|PAD|MASK|BOS|EOS)\])"
        r"|<\|[\w ]+\|>|<extra_id_\d+>"
    ),
    "language tags": re.compile(
        r"<2\w{2,8}>|>>\s?\w{2,8}\s?<<|(?<!\S)__\w+?__|(?<!\S)__(?:opt|label)_\w+"
        r"|^(?:[a-z]{2}_[A-Z]{2}|[a-z]{3}_[A-Z][a-z]{3}) |(?:^| )(?:[a-z]{2}_[A-Z]{2})$"
        r"|(?:^| )[a-z]{3}_[A-Z][a-z]{3}$"
    ),
    "markup": re.compile(
        r"</?(?!(?:s|unk|pad|bos|eos|sos|mask|sep|cls|w)>)[A-Za-z][\w:.-]*"
        r"(?:\s+[\w:-]+\s*=\s*(?:\"[^\"<>]*\"|'[^'<>]*'|[^\s<>]+))*\s*/?>"
        r"|<\?xml|<!(?:\[CDATA\[|DOCTYPE|ENTITY|--)|\{\\\w+[^}]*\}|\[\[[^\]]+\]\]"
        r"|\d\d:\d\d:\d\d[,.]\d{3}"
    ),
    "separators": re.compile(r"\|\|\|"),
    "escapes": re.compile(
        r"\\(?:[nrt](?![A-Za-z])|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|\")|%20|(?:%[0-9A-F]{2}){2}"
    ),
    "tokenised": re.compile(r"\w [.,](?!\S)|(?<!\S)[(\[] \w|\w 's(?!\S)|\w n't(?!\S)"),
    "quoted lines": re.compile(r'^"[^"]*"$'),
    "numbered lines": re.compile(r"^\d{1,9}(?:[.):]|\t|\s?\|)\s*\D"),
}
"""Every check and its pattern."""
_FIRST = re.compile(
    r"[&@`\u2581#\uffed\uff5f\uff60\uffe8<\u0120\u2047\[>_{|\\%\"\d(]| [.,]| n?'[st]|[LR][RSC]B-"
)


def leftovers_in(text: str) -> Iterator[tuple[str, str]]:
    """Yield the name of each check that finds something in a line, and what it found."""
    if _FIRST.search(text) is None:
        return
    for check, pattern in LEFTOVERS.items():
        found = pattern.search(text)
        if found:
            yield check, found[0].strip()
