"""The optimisers, by the name that `training.optimizer.kind` gives them."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from seq2seq.config import OptimizerConfig
from seq2seq.kinds import OPTIMIZERS
from seq2seq.model.parts import build


def adam(
    parameters: Iterable[Tensor],
    lr: float,
    *,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
) -> torch.optim.Optimizer:
    """Adam -- Kingma and Ba 2015; a weight decay joins the gradient."""
    return torch.optim.Adam(
        parameters, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, fused=True
    )


def adamw(
    parameters: Iterable[Tensor],
    lr: float,
    *,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
) -> torch.optim.Optimizer:
    """Adam whose weight decay is apart from the gradient -- Loshchilov and Hutter 2019."""
    return torch.optim.AdamW(
        parameters, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, fused=True
    )


def build_optimizer(config: OptimizerConfig, model: nn.Module) -> torch.optim.Optimizer:
    """Return the optimiser over all parameters; its learning rate is set anew at every step."""
    return build(OPTIMIZERS, config, "training.optimizer", model.parameters(), config.lr)
