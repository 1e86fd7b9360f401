"""Features in the place of ids: a projection, and a model that reads it like any other source."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from seq2seq.config import ModelConfig
from seq2seq.errors import UserError
from seq2seq.model.contract import Decoded
from seq2seq.model.model import Seq2Seq
from seq2seq.model.source import Features, Projection

LENGTHS_B = torch.tensor([5, 2, 4])


def built() -> Seq2Seq:
    torch.manual_seed(1)
    config = ModelConfig.model_validate(
        {"embedding": 6, "tie": "target", "encoder": {"size": 4}, "decoder": {"size": 8}}
    )
    return Seq2Seq(config, Features(3), 11).double().eval()


def inputs() -> tuple[Tensor, Tensor]:
    draws = torch.Generator().manual_seed(2)
    source_BSF = torch.randn(3, 5, 3, generator=draws)
    return source_BSF, torch.randint(4, 11, (3, 4), generator=draws)


def test_a_row_is_multiplied_and_moved() -> None:
    torch.manual_seed(1)
    projection = Projection(3, 6).double()
    rows_BSF, _ = inputs()
    expected = torch.einsum("bsf,if->bsi", rows_BSF.double(), projection.linear.weight)
    torch.testing.assert_close(projection(rows_BSF), expected + projection.linear.bias)


def test_what_stands_beyond_a_source_s_end_changes_nothing() -> None:
    model = built()
    source_BSF, inputs_BT = inputs()
    together: Decoded = model(source_BSF, LENGTHS_B, inputs_BT)
    for row, length in enumerate(LENGTHS_B.tolist()):
        alone = model(
            source_BSF[row : row + 1, :length], LENGTHS_B[row : row + 1], inputs_BT[row, None]
        )
        torch.testing.assert_close(alone.features_BTF[0], together.features_BTF[row])
        torch.testing.assert_close(alone.weights_BHTS[0], together.weights_BHTS[row, :, :, :length])


def test_a_gradient_reaches_the_projection() -> None:
    model = built().train()
    source_BSF, inputs_BT = inputs()
    model(source_BSF, LENGTHS_B, inputs_BT).features_BTF.sum().backward()
    gradient = model.get_parameter("source_embedding.linear.weight").grad
    assert gradient is not None
    assert bool((gradient != 0).any())


def test_features_share_no_table_with_target_words() -> None:
    with pytest.raises(UserError, match=r"model\.tie all needs text on both sides"):
        Seq2Seq(ModelConfig(), Features(3), 11)
