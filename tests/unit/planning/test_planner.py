"""Settings over a plan are checked before there is one."""

import pytest

from seq2seq.errors import UserError
from seq2seq.planning.planner import check_settings
from seq2seq.planning.request import Request


def asked(*settings: str) -> Request:
    return Request(("corpus.tsv",), "fr", "en", overrides=settings)


def test_a_setting_that_is_right_beside_the_plan_alone_is_taken() -> None:
    check_settings(asked("training.schedule.kind=cosine"))  # ends at the plan's max_steps


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("training.max_steps=null", "plan: training: would never end"),
        ("decoding.n_best=9", r"\S+base\.yaml:\d+: decoding: n_best 9 is more than beam 5"),
        ("model.attention.kind=nope", r"override '\S+': model\.attention\.kind: expected one of"),
        ("code=none.py", r"code: .*none\.py"),
    ],
)
def test_a_setting_that_no_plan_can_take_is_refused(setting: str, told: str) -> None:
    with pytest.raises(UserError, match=f"^{told}"):
        check_settings(asked(setting))
