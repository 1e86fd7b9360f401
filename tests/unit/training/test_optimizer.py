"""The optimiser against its paper's first step, and what of the configuration reaches it."""

import pytest
import torch
from torch import nn

from seq2seq.config import OptimizerConfig
from seq2seq.kinds import OPTIMIZERS
from seq2seq.training.optimizer import build_optimizer


def stepped(config: OptimizerConfig, weight: float, gradient: float) -> float:
    """Where one step takes a single weight."""
    layer = nn.Linear(1, 1, bias=False)
    nn.init.constant_(layer.weight, weight)
    layer.weight.grad = torch.full_like(layer.weight, gradient)
    build_optimizer(config, layer).step()
    return layer.weight.item()


@pytest.mark.parametrize("kind", OPTIMIZERS)
@pytest.mark.parametrize("gradient", [-3.0, 0.02])
def test_the_first_step_is_the_learning_rate_against_the_gradient_s_sign(
    kind: str, gradient: float
) -> None:
    config = OptimizerConfig.model_validate({"kind": kind, "lr": 0.1})
    assert stepped(config, 1.0, gradient) == pytest.approx(1 - 0.1 * gradient / abs(gradient))


def test_adamw_s_decay_shrinks_the_weight_itself_and_adam_s_joins_the_gradient() -> None:
    settings = {"lr": 0.1, "weight_decay": 0.5}
    adamw = OptimizerConfig.model_validate({"kind": "adamw", **settings})
    assert stepped(adamw, 2.0, 1.0) == pytest.approx(2 - 0.1 * 0.5 * 2 - 0.1)
    adam = OptimizerConfig.model_validate({"kind": "adam", **settings})
    assert stepped(adam, 2.0, -0.5) == pytest.approx(2 - 0.1)  # -0.5 + 0.5 x 2 is positive


def test_every_parameter_and_setting_reaches_it() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    config = OptimizerConfig(lr=0.3, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.2)
    (group,) = build_optimizer(config, model).param_groups
    assert len(group["params"]) == 4
    assert (group["lr"], tuple(group["betas"])) == (0.3, (0.8, 0.95))
    assert (group["eps"], group["weight_decay"]) == (1e-3, 0.2)


def test_the_configuration_names_every_optimiser_there_is() -> None:
    for kind in OPTIMIZERS:
        assert OptimizerConfig.model_validate(kind).kind == kind
