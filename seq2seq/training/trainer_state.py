"""What trainer.pt must hold, compared before any of it is used.

A moment of another shape or type would be written on beyond its end: torch's fused optimisers do
not look.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from copy import copy
from typing import Any

import torch
from torch import Tensor, nn

from seq2seq.runs.tensors import kind, why_not_finite

_OTHERS, _TRAINED = "other_ranks", "trained"


def why_unusable(
    saved: Mapping[str, Any],
    optimizer: torch.optim.Optimizer,
    device: torch.device,
    weights: Mapping[str, Tensor],
) -> str:
    """Return the first entry of `saved` that is not as the trainer expects; or nothing.

    `weights` are those that are trained, for which a run that averages them has an entry.
    """
    expected = {"optimizer", *_generators(device)}
    if not isinstance(saved, dict) or not expected <= set(saved) <= {*expected, _OTHERS, _TRAINED}:
        return f"expected the entries {', '.join(sorted(expected))}, found {_names(saved)}"
    return next(
        (
            reason
            for reason in (
                *_moments_faults(saved["optimizer"], optimizer),
                *_generator_faults(saved, device),
                *_weight_faults(saved.get(_TRAINED), weights),
            )
            if reason
        ),
        "",
    )


def named_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return every tensor of the optimiser's state, as `optimizer.state.3.exp_avg`."""
    states = optimizer.state_dict()["state"]
    return {
        f"optimizer.state.{number}.{name}": value
        for number, state in states.items()
        for name, value in state.items()
        if isinstance(value, Tensor)
    }


# --- the optimiser --------------------------------------------------------------------------------


def _moments_faults(saved: Any, optimizer: torch.optim.Optimizer) -> Iterator[str]:
    states = saved.get("state") if isinstance(saved, dict) else None
    if not isinstance(states, dict):
        yield f"optimizer: expected the entry state, found {_names(saved)}"
        return
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    for number, state in states.items():
        name = f"optimizer.state.{number}"
        if not (type(number) is int and 0 <= number < len(parameters)):
            yield f"{name}: expected the number of a parameter, 0 to {len(parameters) - 1}"
        elif not isinstance(state, dict):
            yield f"{name}: expected named entries, found {_names(state)}"
        else:
            yield from _state_faults(name, state, _after_a_step(optimizer, parameters[number]))


def _state_faults(
    name: str, state: Mapping[Any, Any], expected: Mapping[str, Any]
) -> Iterator[str]:
    """What is wrong with the entries of one parameter."""
    if state.keys() != expected.keys():
        yield f"{name}: expected the entries {', '.join(sorted(expected))}, found {_names(state)}"
        return
    for entry, like in expected.items():
        value, where = state[entry], f"{name}.{entry}"
        if isinstance(like, Tensor):
            yield _tensor_fault(where, value, like) or why_not_finite({where: value})
        elif type(value) is not type(like):
            yield f"{where}: expected {_names(like)}, found {_names(value)}"


def _after_a_step(optimizer: torch.optim.Optimizer, parameter: Tensor) -> dict[str, Any]:
    """What the optimiser keeps of a parameter, found by a step of one like it."""
    like = nn.Parameter(torch.zeros_like(parameter, device="cpu"))
    like.grad = torch.zeros_like(like)
    trial = copy(optimizer)
    trial.state = defaultdict(dict)
    trial.param_groups = [{**optimizer.param_groups[0], "params": [like]}]
    trial.step()
    return dict(trial.state[like])


def _tensor_fault(where: str, value: Any, wanted: Tensor) -> str:
    if not isinstance(value, Tensor):
        return f"{where}: expected {kind(wanted)}, found {_names(value)}"
    if value.shape != wanted.shape or value.dtype != wanted.dtype:
        return f"{where}: expected {kind(wanted)}, found {kind(value)}"
    if value.device.type != "cpu" or value.layout != torch.strided:
        return f"{where}: expected numbers in memory, found a tensor of {value.device.type}"
    if value.untyped_storage().nbytes() < value.numel() * value.itemsize:
        return f"{where}: expected a place of its own for each number, found shared ones"
    return ""


# --- the random generators ------------------------------------------------------------------------


def _generators(device: torch.device) -> dict[str, Tensor | None]:
    """The state of the generators of this machine, by name; None where it has none."""
    cuda = device.type == "cuda"
    return {
        "cpu_rng": torch.get_rng_state(),
        "cuda_rng": torch.cuda.get_rng_state(device) if cuda else None,
    }


def _generator_faults(saved: Mapping[str, Any], device: torch.device) -> Iterator[str]:
    others = saved.get(_OTHERS, [])
    if not isinstance(others, list):
        yield f"{_OTHERS}: expected a list, found {_names(others)}"
        return
    ranks = {"": saved} | {f"{_OTHERS}.{n}.": rank for n, rank in enumerate(others)}
    for prefix, rank in ranks.items():
        for name, own in _generators(device).items():
            if not isinstance(rank, dict) or name not in rank:
                yield f"{prefix}{name}: missing"
            elif own is not None and not (name == "cuda_rng" and rank[name] is None):
                yield _tensor_fault(prefix + name, rank[name], own)
                if name == "cpu_rng" and not _is_seeded(rank[name]):
                    yield f"{prefix}{name}: not the state of a random generator"


def _is_seeded(state: Tensor) -> bool:
    try:
        torch.Generator().set_state(state)
    except (RuntimeError, TypeError):
        return False
    return True


def _weight_faults(saved: Any, weights: Mapping[str, Tensor]) -> Iterator[str]:
    if saved is None:
        return
    if not isinstance(saved, dict) or saved.keys() != weights.keys():
        yield f"{_TRAINED}: expected the weights of the model, found {_names(saved)}"
        return
    for name, like in weights.items():
        where = f"{_TRAINED}.{name}"
        yield _tensor_fault(where, saved[name], like) or why_not_finite({where: saved[name]})


def _names(value: Any) -> str:
    """What was found, in a few words."""
    if isinstance(value, Tensor):
        return kind(value)
    if isinstance(value, dict):
        return ", ".join(sorted(map(str, value))) or "none"
    return type(value).__name__
