"""Search over one `step`: beam search and sampling are one loop with two ways to choose.

B = sentences of the batch, K = places a sentence, N = B * K rows of the model's batch,
W = vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from seq2seq.config import DecodingConfig
from seq2seq.search.beam import choose_best
from seq2seq.search.constraints import forbid, forbid_early_end, forbid_repeats
from seq2seq.search.frontier import Choice, Choose, Frontier
from seq2seq.search.history import History
from seq2seq.search.hypothesis import Hypothesis
from seq2seq.search.sampling import choose_by_chance, sentence_seeds, uniforms
from seq2seq.search.step import State, Step

_GRANULES = 8
"""The parts of a batch: what has ended leaves it one or more of them at a time."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """What is asked of any search. Lengths are in tokens."""

    max_lengths: Sequence[int]  # of each sentence, the end counted: so many steps at most
    bos: int
    eos: int
    forbidden: Sequence[int] = ()  # ids never emitted
    min_length: int = 0  # the end not counted
    no_repeat_ngram: int = 0  # 0: any may repeat
    device: str | torch.device = "cpu"  # of the model

    def __post_init__(self) -> None:
        """Refuse a sentence that may not be given one token."""
        if any(length < 1 for length in self.max_lengths):
            raise ValueError(f"a longest length is below 1: {list(self.max_lengths)}")


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
    task = Task(
        max_lengths=_per_sentence(max_lengths, sentences),
        bos=bos,
        eos=eos,
        forbidden=forbidden,
        min_length=options.min_length,
        no_repeat_ngram=options.no_repeat_ngram,
        device=device,
    )
    penalty = options.length_penalty
    if options.sample:
        return sample(
            step,
            state,
            task,
            seeds=sentence_seeds(options.seed, range(sentences)) if seeds is None else seeds,
            samples=options.n_best,
            temperature=options.temperature,
            top_k=options.top_k,
            top_p=options.top_p,
            length_penalty=penalty,
        )
    return beam_search(
        step, state, task, beam=options.beam, n_best=options.n_best, length_penalty=penalty
    )


def beam_search(
    step: Step, state: State, task: Task, *, beam: int, n_best: int = 1, length_penalty: float = 1
) -> list[list[Hypothesis]]:
    """Return the `n_best` hypotheses of each sentence, keeping the `beam` best at every step.

    A beam of one is greedy search. A sentence ends when `beam` of its hypotheses have and no other
    promises more (see `Frontier.advance`). The length penalty (see `penalised`) decides on that and
    ranks those found; within a step all are of one length, and it would change nothing.
    """
    choose = choose_best(task.eos, beam)
    history = _explore(step, state, task, choose, places=1, length_penalty=length_penalty)
    return history.hypotheses(len(task.max_lengths), n_best=n_best, length_penalty=length_penalty)


def sample(
    step: Step,
    state: State,
    task: Task,
    *,
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
        uniforms(seeds, task.max_lengths, samples).to(task.device),
        eos=task.eos,
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
    )
    history = _explore(step, state, task, choose, places=samples, length_penalty=length_penalty)
    return history.hypotheses(len(task.max_lengths), n_best=samples, length_penalty=length_penalty)


@torch.inference_mode()
def _explore(
    step: Step, state: State, task: Task, choose: Choose, *, places: int, length_penalty: float
) -> History:
    """Step until every sentence has ended; each starts in so many places.

    A beam starts in one, as equal hypotheses would stay equal, and has its width from then on.
    """
    history = History()
    frontier = Frontier.start(task.max_lengths, places, bos=task.bos, device=task.device)
    state = _widened(state, places)
    granule = max(1, frontier.sentences // _GRANULES)
    while frontier.sentences:
        stepped = step(frontier.tokens_N, state)
        _constrain(stepped.log_probs_NW, frontier, task)
        choice = choose(frontier, stepped.log_probs_NW.unflatten(0, (-1, frontier.places)))
        edges_BK = history.record(frontier, choice, stepped.weights_NHS)
        state = _continued(stepped.state, frontier, choice)
        frontier = frontier.advance(choice, edges_BK, length_penalty=length_penalty)
        frontier, state = _leaving(frontier, state, granule)
    return history


def _continued(state: State, frontier: Frontier, choice: Choice) -> State:
    """The state of the survivors."""
    if choice.in_place:
        return state
    width = choice.survivors_BK.shape[1]
    if frontier.places == 1:
        return _widened(state, width)
    parents_BK = choice.of_survivors(choice.parents_BC)
    return state.reorder(frontier.rows(parents_BK).flatten())


def _widened(state: State, width: int) -> State:
    return state if width == 1 else state.repeat(width)


def _leaving(frontier: Frontier, state: State, granule: int) -> tuple[Frontier, State]:
    """Let sentences that have ended leave the batch, as long as a multiple of `granule` stays.

    So batches meet the same few shapes, for each of which a library may have to set itself up.
    """
    searched = int(frontier.open_B.sum())  # the one wait for the device in a step
    staying = min(frontier.sentences, -(-searched // granule) * granule)
    if staying == frontier.sentences:
        return frontier, state
    indices = frontier.open_B.byte().argsort(descending=True, stable=True)[:staying].sort().values
    if staying:
        state = state.keep(frontier.rows_of(indices))
    return frontier.keep(indices), state


def _constrain(log_probs_NW: Tensor, frontier: Frontier, task: Task) -> None:
    forbid(log_probs_NW, task.forbidden)
    forbid_early_end(log_probs_NW, frontier.length, task.min_length, task.eos)
    forbid_repeats(log_probs_NW, frontier.emitted_NT, task.no_repeat_ngram)


def _per_sentence(max_lengths: int | Sequence[int] | Tensor, sentences: int) -> list[int]:
    if isinstance(max_lengths, int):
        return [max_lengths] * sentences
    lengths = [int(length) for length in max_lengths]
    if len(lengths) != sentences:
        raise ValueError(f"{len(lengths)} longest lengths for {sentences} sentences")
    return lengths
