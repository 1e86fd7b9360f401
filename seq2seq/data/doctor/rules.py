"""What each check of the data doctor means, and at which rates it is a warning and an error."""

from __future__ import annotations

from typing import NamedTuple

COPIED_WORDS = 3
"""A pair of equal sides of this many words or fewer may be right: a name, a title, a number."""


class Rule(NamedTuple):
    """What a check means, and the rates above which it is a warning and an error."""

    meaning: str
    warning: float
    error: float = 2.0  # never: rates end at 1


_ALWAYS, _NEVER = -1.0, 2.0

# Rates are of pairs unless said otherwise, and of the lines of both sides for leftovers. They were
# set on multi30k, Tatoeba and a corpus of laws, which hold a little of almost everything, and on
# deliberately damaged copies.
RULES = {
    "unreadable": Rule("the file is missing or cannot be read to its end", _ALWAYS, _ALWAYS),
    "line counts": Rule("the two sides have different numbers of lines", _ALWAYS, _ALWAYS),
    "no tab": Rule("a line of the table has no second column", _ALWAYS, _ALWAYS),
    "blank lines": Rule("nothing stands in a line of the table; it is no pair", _NEVER),
    "no text": Rule("there is no sentence pair", _ALWAYS, _ALWAYS),
    "not UTF-8": Rule("bytes that are no UTF-8 text", _ALWAYS, _ALWAYS),
    "misaligned": Rule("blocks of lines where long sentences do not face long ones", 0.02, 0.1),
    "mojibake": Rule("UTF-8 that was once read as Latin-1 (`Ã©`, `â€™`)", _ALWAYS, 0.01),
    "lost characters": Rule("U+FFFD, left where a character was lost", _ALWAYS, 0.01),
    "control characters": Rule("invisible characters, such as NUL or a tab", _ALWAYS),
    "line separators": Rule("U+2028, U+0085, CR and the like: other tools cut the line", _ALWAYS),
    "byte order mark": Rule("the file begins with U+FEFF", _ALWAYS),
    "carriage returns": Rule("lines end in CR LF", _NEVER),
    "surrounding spaces": Rule("a line begins or ends with white space", _NEVER),
    "empty source": Rule("nothing to translate from", _ALWAYS, 0.1),
    "empty target": Rule("nothing to translate to", _ALWAYS, 0.1),
    "copied": Rule(f"source equals target, of more than {COPIED_WORDS} words", 0.01, 0.5),
    "length outliers": Rule("far longer or shorter than its translation", 0.01, 0.2),
    "duplicates": Rule("the same pair again", 0.1),
    "several targets": Rule("a source with different translations", _NEVER),
    "leaked pairs": Rule("the same pair is in the other set", 0.005, 0.1),
    "leaked sources": Rule("the same source is in the other set", 0.05, 0.5),
    "leaked targets": Rule("the same target is in the other set", 0.05, 0.5),
    "unseen characters": Rule("characters that train never has (rate of characters)", 0.001, 0.05),
    "unknown pieces": Rule("pieces that the tokenizer has not (rate of pieces)", 0.005, 0.05),
    "columns": Rule("which columns of a table are read, and why", _NEVER),
    "header": Rule("the first line names the languages; it would be trained on", _ALWAYS),
    "exchanged": Rule("the source is in the target's language and the reverse", 0.5, 0.74),
    "other language": Rule("the text does not look like its language", _ALWAYS),
    "entities": Rule("XML's or HTML's way to write a character (`&apos;`)", _ALWAYS, 0.4),
    "subword marks": Rule("pieces of another tool (`@@`, `▁`, `##`, `￭`)", _ALWAYS, 0.4),
    "tokenizer marks": Rule(
        "what tokenizers and taggers write (`@-@`, `-LRB-`, `dog_NN`)", _ALWAYS, 0.4
    ),
    "special tokens": Rule("another model's tokens (`<unk>`, `</s>`, `[SEP]`)", _ALWAYS, 0.4),
    "language tags": Rule("another model's tags (`<2fr>`, `__fr__`, `>>fr<<`)", _ALWAYS, 0.4),
    "markup": Rule("tags and declarations (`<seg>`, `<?xml`, `{\\an8}`)", _ALWAYS, 0.4),
    "Markdown": Rule("marks of Markdown (`**bold**`, `[text](address)`)", _ALWAYS, 0.4),
    "separators": Rule("`|||` or `|`, between the fields of other tools", _ALWAYS, 0.4),
    "escapes": Rule("a program's way to write a character (`\\n`, `\\u00e9`, `%20`)", 0.0005, 0.4),
    "tokenised": Rule("spaces before punctuation; raw text needs none", 0.3),
    "captions": Rule("speakers, sounds and music, as in subtitles (`TOM: `, `[LAUGHS]`)", 0.05),
    "marked lines": Rule("lines that begin with a dash, a bullet or the like", 0.1),
    "quoted lines": Rule("lines in straight quotes, as in a table", 0.3),
    "numbered lines": Rule("lines that begin with a number", 0.5),
    "one case": Rule("all letters are small, or all capitals: the other is unknown", _ALWAYS),
    "not seen": Rule("ways of writing that hardly a line has: the model won't know them", _NEVER),
    "size": Rule("pairs", _NEVER),
    "longest": Rule("words of the longest sentence", _NEVER),
}
ONLY_ABOVE = (  # a few are no finding
    *("tokenised", "captions", "marked lines", "quoted lines", "numbered lines", "escapes"),
)
OF_FILES = ("unreadable", "line counts")  # a rate of lines would say nothing
