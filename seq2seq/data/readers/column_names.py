"""What the name of a column says: a language, a side, or that it holds no text."""

from __future__ import annotations

import re

import regex

from seq2seq.data.languages import known_language

SOURCES = {
    *("source", "sources", "src", "input", "original", "from"),
    *("inputs", "prompt", "quelltext", "ausgangssprache", "kaynak"),
    *("quelle", "ausgangstext", "origine", "origen", "fuente", "原文", "源语言", "источник"),
}
TARGETS = {
    *("target", "tgt", "trg", "translation", "translated", "output", "reference", "ref", "to"),
    *("targets", "translations", "references", "refs"),
    *("ziel", "zieltext", "cible", "destino", "traduction", "traducción", "tradução", "traduzione"),
    *("übersetzung", "译文", "目标语言", "перевод"),
    *(
        "outputs",
        "completion",
        "zielsprache",
        "hedef",
        "訳文",
        "譯文",
        "翻译",
        "翻譯",
        "翻訳",
        "번역",
    ),
    *("çeviri", "tłumaczenie", "vertaling"),
}
TEXTS = {
    *("texte", "texto", "testo", "satz", "frase", "oración", "句子", "текст"),
    *("tiếng", "bahasa", "язык", "lingua", "langue", "sprache", "idioma"),
    *("text", "txt", "sentence", "sentences", "sent", "segment", "seg", "phrase", "string", "line"),
    *("raw", "content", "utterance", "translation", "language", "lang", "word", "words"),
    *("col", "column", "field", "unnamed", "spalte", "colonne", "columna"),
}
OTHERS = {  # of what is no text
    *("id", "ids", "no", "nr", "num", "number", "n", "index", "idx", "key", "uid", "uuid", "guid"),
    *("score", "scores", "similarity", "sim", "quality", "confidence", "rating", "laser", "labse"),
    *("bicleaner", "bleu", "chrf", "comet", "prob", "probability", "url", "urls", "uri", "link"),
    *("date", "time", "timestamp", "created", "modified", "user", "username", "author", "editor"),
    *("annotator", "translator", "domain", "topic", "genre", "category", "corpus", "collection"),
    *("dataset", "split", "set", "doc", "document", "docid", "file", "filename", "path", "page"),
    *("length", "len", "tokens", "chars", "count", "ratio", "alignment", "align", "hash"),
    *("license", "licence", "attribution", "copyright", "rights", "credit", "comment", "comments"),
    *("mt", "hyp", "hypothesis"),  # another system's
    *("note", "notes", "tag", "tags", "label", "type", "status", "context", "origlang", "version"),
}
_WRITINGS = {  # in codes such as eng_Latn
    *("latn", "cyrl", "arab", "hans", "hant", "deva", "beng", "grek", "hebr", "jpan", "hang"),
    *("kore", "thai", "ethi", "geor", "armn", "khmr", "laoo", "mymr", "tibt", "taml", "telu"),
    *("knda", "mlym", "gujr", "guru", "orya", "sinh", "tfng", "olck", "mtei", "hani"),
}
LANGUAGE_OF = {"lang", "language", "locale"}  # source_lang says which, and holds no sentence


def language_in(name: str) -> str | None:
    """Return the language that a column's name names: `en`, `English`, `text_en`, `en-GB`."""
    if name.casefold() in OTHERS:
        return None
    if known_language(name):
        return name.strip()
    words = words_in(name)
    if any(word in OTHERS for word in words) or not words:
        return None
    named = [word for word in words if word not in TEXTS | SOURCES | TARGETS]
    languages = [word for word in named if known_language(word)]
    regions = [
        word
        for word in named
        if word not in languages[:1] and (len(word) == 2 or word in _WRITINGS)
    ]
    if languages and len(named) == 1 + len(regions) and len(regions) < 2:  # English (US)
        return languages[0]
    outside = re.sub(r"\s*[(\[][^()\[\]]*[)\]]\s*$", "", name)
    if outside != name:
        return language_in(outside)  # English (United Kingdom)
    whole = name.rsplit(".", 1)[-1].strip()  # translation.zh-Hans
    return whole if whole != name and known_language(whole) else None


def side_in(name: str) -> str | None:
    """Return `source` or `target` if that is what a column's name says."""
    words = words_in(name)
    if any(word in OTHERS or word in LANGUAGE_OF for word in words):
        return None
    for side, known in (("source", SOURCES), ("target", TARGETS)):
        if any(word in known for word in words) and all(word in known | TEXTS for word in words):
            return side
    return None


def words_in(name: str) -> list[str]:
    """`sourceText_2` -> source, text."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return [word for word in regex.split(r"[^\p{L}\p{M}]+", spaced.casefold()) if word]


def tag_of(name: str | None) -> str:
    """Return the last part of a name as a language tag: `translation.fr_CA` -> fr-ca."""
    return (name or "").strip().casefold().replace("_", "-").rsplit(".", 1)[-1]
