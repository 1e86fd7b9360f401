"""What is said of a corpus of so many pairs."""

import pytest

from seq2seq.planning.expectations import expectation_for


@pytest.mark.parametrize(
    ("pairs", "start"),
    [
        (1, "a phrase book"),
        (1_000, "a phrase book"),
        (3_000, "sentences that look right"),
        (30_000, "new sentences of the same kind"),
        (300_000, "time is the limit"),
    ],
)
def test_every_size_is_told_what_to_expect(pairs: int, start: str) -> None:
    assert expectation_for(pairs).startswith(start)
