"""Trees of tensors, the tables of kinds, and how a part is built."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest
import torch
from torch import Tensor, nn

from seq2seq.config import CellConfig, DecoderConfig, ModelConfig, load_config
from seq2seq.errors import UserError
from seq2seq.kinds import ATTENTIONS, CELLS, DECODERS, ENCODERS, KindTable, option_names
from seq2seq.model.attention import build_attention
from seq2seq.model.contract import Cell, Tree, named_leaves, select, with_leaves
from seq2seq.model.model import Seq2Seq, current_names
from seq2seq.model.parts import build, initialise


class Pair(NamedTuple):
    left_BD: Tensor
    rest: tuple[Tensor, ...]


def tree() -> Pair:
    return Pair(torch.arange(6.0).view(3, 2), (torch.tensor([7, 8, 9]),))


# --- trees ----------------------------------------------------------------------------------------


def test_select_takes_the_same_rows_of_every_tensor_and_keeps_the_shape_of_the_tree() -> None:
    chosen = select(tree(), torch.tensor([2, 0, 2]))
    assert isinstance(chosen, Pair)
    assert chosen.left_BD.tolist() == [[4, 5], [0, 1], [4, 5]]
    assert chosen.rest[0].tolist() == [9, 7, 9]


def test_leaves_are_named_by_fields_without_shapes_and_by_numbers() -> None:
    nested = (tree(), torch.zeros(3))
    assert [name for name, _ in named_leaves(nested)] == ["0_left", "0_rest_0", "1"]


def test_a_tree_is_rebuilt_from_its_leaves() -> None:
    leaves = [leaf + 1 for _, leaf in named_leaves(tree())]
    rebuilt = with_leaves(tree(), iter(leaves))
    assert isinstance(rebuilt, Pair)
    assert torch.equal(rebuilt.left_BD, leaves[0])
    assert torch.equal(rebuilt.rest[0], leaves[1])


# --- tables ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", [ATTENTIONS, CELLS, ENCODERS, DECODERS], ids=min)
def test_every_name_of_a_table_is_a_class(table: KindTable[type]) -> None:
    for name, kind in table.items():
        assert isinstance(kind, type), name


class Accumulator(Cell):
    """h' = x + decay h."""

    def __init__(self, input_size: int, size: int, *, decay: float = 1.0) -> None:
        super().__init__(input_size, size)
        self.decay = decay
        self.project = nn.Linear(input_size, size)

    def step(self, input_BG: Tensor, state: Tree) -> Tensor:
        assert isinstance(state, Tensor)
        return self.project(input_BG) + self.decay * state


@pytest.fixture
def _registered() -> Iterator[None]:
    CELLS["accumulator"] = Accumulator
    yield
    del CELLS["accumulator"]


@pytest.mark.usefixtures("_registered")
@pytest.mark.parametrize("decoder", ["luong", "bahdanau", "conditional", "stacked"])
def test_a_cell_of_the_users_own_serves_encoder_and_decoders(decoder: str) -> None:
    cell = {"kind": "accumulator", "decay": 0.5}
    config = ModelConfig.model_validate(
        {
            "embedding": 4,
            "encoder": {"size": 3, "cell": cell},
            "attention": "additive",
            "decoder": {"kind": decoder, "size": 5, "layers": 2, "cell": cell},
        }
    )
    model = Seq2Seq(config, 9, 9).eval()
    cells = [module for module in model.modules() if isinstance(module, Accumulator)]
    assert {cell.decay for cell in cells} == {0.5}
    features_BTF = model(
        torch.tensor([[4, 5, 6]]), torch.tensor([3]), torch.tensor([[2, 7]])
    ).features_BTF
    assert features_BTF.shape == (1, 2, 4)


@pytest.mark.usefixtures("_registered")
def test_an_option_of_a_part_is_checked_by_its_own_signature() -> None:
    config = CellConfig.model_validate({"kind": "accumulator", "decay": "fast"})
    with pytest.raises(UserError, match=r"here\.decay: expected a valid number.*found 'fast'"):
        build(CELLS, config, "here", 3, 4)
    config = CellConfig.model_validate({"kind": "accumulator", "decoy": 1})
    with pytest.raises(UserError, match=r"here\.decoy: unknown option .*takes decay.*'decay'"):
        build(CELLS, config, "here", 3, 4)


class Plain(nn.Module):
    """A decoder that takes a size and nothing else."""

    def __init__(self, *, size: int) -> None:
        super().__init__()
        self.size = size


def test_a_setting_that_the_kind_does_not_take_is_refused_unless_it_is_the_default() -> None:
    kinds = {"plain": Plain}
    assert build(kinds, DecoderConfig(kind="plain", size=3), "here").size == 3
    with pytest.raises(UserError, match=r"here\.layers: unknown option of kind plain"):
        build(kinds, DecoderConfig(kind="plain", layers=2), "here")


def test_a_kind_of_an_encoder_may_be_a_cell() -> None:
    encoder = load_config(None, ["model.encoder=lstm"]).model.encoder
    assert (encoder.kind, encoder.cell.kind) == ("recurrent", "lstm")


def test_an_unknown_option_is_told_where_it_was_set() -> None:
    with pytest.raises(UserError, match=r"override .*decoder\.glimpses: .*kind luong, which"):
        load_config(None, ["model.decoder=luong", "model.decoder.glimpses=2"])


def test_options_are_the_keyword_only_arguments() -> None:
    assert option_names(Accumulator) == ["decay"]


# --- weights --------------------------------------------------------------------------------------


class Own(nn.Module):
    """Has a way of its own, and a child that has none."""

    def __init__(self) -> None:
        super().__init__()
        self.child = nn.Linear(2, 2)
        self.weight = nn.Parameter(torch.zeros(2, 2))

    def initialise(self) -> None:
        nn.init.constant_(self.weight, 3.0)
        nn.init.constant_(self.child.weight, 4.0)


def test_a_part_initialises_its_own_weights_and_the_rule_those_of_others() -> None:
    own, linear = Own(), nn.Linear(3, 2)
    nn.init.constant_(linear.bias, 9.0)
    initialise(nn.ModuleList([own, linear]))
    assert own.weight.unique().tolist() == [3]
    assert own.child.weight.unique().tolist() == [4]
    assert linear.bias.tolist() == [0, 0]
    assert linear.weight.abs().max() <= (6 / 5) ** 0.5  # Glorot and Bengio's bound


def test_vectors_that_are_no_biases_stay_as_they_were_constructed() -> None:
    norm = nn.LayerNorm(3)
    norm.register_parameter("temperature", nn.Parameter(torch.tensor(2.0)))
    nn.init.constant_(norm.bias, 9.0)
    initialise(norm)
    assert norm.weight.tolist() == [1, 1, 1]
    assert norm.bias.tolist() == [0, 0, 0]
    assert norm.get_parameter("temperature") == 2


def test_weights_of_a_run_of_before_the_bridge_was_the_decoders_have_todays_names() -> None:
    weights = {
        "bridge.linear.weight": torch.zeros(1),
        "decoder.first.layer.bias_hh_l0": torch.ones(1),
    }
    assert set(current_names(weights)) == {
        "decoder.bridge.linear.weight", "decoder.first.layer.bias_hh_l0"
    }  # fmt: skip


# --- several units --------------------------------------------------------------------------------


def stacked(alignment: str | None = None) -> Seq2Seq:
    config = ModelConfig.model_validate(
        {
            "embedding": 4,
            "encoder": {"size": 3},
            "attention": {"kind": "multihead", "heads": 2},
            "decoder": {"kind": "stacked", "size": 6, "layers": 2},
            "alignment": alignment,
        }
    )
    return Seq2Seq(config, 9, 9).eval()


INPUTS = torch.tensor([[4, 5, 6]]), torch.tensor([3]), torch.tensor([[2, 7]])


def test_units_and_their_heads_have_names() -> None:
    model = stacked()
    assert list(model.units) == ["decoder.1.source", "decoder.2.source"]
    assert model.head_names == [
        "layer 1 source head 1", "layer 1 source head 2",
        "layer 2 source head 1", "layer 2 source head 2",
    ]  # fmt: skip
    assert (model.heads, model(*INPUTS).weights_BHTS.shape[1]) == (4, 4)


def test_the_alignment_is_that_of_the_unit_that_the_configuration_names() -> None:
    model = stacked("2.source")
    whole = stacked()
    whole.load_state_dict(model.state_dict())
    weights_BHTS = model(*INPUTS).weights_BHTS
    assert model.heads == weights_BHTS.shape[1] == 2
    assert torch.equal(weights_BHTS, whole(*INPUTS).weights_BHTS[:, 2:])


def test_an_alignment_by_a_unit_that_is_not_there_is_refused() -> None:
    with pytest.raises(UserError, match=r"model\.alignment: .*2\.source, found 'source'"):
        stacked("source")


def test_one_unit_s_heads_are_numbered() -> None:
    config = load_config(None, ["model.attention={kind: multihead, heads: 2}"]).model
    assert Seq2Seq(config, 9, 9, initialise=False).head_names == ["head 1", "head 2"]
    assert build_attention(config.attention, 8, 8).heads == 2
