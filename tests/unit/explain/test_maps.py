"""Every unit and every memory by its place, whoever's they are: what is found, merged, listed."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from seq2seq.data.tokenizer import BOS, WordPieces
from seq2seq.errors import UserError
from seq2seq.explain import Explanation, explain
from seq2seq.explain.explanation import survey
from seq2seq.explain.export import write
from seq2seq.explain.maps import Axis, Maps, choose, memory_of, of_memories, places
from seq2seq.explain.panels import panels
from seq2seq.explain.table import render
from seq2seq.explain.view import View
from seq2seq.inference.translator import Translator
from seq2seq.model.cells import CELLS
from seq2seq.model.contract import Cell, Tree
from seq2seq.model.probe import probe, recording
from tests.unit.explain.tiny import TEXT, translator

SLOTS, WIDTH = 5, 3


class NotebookState(NamedTuple):
    """What was output last, and the pages."""

    output_BD: Tensor
    content_BNW: Tensor


class Notebook(Cell):
    """A user's cell that writes what it is given to slots, and reads some."""

    def __init__(self, input_size: int, size: int) -> None:
        super().__init__(input_size, size)
        self.control = nn.Linear(input_size + size, 3 * SLOTS + WIDTH + 1)
        self.read = nn.Linear(2 * WIDTH, size)

    def start(self, initial_BX: Tensor) -> Tree:
        """Return empty pages."""
        return NotebookState(initial_BX, initial_BX.new_zeros(initial_BX.size(0), SLOTS, WIDTH))

    def output(self, state: Tree) -> Tensor:
        """Return what was read."""
        assert isinstance(state, NotebookState)
        return state.output_BD

    def step(self, input_BG: Tensor, state: Tree) -> Tree:
        """Write, then read by two heads."""
        assert isinstance(state, NotebookState)
        control = self.control(torch.cat((input_BG, state.output_BD), -1))
        read, write, text, gate = control.split((2 * SLOTS, SLOTS, WIDTH, 1), -1)
        write_BN = write.softmax(-1) * gate.sigmoid()
        read_BHN = read.unflatten(-1, (2, SLOTS)).softmax(-1)
        content_BNW = state.content_BNW + write_BN.unsqueeze(-1) * text.unsqueeze(1)
        with self.memory_scope():
            probe("read_weights_BHTN", read_BHN.unsqueeze(2))
            probe("write_weights_BHTN", write_BN[:, None, None])
            probe("write_gate_BT1", gate.sigmoid().unsqueeze(1))
            probe("links_BTNN", torch.einsum("bn,bm->bnm", write_BN, write_BN).unsqueeze(1))
            probe("content_BTNW", content_BNW.unsqueeze(1))
        return NotebookState(self.read((read_BHN @ content_BNW).flatten(1)).tanh(), content_BNW)


@pytest.fixture(autouse=True)
def _registered() -> Iterator[None]:
    CELLS["notebook"] = Notebook
    yield
    del CELLS["notebook"]


def many_units(**model: Any) -> Translator:
    return translator(
        {"kind": "multihead", "size": 6, "heads": 3},
        {"kind": "stacked", "layers": 2},
        self_attention={"kind": "multihead", "heads": 2},
        **model,
    )


def with_memories(attention: str = "general") -> Translator:
    return translator(attention, {"kind": "luong", "cell": "notebook"}, cell="notebook", size=4)


# --- what is found --------------------------------------------------------------------------------


def test_each_unit_s_weights_are_those_that_it_made() -> None:
    model = many_units()
    seen = explain(model, TEXT, target="un chat")
    assert [one.place for one in seen.maps] == [
        "encoder.self", "decoder.1.source", "decoder.2.source",
    ]  # fmt: skip
    ids = torch.tensor([model.source_ids(TEXT)])
    with torch.no_grad(), recording() as recorded:
        memory, state = model.models[0].encode(ids, torch.tensor([ids.size(1)]))
        pieces = [BOS, *model.tokenizers.target.encode("un chat")]
        model.models[0].decode(torch.tensor([pieces]), memory, state)
    for one in seen.maps[1:]:
        steps = [tensor[0] for tensor in recorded[f"{one.place}.weights_BHTS"]]
        expected = torch.cat(steps, 1)[:, : len(seen.target_pieces)]
        np.testing.assert_allclose(one.values_NXY, expected, atol=1e-6)
        assert (one.kind, one.addressing) == ("multihead", "softmax")
    assert (seen.maps[0].rows.name, seen.maps[0].columns.name) == ("source", "source")
    assert (seen.maps[1].rows.name, seen.maps[1].columns.name) == ("target", "source")


def test_the_alignment_of_all_units_stands_first_and_of_one_is_that_unit() -> None:
    seen = explain(many_units(), TEXT)
    assert seen.shown == "alignment"
    assert [one.place for one in seen.all_maps] == ["alignment", *(one.place for one in seen.maps)]
    layers = [one.values_NXY for one in seen.maps[1:]]
    np.testing.assert_array_equal(seen.alignment.values_NXY, np.concatenate(layers))
    mean = np.concatenate(layers).mean(0)
    np.testing.assert_array_equal(seen.all_maps[0].values_NXY, mean[None])
    assert seen.alignment.names[3] == "layer 2 source head 1"
    one = explain(translator(), TEXT)
    assert (one.shown, [m.place for m in one.all_maps]) == ("decoder.source", ["decoder.source"])


def test_a_unit_s_own_reading_has_its_tensors_only() -> None:
    seen = explain(many_units(), TEXT)
    second = seen.of_unit("decoder.2.source")
    np.testing.assert_array_equal(second.weights_HTS, seen.weights_HTS[3:])
    np.testing.assert_array_equal(second.context_TC, seen.context_TC[:, 6:])
    np.testing.assert_array_equal(second.matrix_NJ(), seen.maps[2].matrix())
    assert second.which(1) == ", head 2"


def test_the_memory_of_anybody_s_cell_is_found_in_encoder_and_decoder() -> None:
    seen = explain(with_memories(), TEXT)
    assert places(seen.maps) == [
        "decoder.source",
        "encoder.forward.1.memory", "encoder.backward.1.memory", "decoder.1.memory",
    ]  # fmt: skip
    steps = {"encoder": len(seen.source_pieces), "decoder": len(seen.target_pieces)}
    for one in seen.maps[1:]:
        stem, count = one.place.rpartition(".")[2], steps[one.place.partition(".")[0]]
        assert (
            one.values_NXY.shape
            == {
                "read_weights": (2, count, SLOTS),
                "write_weights": (1, count, SLOTS),
                "write_gate": (1, count, 1),
                "links": (count, SLOTS, SLOTS),
                "content": (count, SLOTS, WIDTH),
            }[stem]
        ), one.place
        assert one.are_weights == stem.endswith("weights")


TRANSFORMER: dict[str, Any] = {"kind": "transformer", "layers": 2, "heads": 2, "size": 8}
TWO_HEADS = {"kind": "multihead", "heads": 2, "size": 8}


def test_a_transformer_s_units_are_found_in_both_parts_and_look_at_nothing_later() -> None:
    model = translator(TWO_HEADS, TRANSFORMER, **TRANSFORMER)
    seen = explain(model, TEXT, target="un chat")
    sides = {one.place: (one.rows.name, one.columns.name) for one in seen.maps}
    assert sides == {
        "encoder.1.self": ("source", "source"),
        "encoder.2.self": ("source", "source"),
        "decoder.1.self": ("target", "input"),
        "decoder.1.source": ("target", "source"),
        "decoder.2.self": ("target", "input"),
        "decoder.2.source": ("target", "source"),
    }
    (causal,) = choose(seen.maps, "decoder.2.self")
    steps = len(seen.target_pieces)
    assert causal.values_NXY.shape == (2, steps, steps)
    assert causal.columns.pieces[0] == "<s>"
    assert list(causal.columns.pieces[1:]) == seen.target_labels[:-1]
    assert not np.triu(causal.values_NXY, 1).any()
    np.testing.assert_allclose(causal.values_NXY.sum(-1), 1, atol=1e-6)
    (forced,) = model.force([(TEXT, "un chat")])
    np.testing.assert_allclose(seen.matrix_NJ(), forced.attention, atol=1e-5)


def test_self_attention_that_goes_step_by_step_has_no_weight_where_nothing_was_yet() -> None:
    stepwise = {"kind": "transformer", "layers": 1, "size": 8, "self_attention": "coverage"}
    seen = explain(translator("dot", stepwise, size=4), TEXT, target="un chat")
    (one,) = choose(seen.maps, "decoder.1.self")
    assert not np.triu(one.values_NXY, 1).any()
    np.testing.assert_allclose(one.values_NXY.sum(-1), 1, atol=1e-6)


@pytest.mark.parametrize("decoder", [{"kind": "luong"}, TRANSFORMER])
def test_a_perceiver_s_words_are_read_by_latents_and_those_by_the_decoder(decoder: Any) -> None:
    latents: dict[str, Any] = {"kind": "perceiver", "size": 8, "heads": 2, "latents": 5}
    model = translator(TWO_HEADS, decoder, **latents)
    seen = explain(model, TEXT, target="un chat")
    (cross,) = choose(seen.maps, "encoder.1.cross")
    assert (cross.rows.name, cross.columns.name) == ("latent", "source")
    (own,) = choose(seen.maps, "encoder.1.self.1")
    assert own.values_NXY.shape[1:] == (5, 5)
    assert seen.shown == "alignment"
    assert seen.alignment.columns.name == "source"
    (forced,) = model.force([(TEXT, "un chat")])
    np.testing.assert_allclose(seen.matrix_NJ(), forced.attention, atol=1e-5)
    text = render(seen)
    assert "latent 5" in text
    assert "H  the encoder's latents h1 ... h5; 8 entries" in text
    read = next(one for one in seen.maps if one.place.endswith("source"))
    assert (read.rows.name, read.columns.name) == ("target", "latent")
    assert render(seen, unit=read.place).splitlines()[-2].split()[0] == "un"


def test_a_fast_memory_is_the_content_of_a_matrix_at_each_step() -> None:
    model = translator("general", {"kind": "luong", "cell": "fast-weights"}, size=4)
    seen = explain(model, TEXT, target="un chat")
    (content,) = choose(seen.maps, "decoder.1.memory")
    assert content.by == "step"
    assert len(content.values_NXY) == len(seen.target_pieces)
    assert "|content|" in render(seen)


def test_a_survey_without_a_sentence_finds_the_places_of_every_sentence() -> None:
    two = {"decoder.1.source", "decoder.2.source"}
    for model, by in (
        (many_units(), two),
        (with_memories(), {"decoder.source"}),
        (translator(TWO_HEADS, TRANSFORMER, kind="perceiver", size=8, heads=2), two),
    ):
        found, aligned_by = survey(model)
        seen = explain(model, TEXT, target="un chat")
        assert [one.place for one in found] == [one.place for one in seen.maps]
        assert [len(one.names) for one in found if one.by == "head"] == [
            len(one.names) for one in seen.maps if one.by == "head"
        ]
        assert aligned_by == by


def test_without_attention_a_memory_is_still_there() -> None:
    seen = explain(with_memories("none"), TEXT)
    assert not seen.heads
    assert places(seen.all_maps)[-1] == "decoder.1.memory"
    assert "decoder.1.memory" in render(seen)


def test_the_backward_layer_s_steps_are_told_in_the_order_of_the_words() -> None:
    source, target = Axis.numbered("source", 3), Axis.numbered("target", 2)
    usage_TN = np.array([[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]])  # at its steps: words 3, 2, 1
    names = ["encoder.forward.1.memory.usage_TN", "encoder.backward.1.memory.usage_TN"]
    forward, backward = of_memories(dict.fromkeys(names, usage_TN), source, target)
    np.testing.assert_array_equal(forward.values_NXY[0], usage_TN)
    np.testing.assert_array_equal(backward.values_NXY[0], usage_TN[::-1])


@pytest.mark.parametrize(
    ("name", "shape", "by", "matrices", "columns"),
    [
        ("content_TNW", (4, 5, 3), "step", (4, 5, 3), ["1", "2", "3"]),
        ("links_TNN", (4, 5, 5), "step", (4, 5, 5), ["1", "2", "3", "4", "5"]),
        ("read_weights_HTN", (2, 4, 5), "head", (2, 4, 5), ["1", "2", "3", "4", "5"]),
        ("usage_TN", (4, 5), "", (1, 4, 5), ["1", "2", "3", "4", "5"]),
        ("write_gate_T1", (4, 1), "", (1, 4, 1), ["write gate"]),
        ("gate_HT1", (2, 4, 1), "", (1, 4, 2), ["1", "2"]),
        ("free_gates_TH", (4, 2), "", (1, 4, 2), ["1", "2"]),
        ("shifts_HTR", (2, 4, 3), "head", (2, 4, 3), ["-1", "+0", "+1"]),
        ("read_modes_HT3", (2, 4, 3), "head", (2, 4, 3), ["backward", "content", "forward"]),
    ],
)
def test_a_memory_s_tensor_is_a_matrix_a_head_a_step_or_one(
    name: str, shape: tuple[int, ...], by: str, matrices: tuple[int, ...], columns: list[str]
) -> None:
    tensor = np.arange(np.prod(shape), dtype=float).reshape(shape)
    steps = Axis.numbered("target", ["a", "b", "c", "d"])
    (one,) = of_memories({f"decoder.1.memory.{name}": tensor}, steps, steps)
    assert (one.by, one.values_NXY.shape) == (by, matrices)
    assert list(one.columns.pieces) == columns
    if by == "step":
        assert list(one.names) == ["a", "b", "c", "d"]
    else:
        assert list(one.rows.pieces) == ["a", "b", "c", "d"]
    if name == "gate_HT1":
        np.testing.assert_array_equal(one.values_NXY[0], tensor[..., 0].T)


# --- words, numbers, colours ----------------------------------------------------------------------


def test_what_the_decoder_reads_is_a_piece_behind_what_it_gives() -> None:
    words = [WordPieces("<s>", (0,)), WordPieces("chat", (1, 2))]
    target = [WordPieces("chat", (0, 1))]
    weights = np.array([[[1.0, 0, 0], [0.5, 0.3, 0.2], [0.1, 0.2, 0.7]]])
    given = Axis("input", ["<s>", "ch", "+at"], words)
    one = Maps("decoder.self", "head", ["head 1"], Axis("target", ["ch"], target), given, weights)
    np.testing.assert_allclose(one.matrix(), [[0.75, 0.25]])  # the mean of two rows


def test_weights_go_from_0_to_1_and_other_values_as_far_on_either_side_of_0() -> None:
    axis = Axis.numbered("slot", 2)

    def span(place: str, values: list[float]) -> tuple[float, float]:
        return Maps(place, "", [""], axis, axis, np.array([[values]])).span

    assert span("decoder.1.memory.read_weights", [0.1, 0.2]) == (0, 1)
    assert span("decoder.1.memory.usage", [0.1, 0.2]) == (0, 1)
    assert span("decoder.1.memory.sharpness", [1.0, 7.0]) == (0, 7)
    assert span("decoder.1.memory.content", [-3.0, 2.0]) == (-3, 3)
    assert span("decoder.1.memory.content", [float("nan"), -2.0]) == (-2, 2)


def test_packed_values_come_back_to_five_digits_and_nan_as_the_last_code() -> None:
    values = np.random.default_rng(1).normal(size=(2, 3, 4))
    values[1, 2, 3] = np.nan
    axis = Axis.numbered("slot", 3)
    packed = Maps("decoder.1.memory.content", "step", ["a", "b"], axis, axis, values).as_packed()
    codes = np.frombuffer(b64decode(packed["codes"]), "<u2").reshape(packed["shape"])
    low, high = packed["span"]
    assert codes[1, 2, 3] == 65535
    found = low + codes / 65534 * (high - low)
    np.testing.assert_allclose(found.flat[:-1], values.flat[:-1], atol=(high - low) / 65534)


# --- what is shown --------------------------------------------------------------------------------


def test_a_place_is_a_unit_a_memory_or_one_of_its_tensors() -> None:
    seen = explain(with_memories(), TEXT)
    (unit,) = choose(seen.all_maps, "decoder.source")
    assert unit.kind == "general"
    whole = choose(seen.all_maps, "decoder.1.memory")
    assert {memory_of(one.place) for one in whole} == {"decoder.1.memory"}
    assert len(whole) == 5
    (one,) = choose(seen.all_maps, "decoder.1.memory.content")
    assert one.by == "step"
    with pytest.raises(UserError, match=r"--unit: .*found 'decoder.sorce' \(did you mean"):
        choose(seen.all_maps, "decoder.sorce")


def test_the_text_has_each_memory_in_short_and_names_the_other_places() -> None:
    text = render(explain(with_memories(), TEXT))
    memory = text.split("decoder.1.memory: ")[1]
    assert memory.startswith("links of 5 slots x 5 slots, content of 5 slots x 3 entries\n")
    header = memory.split("\n\n")[1].splitlines()[0].split("  ")
    assert [cell.strip() for cell in header if cell.strip()] == [
        "read head 1", "read head 2", "write head 1", "write gate", "|links|", "|content|",
    ]  # fmt: skip
    assert render(explain(many_units(), TEXT)).endswith(
        "--unit shows others: decoder.1.source, decoder.2.source"
    )


def test_a_unit_of_the_decoder_has_a_step_table_of_its_own() -> None:
    seen = explain(many_units(), TEXT)
    second = render(seen, unit="decoder.2.source", head=1)
    assert "(decoder.2.source), head 2" in second
    assert "step table" not in second
    own = render(seen.of_unit("decoder.2.source"), head=1)
    assert second.splitlines()[:8] == own.splitlines()[:8]
    alone = render(seen, unit="encoder.self", head=0).split("\n\n")
    assert alone[1] == "encoder.self: multihead attention, head 1"


def test_all_of_a_memory_can_be_printed() -> None:
    seen = explain(with_memories(), TEXT)
    text = render(seen, unit="decoder.1.memory")
    for title in (
        "read_weights, mean of 2 heads",
        "write_gate",
        "each step: decoder.1.memory.links",
    ):
        assert title in text
    first = f"content, at {seen.target_labels[0]}"
    assert first not in text
    assert first in render(seen, unit="decoder.1.memory", full=True)
    assert first in render(seen, unit="decoder.1.memory.content")
    assert "read_weights, head 2" in render(seen, unit="decoder.1.memory", head=1)


def test_a_grid_has_a_panel_for_every_head_of_every_place() -> None:
    seen = explain(many_units(), TEXT, target="un chat")
    rows = panels(seen, View(grid=True))
    assert [(row.heading, [panel.title for panel in row.panels]) for row in rows] == [
        ("alignment: multihead attention", ["mean of 6 heads"]),
        ("encoder.self: multihead attention", ["head 1", "head 2"]),
        ("decoder.1.source: multihead attention", ["head 1", "head 2", "head 3"]),
        ("decoder.2.source: multihead attention", ["head 1", "head 2", "head 3"]),
    ]
    assert all(panel.small and not panel.numbered for row in rows for panel in row.panels)
    (row,) = panels(seen, View(unit="encoder.self"))
    assert not row.panels[0].small


@pytest.mark.parametrize("ending", ["svg", "png", "html", "json", "npz"])
@pytest.mark.parametrize("view", [View(grid=True), View(unit="decoder.1.memory"), View()])
def test_a_model_with_memories_is_written_to_every_kind_of_file(
    ending: str, view: View, tmp_path: Path
) -> None:
    if ending == "png":
        pytest.importorskip("matplotlib", reason="needs the extra: plots")
    write([explain(with_memories(), TEXT, target="un chat")], tmp_path / f"x.{ending}", view)
    content = (tmp_path / f"x.{ending}").read_bytes()
    if ending in ("json", "html"):
        assert b"decoder.1.memory.content" in content


def test_json_has_every_matrix_and_what_its_axes_are() -> None:
    seen = explain(with_memories(), TEXT)
    plain = json.loads(json.dumps(seen.as_dict(), allow_nan=False))
    assert [one["place"] for one in plain["maps"]] == [one.place for one in seen.maps]
    for one, shown in zip(seen.maps, plain["maps"], strict=True):
        np.testing.assert_allclose(shown["values"], one.values_NXY, atol=1e-5)
        for side, axis in (("rows", one.rows), ("columns", one.columns)):
            if axis.is_text:
                assert plain["axes"][shown[side]]["pieces"] == list(axis.pieces)
            else:
                assert shown[side] == {"name": axis.name, "labels": list(axis.pieces)}
    only = seen.as_dict("decoder.1.memory.usage".replace("usage", "content"))["maps"]
    assert [one["place"] for one in only] == ["decoder.1.memory.content"]


def test_a_blank_text_has_no_maps() -> None:
    seen: Explanation = explain(with_memories(), " ")
    assert seen.all_maps == []
    assert seen.as_dict()["maps"] == []
    assert seen.as_page()["maps"] == []
