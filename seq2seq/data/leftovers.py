"""Marks that other tools leave in text, and which a model would learn to write.

Each check is a pattern on one line. The marks are those of Moses, subword-nmt, SentencePiece,
OpenNMT, BERT, GPT-2, NLLB, mBART and OPUS-MT, and of XML, subtitles and JSON.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.entities import html5

# Those of HTML, and Moses's name for a bar. As longer names come first, `&notin;` is not `&not`.
_ENTITY = "|".join(sorted({"bar", *(n[:-1] for n in html5 if n[-1] == ";")}, key=len, reverse=True))
LEFTOVERS = {
    "entities": re.compile(
        rf"& ?(?:#\d{{1,6}}|#[xX][0-9a-fA-F]{{1,5}}|{_ENTITY}) ?;"  # with the spaces of a tokenizer
    ),
    "subword marks": re.compile(
        r"@@(?!\S)|(?<!\S)@@\w|\u2581|(?<=\s)##\w|[\uffed\uff5f\uff60\uffe8\u2985\u2986]|</w>"
        r"|<0x[0-9A-F]{2}>|\u0120\S+ \u0120|[A-Za-z]\u0120[A-Za-z]|\u2047"
        r"|\w\u25a0(?!\S)|(?<=\s)\u25a0[^\w\s]"  # OpenNMT's joiner in NFKC
    ),
    "tokenizer marks": re.compile(
        r"(?<!\S)(?:@[^\w\s@]@|-[LR][RSC]B-|``|##AT##.*)(?!\S)"
        r"|(?<=\w)[_/][A-Z]{2,5}\$? \w+[_/][A-Z]{2,5}\$?(?!\S)"  # parts of speech
    ),
    "special tokens": re.compile(
        r"(?i:</?s>|<(?:unk|pad|bos|eos|sos|mask|sep|cls)>|\[(?:UNK|CLS|SEP|PAD|MASK|BOS|EOS)\])"
        r"|<\|[\w ]+\|>|<extra_id_\d+>|(?<!\S)(?:-UNK-|xx(?:unk|maj|up|bos|rep|wrep))(?!\S)"
    ),
    "language tags": re.compile(
        r"<2\w{2,8}>|>>\s?\w{2,8}\s?<<|(?<!\S)__[a-z]\w+?__|(?<!\S)__(?:opt|label)_\w+"
        r"|^(?:[a-z]{2}_[A-Z]{2}|[a-z]{3}_[A-Z][a-z]{3}) |(?:^| )(?:[a-z]{2}_[A-Z]{2})$"
        r"|(?:^| )[a-z]{3}_[A-Z][a-z]{3}$"
    ),
    "markup": re.compile(
        r"</?(?!(?i:s|unk|pad|bos|eos|sos|mask|sep|cls|w|extra_id_\d+)>)[A-Za-z][\w:.-]*"
        r"(?:\s+[\w:-]+\s*=\s*(?:\"[^\"<>]*\"|'[^'<>]*'|[^\s<>]+))*\s*/?>"
        r"|<\?xml|<!(?:\[CDATA\[|DOCTYPE|ENTITY|--)|\{\\\w+[^}]*\}|\[\[[^\]]+\]\]"
        r"|\d\d:\d\d[,.]\d{3} ?--|\d\d:\d\d:\d\d[,.]\d{3}|</?\d+/?>"
    ),
    "Markdown": re.compile(
        r"\*\*\w(?:[^*]*[^\s*])?\*\*|!?\[[^\[\]]+\]\([^()\s]+\)|(?<![`\w])`[^`\s][^`']*`(?!`)"
        r"|^#{2,6} \S|^\|.+\|$"
    ),
    "separators": re.compile(r"\|\|\||(?<=[^\s|])\|[^\s|]+(?:\|\S+)? [^\s|]+\|[^\s|]"),
    "escapes": re.compile(
        r"\\(?:[nrt](?![A-Za-z])|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|[\"'])|(?<=\w)''(?=\w)|%20|(?:%[0-9A-F]{2}){2}"
    ),
    "tokenised": re.compile(r"\w [.,](?!\S)|(?<!\S)[(\[] \w|\w (?:'(?:[smdt]|re|ve|ll)|n't)(?!\S)"),
    "captions": re.compile(
        r"[\u266a\u266b]"
        r"|^[-\u2013\u2014 ]*(?:\[[^\[\]]+\]|\([A-Z][A-Z ]+\)|[A-Z][A-Z .'-]{2,30}:\s)"
    ),
    "marked lines": re.compile(r"^(?:[-\u2013\u2014*+>\u2022\u25aa\u25cf\u00b7\u2023]|#) "),
    "quoted lines": re.compile(r'^"[^"]*"$'),
    "numbered lines": re.compile(r"^\d{1,9}(?:[.):]|\t|\s?\||\s)\s*\D"),
}
"""Every check and its pattern."""
_FIRST = re.compile(
    r"[&@`\u2581#\uffed\uff5f\uff60\uffe8\u2985\u2986\u25a0<\u0120\u2047\[>_{|\\%\"\d(]"
    r"| [.,]|\*\*|/[A-Z]|[A-Z]:|^\*| n?'|''|[LR][RSC]B-|xx|-UNK"
    r"|[\u266a\u266b]|^[-+\u2013\u2014\u2022\u25aa\u25cf\u00b7\u2023] "
)


def leftovers_in(text: str) -> Iterator[tuple[str, str]]:
    """Yield the name of each check that finds something in a line, and what it found."""
    if _FIRST.search(text) is None:
        return
    for check, pattern in LEFTOVERS.items():
        found = pattern.search(text)
        if found:
            yield check, found[0].strip()
