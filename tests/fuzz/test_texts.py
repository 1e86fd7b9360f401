"""Any text may be translated, by any way of decoding: a line for each, and no exception."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import seq2seq
from seq2seq.inference.specs import parse_intervention
from seq2seq.inference.translator import Translator
from seq2seq.pipeline import train
from seq2seq.runs.run import Run
from tests.fuzz.conftest import costly, read_or_refused
from tests.integration.tiny import BY_HEART, tiny

PARTS = [
    *("the cat sleeps", "the", " ", "  ", "\t", "\r", "\u2028", "\x85", "\x00", "\u202e", "\u200d"),
    *("<b>", "</b>", "<b", "<!--", "&amp;", "<a href='x'>", "{name}", "%s", "$1", "<br/>"),
    *("https://x.org/a?b", "3,14", "12:30", "№", "ß", "İ", "e\u0301", "\u0301"),
    *("ﷺ", "👩‍👩‍👧", "汉字", "ไทย", "שלום"),
    *("\ufeff", "\ufffd", "\uffff", "<unk>", "</s>", "▁", "x" * 300, "'", '"', "—", "..."),
    *("…", "\x1b[31m"),
]  # fmt: skip
TEXTS = st.one_of(
    st.lists(st.sampled_from(PARTS), max_size=12).map("".join),
    st.lists(st.sampled_from(PARTS), max_size=8).map(" ".join),
    st.text(max_size=60),
    st.text(st.characters(categories=["Mn", "Cf", "Zs", "Lo", "So", "Cs", "Cn"]), max_size=30),
)
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "beam": st.integers(1, 6),
        "n_best": st.integers(1, 6),
        "keep": st.booleans(),
        "max_length": st.integers(1, 20),
        "min_length": st.integers(0, 20),
        "no_repeat_ngram": st.integers(0, 3),
        "length_penalty": st.floats(0, 5),
        "batch": st.integers(1, 4),
        "sample": st.booleans(),
        "temperature": st.floats(0.01, 10),
        "top_k": st.integers(0, 200),
        "top_p": st.floats(0.01, 1),
    },
)
ATTENTION = st.sampled_from([None, None, "uniform", "shuffle", "hard", "shift=2", "temperature=9"])


@pytest.fixture(scope="module")
def translator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Translator]:
    folder = tmp_path_factory.mktemp("texts")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEQ2SEQ_CACHE", str(folder / "cache"))
        run: Run = train(tiny(folder, *BY_HEART), folder / "run")
        logging.disable(logging.CRITICAL)
        yield seq2seq.load(run, device="cpu")
        logging.disable(logging.NOTSET)


@costly
@given(st.lists(TEXTS, max_size=5), OPTIONS, ATTENTION)
def test_any_text_is_translated_to_one_line(
    translator: Translator, texts: list[str], options: dict[str, Any], attention: str | None
) -> None:
    def read() -> None:
        tokenizers = translator.tokenizers
        chosen = parse_intervention(attention, tokenizers) if attention else None
        found = translator.translate(texts, attention=chosen, **options)
        assert len(found) == len(texts)
        for text, translation in zip(texts, found, strict=True):
            assert options.get("keep") or translation.source == text
            for candidate in translation.candidates:
                assert "\n" not in candidate.text
                candidate.text.encode("utf-8")

    read_or_refused("texts", read)
