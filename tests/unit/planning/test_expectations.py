"""What is said of a corpus of so many pairs."""

import pytest

from seq2seq.planning.expectations import expectation_for


@pytest.mark.parametrize(
    ("pairs", "updates", "start"),
    [
        (1, 5_000, "a phrase book"),
        (1_000, 5_000, "a phrase book"),
        (3_000, 5_000, "sentences that look right"),
        (3_000, 500, "sentences that look right"),  # which a small corpus comes to soon
        (30_000, 5_000, "new sentences of the same kind"),
        (30_000, None, "new sentences of the same kind"),
        (30_000, 500, "hardly more than single words"),
        (300_000, 5_000, "time is the limit"),
        (300_000, 500, "hardly more than single words"),
    ],
)
def test_every_size_is_told_what_to_expect(pairs: int, updates: int | None, start: str) -> None:
    assert expectation_for(pairs, updates).startswith(start)
