"""Search as the configuration asks, over a step that gives tensors.

B = sentences of the batch.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from seq2seq.config import DecodingConfig
from seq2seq.search.beam import beam_search
from seq2seq.search.hypothesis import Hypothesis
from seq2seq.search.loop import Request
from seq2seq.search.sampling import sample, sentence_seeds
from seq2seq.search.step import State, Step
from seq2seq.search.tensors import TensorArrays


@torch.inference_mode()
def search(
    step: Step,
    state: State,
    *,
    sentences: int,
    max_lengths: int | Sequence[int] | Tensor,
    options: DecodingConfig,
    bos: int,
    eos: int,
    forbidden: Sequence[int] = (),
    seeds: Sequence[int] | None = None,
    device: str | torch.device = "cpu",
) -> list[list[Hypothesis]]:
    """Return the hypotheses of each of `sentences` sentences as `options` ask, best first.

    `state` holds one row a sentence. `max_lengths` is one for all or one a sentence, in tokens with
    the end counted. `seeds` (one a sentence) are those of `options.seed` and the position in the
    batch unless given. Raises ValueError where numbers of sentences differ.

    Of `options`, max_length, max_ratio and batch are the caller's to apply.
    """
    request = Request(
        max_lengths=_per_sentence(max_lengths, sentences),
        bos=bos,
        eos=eos,
        forbidden=forbidden,
        min_length=options.min_length,
        no_repeat_ngram=options.no_repeat_ngram,
    )
    arrays = TensorArrays(device)
    penalty = options.length_penalty
    if options.sample:
        return sample(
            step,
            state,
            request,
            arrays=arrays,
            seeds=sentence_seeds(options.seed, range(sentences)) if seeds is None else seeds,
            samples=options.n_best,
            temperature=options.temperature,
            top_k=options.top_k,
            top_p=options.top_p,
            length_penalty=penalty,
        )
    return beam_search(
        step,
        state,
        request,
        arrays=arrays,
        beam=options.beam,
        n_best=options.n_best,
        length_penalty=penalty,
    )


def _per_sentence(max_lengths: int | Sequence[int] | Tensor, sentences: int) -> list[int]:
    if isinstance(max_lengths, int):
        return [max_lengths] * sentences
    lengths = [int(length) for length in max_lengths]
    if len(lengths) != sentences:
        raise ValueError(f"{len(lengths)} longest lengths for {sentences} sentences")
    return lengths
