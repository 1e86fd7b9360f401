"""When BLEU says too little on a validation set to judge by it."""

import pytest

from seq2seq.config import BleuTokenizer
from seq2seq.evaluation.validation import why_bleu_is_blind


@pytest.mark.parametrize(
    ("lines", "tokenize", "blind"),
    [
        (["je t'aime"] * 500, "13a", True),  # two tokens
        (["deux mots ici"] * 500, "13a", True),
        (["un deux trois quatre"] * 99, "13a", True),  # one run of four each
        (["un deux trois quatre"] * 100, "13a", False),
        (["un deux trois quatre"] * 150 + ["un mot"] * 1851, "13a", True),  # not one for ten lines
        (["un deux trois quatre"] * 210 + ["un mot"] * 1790, "13a", False),
        (["在图书馆里老师喜欢水。"] * 100, "13a", True),
        (["在图书馆里老师喜欢水。"] * 100, "zh", False),
    ],
)
def test_bleu_is_blind_where_hardly_a_line_has_four_tokens(
    lines: list[str], tokenize: BleuTokenizer, blind: bool
) -> None:
    reason = why_bleu_is_blind(lines, tokenize)
    assert bool(reason) == blind
    if blind:
        assert f"tok:{tokenize}" in reason
