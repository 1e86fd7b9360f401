"""Exposure bias: greedy search goes on from given halves as the network says it must."""

from collections.abc import Sequence
from typing import Any

import pytest
import torch

from seq2seq.data.batching import as_source, collate
from seq2seq.data.tokenizer import BOS, EOS, PAD, UNK
from seq2seq.errors import UserError
from seq2seq.evaluation.exposure import Exposure, _go_on, _halves, measure_exposure
from seq2seq.inference.translator import Translator
from tests.integration.tiny import EIGHT
from tests.unit.explain.tiny import tokenizers, translator

SOURCES, TARGETS = [s for s, _ in EIGHT], [t for _, t in EIGHT]
DECODERS: list[dict[str, Any]] = [
    {"kind": "luong"},
    {"kind": "bahdanau"},
    {"kind": "conditional"},
    {"kind": "transformer"},
]


def measure(model: Translator, targets: Sequence[str | None] = TARGETS) -> Exposure:
    return measure_exposure(model, SOURCES, [list(targets)], tokenize="13a")


@pytest.mark.parametrize("decoder", DECODERS, ids=lambda part: part["kind"])
def test_each_piece_is_the_likeliest_after_the_prefix_and_what_was_written(
    decoder: dict[str, Any],
) -> None:
    model = translator("general", decoder)
    (network,) = model.models
    encode = model.tokenizers.target.encode
    prefixes = [encode(target)[: number % 4] for number, target in enumerate(TARGETS)]
    written = _go_on(model, [as_source(model.source_ids(source)) for source in SOURCES], prefixes)
    assert len({*map(tuple, written)}) > 1
    for source, prefix, found in zip(SOURCES, prefixes, written, strict=True):
        ids = torch.tensor([*prefix, *found]).numpy()
        batch = collate([(as_source(model.source_ids(source)), ids)], source_end=False)
        read = network(batch.source_BS, batch.source_lengths_B, batch.inputs_BT)
        logits_TW = network.output(read.features_BTF[0]).detach()
        logits_TW[:, [PAD, BOS, UNK]] = -torch.inf
        assert logits_TW.argmax(-1)[len(prefix) : -1].tolist() == found
        assert (int(logits_TW[-1].argmax()) == EOS) or len(found) == model.options.max_length


@pytest.mark.parametrize("decoder", DECODERS, ids=lambda part: part["kind"])
def test_from_nothing_it_is_greedy_search(decoder: dict[str, Any]) -> None:
    model = translator("general", decoder)
    sources = [as_source(model.source_ids(source)) for source in SOURCES]
    found = [model.tokenizers.target.decode(ids) for ids in _go_on(model, sources, [[]] * 8)]
    greedy = [each.text for each in model.translate(SOURCES, beam=1, workers=1)]
    assert found == greedy


@pytest.mark.parametrize(
    ("text", "first", "second"),
    [
        ("chat noir", "chat", "noir"),
        ("le chat noir", "le chat", "noir"),
        ("le", "le", ""),
        ("", "", ""),
    ],
)
def test_the_first_half_has_the_middle_word(text: str, first: str, second: str) -> None:
    tokenizer = tokenizers().target
    halves = _halves(tokenizer, tokenizer.encode(text))
    assert tuple(map(tokenizer.decode, halves)) == (first, second)


def test_what_has_no_two_halves_is_left_out() -> None:
    model = translator()
    whole = measure(model)
    assert whole.sentences == sum(" " in target for target in TARGETS)
    assert measure(model, [None, "chat", *TARGETS[2:]]).sentences == whole.sentences - 2
    for nothing in ("chat", None):
        with pytest.raises(UserError, match=r"^exposure: expected .* two words, found none$"):
            measure(model, [nothing] * len(EIGHT))


def test_the_batch_changes_nothing() -> None:
    model = translator()
    together = measure(model)
    model.options = model.options.model_copy(update={"batch_size": 1})
    assert measure(model) == together


def test_an_ensemble_is_refused() -> None:
    model = translator()
    model.models *= 2
    with pytest.raises(UserError, match=r"^exposure: expected one model, found 2$"):
        measure(model)


def test_the_gap_is_what_the_reference_adds() -> None:
    exposure = Exposure(1000, 50.4, 53.0, 2.6, 65.0, 68.5, 3.5, "")
    *_, own, reference, gap = exposure.render().splitlines()
    assert own.split()[-2:] == ["50.40", "65.00"]
    assert reference.split()[-2:] == ["53.00", "68.50"]
    assert gap.split() == ["gap", "+2.60", "+3.50"]


def test_where_halves_are_short_there_is_no_bleu() -> None:
    """A perfect model would have 0 too: no half has four tokens."""
    exposure = measure(translator())
    assert exposure.own_bleu is exposure.reference_bleu is exposure.bleu_gap is None
    assert exposure.chrf_gap == exposure.reference_chrf - exposure.own_chrf
    *_, gap, why = exposure.render().splitlines()
    assert gap.split() == ["gap", "-", f"{exposure.chrf_gap:+.2f}"]
    assert why.startswith("(no BLEU: the references have 0 runs of four tokens")
