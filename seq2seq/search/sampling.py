"""The choice by chance: tokens drawn from the model's distribution, or from its likelier part.

B = sentences, K = samples of a sentence, N = B * K rows, L = longest length, W = vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from seq2seq.search.arrays import Floats
from seq2seq.search.frontier import Choice, Choose, Frontier, continue_each
from seq2seq.search.hypothesis import Hypothesis
from seq2seq.search.loop import Request, explore
from seq2seq.search.step import State, Step
from seq2seq.search.tensors import TensorArrays


def sample(
    step: Step,
    state: State,
    request: Request,
    *,
    arrays: TensorArrays,
    seeds: Sequence[int],
    samples: int = 1,
    temperature: float = 1,
    top_k: int = 0,
    top_p: float = 1,
    length_penalty: float = 0,
) -> list[list[Hypothesis]]:
    """Return `samples` independent draws for each sentence, best first; two may be the same.

    Where the constraints leave a draw no token, the sentence has one fewer, but never none.
    """
    choose = choose_by_chance(
        arrays,
        uniforms(seeds, request.max_lengths, samples).numpy(),
        eos=request.eos,
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
    )
    return explore(
        step,
        state,
        request,
        choose,
        arrays=arrays,
        slots=samples,
        n_best=samples,
        length_penalty=length_penalty,
    )


def choose_by_chance(
    arrays: TensorArrays,
    uniforms_BLK: Floats,
    *,
    eos: int,
    temperature: float,
    top_k: int,
    top_p: float,
) -> Choose:
    """Return the choice of each hypothesis's next token by its uniform number of this step.

    The distribution is first tempered, p^(1 / temperature), then cut to its `top_k` likeliest
    tokens and to the nucleus `top_p`; the log-probabilities reported stay the model's own.
    """

    def choose(frontier: Frontier, log_probs_NW: Tensor) -> Choice:
        likely_NW = keep_nucleus(keep_top(log_probs_NW / temperature, top_k), top_p)
        uniforms_N = uniforms_BLK[frontier.sentences_B, frontier.length].ravel()
        tokens_N = draw(likely_NW, arrays.give(uniforms_N))
        log_probs_N = log_probs_NW.gather(1, tokens_N[:, None]).squeeze(1)
        shape = frontier.scores_BK.shape
        tokens_BK, log_probs_BK = (x.reshape(shape) for x in arrays.fetch(tokens_N, log_probs_N))
        return continue_each(frontier, tokens_BK, log_probs_BK, eos)

    return choose


def keep_top(log_probs_W: Tensor, count: int) -> Tensor:
    """Set all but the `count` likeliest tokens, and their equals, to -inf; 0 keeps all.

    Any axes may precede W. -- Fan et al. 2018, 5
    """
    if count == 0 or count >= log_probs_W.shape[-1]:
        return log_probs_W
    least_1 = log_probs_W.topk(count).values[..., -1:]
    return log_probs_W.masked_fill(log_probs_W < least_1, -torch.inf)


def keep_nucleus(log_probs_W: Tensor, mass: float) -> Tensor:
    """Set all but the fewest likeliest tokens that together have probability `mass` to -inf.

    Equals of the last one stay. Any axes may precede W. -- Holtzman et al. 2020, 3.1
    """
    if mass >= 1:
        return log_probs_W
    sorted_W = log_probs_W.sort(dim=-1, descending=True).values
    probs_W = sorted_W.softmax(-1)
    before_W = probs_W.cumsum(-1) - probs_W
    least_1 = sorted_W.masked_fill(before_W >= mass, torch.inf).amin(-1, keepdim=True)
    return log_probs_W.masked_fill(log_probs_W < least_1, -torch.inf)


def draw(log_weights_W: Tensor, uniforms: Tensor) -> Tensor:
    """Return the token at which the cumulated distribution passes each uniform number in [0, 1).

    Any axes may precede W; `uniforms` has those. The weights need not sum to 1. Where all are -inf
    the token is one of them.
    """
    # In float64 a sum over a large vocabulary is exact enough; MPS has none.
    dtype = torch.float32 if log_weights_W.device.type == "mps" else torch.float64
    cumulated_W = log_weights_W.softmax(-1).nan_to_num().cumsum(-1, dtype=dtype)
    points_1 = uniforms.to(dtype)[..., None] * cumulated_W[..., -1:]
    tokens_1 = torch.searchsorted(cumulated_W, points_1, right=True)
    return tokens_1.squeeze(-1).clamp(max=log_weights_W.shape[-1] - 1)


def uniforms(seeds: Sequence[int], lengths: Sequence[int], samples: int) -> Tensor:
    """Return uniforms_BLK in [0, 1) (float32, CPU), sentence b's from its own seed and length.

    So the samples of a sentence don't depend on the sentences around it, nor on the device.
    """
    drawn = [
        torch.rand(
            length, samples, generator=torch.Generator().manual_seed(seed), dtype=torch.float32
        )
        for seed, length in zip(seeds, lengths, strict=True)
    ]
    return pad_sequence(drawn, batch_first=True)


def sentence_seeds(seed: int, sentences: Iterable[int]) -> list[int]:
    """Return a seed for each numbered sentence, so that each draws its own numbers."""
    # A prime keeps (seed 1, sentence 1) off (seed 2, sentence 0); torch's generator reads 32 bits.
    return [(seed * 1_000_003 + sentence) % 2**32 for sentence in sentences]
