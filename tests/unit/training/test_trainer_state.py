"""What trainer.pt must hold before anything of it is used."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from seq2seq.training.trainer_state import why_unusable

CPU = torch.device("cpu")


WEIGHTS = dict(nn.Linear(4, 3).state_dict())


def stepped(kind: Callable[..., torch.optim.Optimizer], **options: Any) -> torch.optim.Optimizer:
    """An optimiser of two parameters after one step."""
    module = nn.Linear(3, 4)
    optimizer = kind(module.parameters(), lr=0.1, **options)
    for parameter in module.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    return optimizer


def saved_by(optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    generators = {"cpu_rng": torch.get_rng_state(), "cuda_rng": None}
    others = [{name: copy.copy(state) for name, state in generators.items()}]
    state = copy.deepcopy(optimizer.state_dict())
    trained = {name: tensor.clone() for name, tensor in WEIGHTS.items()}
    return {"optimizer": state, **generators, "other_ranks": others, "trained": trained}


@pytest.mark.parametrize(
    "optimizer",
    [
        lambda: stepped(torch.optim.Adam, fused=True),
        lambda: stepped(torch.optim.AdamW, fused=True),
        lambda: stepped(torch.optim.Adam, amsgrad=True),
        lambda: stepped(torch.optim.SGD, momentum=0.9),
        lambda: stepped(torch.optim.SGD),
        lambda: stepped(torch.optim.Adafactor),
        lambda: torch.optim.Adam(nn.Linear(3, 4).parameters(), fused=True),  # not one step yet
    ],
)
def test_what_an_optimiser_saves_is_as_expected(optimizer: Any) -> None:
    made = optimizer()
    assert why_unusable(saved_by(made), made, CPU, WEIGHTS) == ""


def in_moment(value: Any) -> Any:
    def damage(saved: dict[str, Any]) -> None:
        saved["optimizer"]["state"][1]["exp_avg"] = value

    return damage


def at(*keys: Any, value: Any) -> Any:
    def damage(saved: dict[str, Any]) -> None:
        *way, last = keys
        place: Any = saved
        for key in way:
            place = place[key]
        place[last] = value

    return damage


def without(*keys: Any) -> Any:
    def damage(saved: dict[str, Any]) -> None:
        *way, last = keys
        place: Any = saved
        for key in way:
            place = place[key]
        del place[last]

    return damage


BAD_SEED: Tensor = torch.full((5056,), 7, dtype=torch.uint8)
MOMENT = r"^optimizer\.state\.1\.exp_avg"


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (in_moment(torch.zeros(3)), MOMENT + ": expected float32 of 4, found float32 of 3$"),
        (in_moment(torch.zeros(())), MOMENT + ": expected float32 of 4, found .* of one number"),
        (in_moment(torch.zeros(4, 1)), MOMENT + ": expected float32 of 4, found float32 of 4 x 1"),
        (in_moment(torch.zeros(0)), MOMENT + ": expected float32 of 4, found float32 of 0"),
        (in_moment(torch.zeros(4).double()), MOMENT + ": .*found float64 of 4"),
        (in_moment(torch.zeros(4).half()), MOMENT + ": .*found float16 of 4"),
        (in_moment(torch.zeros(4).long()), MOMENT + ": .*found int64 of 4"),
        (in_moment(torch.zeros(4, device="meta")), MOMENT + ": .* found a tensor of meta"),
        (in_moment(torch.zeros(4).to_sparse()), MOMENT + ": expected numbers in memory"),
        (in_moment(torch.zeros(1).expand(4)), MOMENT + ": expected a place of its own"),
        (in_moment(torch.tensor([0, torch.nan, 0, 0])), MOMENT + " holds nan"),
        (in_moment(torch.tensor([0, 0, -torch.inf, 0])), MOMENT + " holds -inf"),
        (in_moment([0.0] * 4), MOMENT + ": expected float32 of 4, found list"),
        (in_moment(None), MOMENT + ": expected float32 of 4, found NoneType"),
        (at("optimizer", "state", 1, "step", value=3), r"1\.step: .* one number, found int"),
        (at("optimizer", "state", 1, "step", value=torch.ones(2)), r"1\.step: .*found .* of 2"),
        (at("optimizer", "state", 1, "step", value=torch.tensor(1)), r"1\.step: .*found int64"),
        (without("optimizer", "state", 0, "exp_avg_sq"), r"state\.0: .*found exp_avg, step$"),
        (at("optimizer", "state", 0, "momentum", value=1), r"state\.0: .*momentum, step$"),
        (at("optimizer", "state", 2, value={}), r"state\.2: expected the number of a parameter, 0"),
        (at("optimizer", "state", "0", value={}), r"state\.0: expected the number of a parameter"),
        (at("optimizer", "state", 0, value=[]), r"state\.0: expected named entries, found list"),
        (at("optimizer", "state", value=[]), "optimizer: expected the entry state"),
        (at("optimizer", value=7), "optimizer: expected the entry state, found int"),
        (without("optimizer"), "expected the entries cpu_rng, cuda_rng, optimizer, found cpu_rng"),
        (without("cpu_rng"), "expected the entries cpu_rng"),
        (at("more", value=1), "expected the entries .*more"),
        (at("cpu_rng", value=torch.zeros(16).byte()), "^cpu_rng: expected uint8 of 5056, found"),
        (at("cpu_rng", value=torch.zeros(5056)), "^cpu_rng: expected uint8 .*found float32 of"),
        (at("cpu_rng", value=BAD_SEED), "^cpu_rng: not the state of a random generator"),
        (at("cpu_rng", value=None), "^cpu_rng: expected uint8 of 5056, found NoneType"),
        (at("trained", value=3), "^trained: expected the weights of the model, found int"),
        (at("trained", "weight", value=torch.zeros(2, 2)), r"^trained\.weight: expected "),
        (without("trained", "bias"), "^trained: expected the weights of the model, found weight"),
        (at("trained", "bias", value=torch.full((3,), torch.nan)), r"^trained\.bias holds nan"),
        (at("other_ranks", value=3), "^other_ranks: expected a list, found int"),
        (at("other_ranks", 0, value=3), r"^other_ranks\.0\.cpu_rng: missing"),
        (without("other_ranks", 0, "cuda_rng"), r"^other_ranks\.0\.cuda_rng: missing"),
        (at("other_ranks", 0, "cpu_rng", value=BAD_SEED), r"^other_ranks\.0\.cpu_rng: not the"),
    ],
)
def test_what_is_not_as_expected_is_named_before_it_is_used(damage: Any, told: str) -> None:
    optimizer = stepped(torch.optim.Adam, fused=True)
    saved = saved_by(optimizer)
    damage(saved)
    reason = why_unusable(saved, optimizer, CPU, WEIGHTS)
    assert "\n" not in reason
    assert re.search(told, reason), reason


@pytest.mark.parametrize("saved", [None, [], torch.zeros(3), {}])
def test_a_file_of_something_else_is_named(saved: Any) -> None:
    assert "expected the entries" in why_unusable(saved, stepped(torch.optim.Adam), CPU, WEIGHTS)
