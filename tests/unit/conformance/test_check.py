"""Every fault is found by the law that speaks of it, in a line that names it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from seq2seq.conformance import laws
from seq2seq.conformance.check import Subject, check, find_subjects, is_failure, judge
from seq2seq.conformance.laws import LAWS, Law
from seq2seq.errors import UserError
from seq2seq.model.attention import ADDRESSINGS, ATTENTIONS

BROKEN = Path(__file__).parent / "units.py"
SLOW = ("compile", "differences", "wide")
QUICK = [law for law in LAWS if not any(word in law.__name__ for word in SLOW)]


FAULTS: list[tuple[str, Law, str]] = [
    ("RemembersOnSelf", laws.what_was_read_before_leaves_no_trace,
        r"features before and after other sentences were read: expected the same, found .*"),
    ("AveragesOverTheBatch", laws.a_sentence_is_the_same_alone_and_in_a_padded_batch,
        r"features of a sentence alone and in a padded batch: expected the same, found .*"),
    ("NormalisesByTheBatch", laws.a_sentence_is_the_same_alone_and_in_a_padded_batch,
        r"features of a sentence, in training, alone and in a padded batch: expected .*"),
    ("LooksAtTheRowBefore", laws.the_order_of_sentences_is_irrelevant,
        r"features of sentences in one order and another: expected the same, found them .*"),
    ("CountsWithoutBeingRecurrent", laws.a_whole_sequence_is_its_steps,
        r"features of a whole sequence and of its steps: expected the same, found them up .*"),
    ("EditsTheMemory", laws.what_is_handed_in_stays_as_it_was,
        r"memory after and before a step: expected the same, found them up to [\d.]+ apart .*"),
    ("HasAnIdleParameter", laws.gradients_reach_every_parameter_of_the_unit,
        r"expected a gradient for every parameter: none for bias \(decoder luong\)"),
    ("CutsTheGradient", laws.gradients_are_those_of_finite_differences,
        r"gradient along \S+: expected \S+ by finite differences, found \S+ .*"),
    ("KeepsStateTimeFirst", laws.the_state_can_be_reordered,
        r"IndexError: .*|RuntimeError: .*"),
    ("DrawsWithoutASeed", laws.the_same_seed_gives_the_same_in_training,
        r"losses of one seed: expected the same, found them up to .* apart \(decoder luong\)"),
    ("BranchesOnValues", laws.the_whole_graph_is_captured_by_torch_compile,
        r"expected one graph, found: .+ \(decoder luong\)"),
    ("Raises", laws.a_beam_of_one_is_greedy_search,
        r"RuntimeError: Expected size .* at units\.py:\d+ \(decoder luong\)"),
    ("ForgetsTheMask", laws.weights_are_non_negative_sum_to_one_and_never_lie_on_padding,
        r"expected no weight on padding, found [\d.]+ in all \(decoder luong\)"),
    ("ForgetsTheMask", laws.what_stands_on_padding_changes_nothing,
        r"features with one padding and another: expected the same, found them .*"),
    ("DoesNotNormalise", laws.weights_are_non_negative_sum_to_one_and_never_lie_on_padding,
        r"sums of weights and 1: expected the same, found them up to [\d.]+ apart .*"),
    ("Overflows", laws.large_scores_leave_loss_and_gradients_finite,
        r"expected a finite loss in float32, found nan \(decoder luong\)"),
]  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def broken() -> Iterator[dict[str, Subject]]:
    """The units of `units.py`, which are forgotten afterwards."""
    units, addressings = set(ATTENTIONS), set(ADDRESSINGS)
    yield {subject.name: subject for subject in find_subjects(BROKEN)}
    for name in set(ATTENTIONS) - units:
        del ATTENTIONS[name]
    for name in set(ADDRESSINGS) - addressings:
        del ADDRESSINGS[name]


@pytest.mark.parametrize(
    ("unit", "law", "line"),
    [pytest.param(*fault, id=f"{fault[0]}-{fault[1].__name__}") for fault in FAULTS],
)
def test_a_fault_is_found_by_its_law(
    unit: str, law: Law, line: str, broken: dict[str, Subject]
) -> None:
    verdict = judge(law, broken[unit])
    assert not verdict.passed
    assert re.fullmatch(line, verdict.reason), verdict.reason
    assert str(verdict) == f"FAIL  {law.__name__.replace('_', ' ')}: {verdict.reason}"


@pytest.mark.parametrize("unit", ["HasAnIdleParameter", "Overflows"])
def test_what_is_not_at_fault_is_not_blamed(unit: str, broken: dict[str, Subject]) -> None:
    failed = [law.__name__ for law in QUICK if not judge(law, broken[unit]).passed]
    assert len(failed) == 1


def test_a_unit_that_can_not_be_built_has_one_verdict(broken: dict[str, Subject]) -> None:
    (verdict,) = check(broken["CanNotBeBuilt"])
    assert re.fullmatch(
        r"FAIL  can be built: RuntimeError: no layer of this size at units\.py:\d+ "
        r"\(decoder luong\)",
        str(verdict),
    )
    assert is_failure(verdict)


def test_an_exception_in_training_is_a_verdict(
    broken: dict[str, Subject], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seq2seq.conformance.check.LAWS", ())
    results = list(check(broken["Raises"]))
    assert [str(result).partition(" at ")[0][:20] for result in results] == [
        "FAIL  copy: RuntimeE",
        "FAIL  reverse: Runti",
        "FAIL  sort: RuntimeE",
    ]


def test_settings_reach_a_unit_and_its_addressing() -> None:
    settings = ["model.attention.size=7", "model.attention.addressing=ntm"]
    (subject,) = find_subjects(None, ["additive"], settings)
    assert subject.attention.options == {"size": 7}
    assert subject.attention.addressing.kind == "ntm"


def test_an_addressing_is_checked_over_general() -> None:
    (subject,) = find_subjects(None, ["local-m"], ["model.attention.addressing.window=2"])
    assert subject.attention.kind == "general"
    assert subject.attention.addressing.options == {"window": 2}
    assert str(subject) == "local-m (addressing, over general)"


@pytest.mark.parametrize(
    ("name", "settings", "line"),
    [
        ("general", ["model.attention.sise=8"], r"model\.attention\.sise: unknown option .*"),
        (
            "local-m",
            ["model.attention.addressing.window=0"],
            r".*window: expected greater than or equal .*",
        ),
        ("none", ["model.attention.addressing=ntm"], r".*kind none has no weights to address"),
    ],
)
def test_settings_that_a_unit_does_not_take_are_the_users_mistake(
    name: str, settings: list[str], line: str
) -> None:
    with pytest.raises(UserError, match=line):
        find_subjects(None, [name], settings)
