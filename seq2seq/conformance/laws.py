"""The laws that every attention unit, encoder and decoder obeys, each a function of one case.

A law builds the case's network, tries it, and raises AssertionError with one sentence where it does
not hold. Numbers are float64 unless a law says otherwise.

Shapes: B = 3 sentences of 7, 4 and 1 source tokens, S = 7, T = 5 target steps; H heads, E memory
size, F features, W vocabulary; X anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd.gradcheck import GradcheckError, gradcheck
from torch.nn import functional

from seq2seq.config import DecodingConfig, ModelConfig
from seq2seq.data.batching import Batch, collate
from seq2seq.data.tokenizer import BOS, EOS, PAD
from seq2seq.inference.fast_step import fast_step_of
from seq2seq.inference.interventions import Reweighting, reweighted, shift, uniform
from seq2seq.inference.model_step import ModelState, model_step
from seq2seq.kinds import DECODERS, ENCODERS, option_names
from seq2seq.model.attention import Attention
from seq2seq.model.contract import Tree, named_leaves, select
from seq2seq.model.model import Seq2Seq
from seq2seq.model.probe import recording, replacing
from seq2seq.search.ensemble import EnsembleState, ensemble
from seq2seq.search.hypothesis import Hypothesis
from seq2seq.search.search import search
from seq2seq.search.step import State, Step
from seq2seq.training.loss import batch_loss

VOCABULARY = 11
LENGTHS = (7, 4, 1)


class Case(NamedTuple):
    """A network by what differs from the base: attention unit, decoder and encoder settings."""

    attention: dict[str, Any]
    decoder: dict[str, Any]
    encoder: dict[str, Any] = {}  # noqa: RUF012 -- a NamedTuple's default, never changed

    def __str__(self) -> str:
        parts = [*self.attention.values(), *self.decoder.values(), *self.encoder.values()]
        return "-".join(str(part) for part in parts)


Law = Callable[[Case], None]


def build(case: Case) -> Seq2Seq:
    """Return the case's network in evaluation mode: embedding 6, memory 8, decoder 8."""
    torch.manual_seed(3)
    config = ModelConfig.model_validate(
        {
            "embedding": 6,
            "dropout": 0.0,
            "encoder": taken(ENCODERS, {"size": 4}, case.encoder),
            "attention": case.attention,
            "decoder": taken(DECODERS, {"size": 8}, case.decoder),
        }
    )
    model = Seq2Seq(config, VOCABULARY, VOCABULARY).double()
    for parameter in model.parameters():  # biases too: a law must not hold because they are 0
        nn.init.normal_(parameter, std=0.5)
    return model.eval()


def taken(
    kinds: Mapping[str, type], settings: dict[str, Any], own: dict[str, Any]
) -> dict[str, Any]:
    """Return `own`, and before it those of `settings` that the kind it names takes."""
    known = option_names(kinds[own["kind"]]) if own.get("kind") in kinds else settings.keys()
    return {**{name: value for name, value in settings.items() if name in known}, **own}


def inputs() -> tuple[Tensor, Tensor, Tensor]:
    """Return source_BS, lengths_B and inputs_BT."""
    generator = torch.Generator().manual_seed(5)
    source_BS = torch.randint(4, VOCABULARY, (3, 7), generator=generator)
    lengths_B = torch.tensor(LENGTHS)
    source_BS[torch.arange(7) >= lengths_B.unsqueeze(1)] = PAD
    return source_BS, lengths_B, torch.randint(4, VOCABULARY, (3, 5), generator=generator)


# --- what a network computes ----------------------------------------------------------------------


def a_whole_sequence_is_its_steps(case: Case) -> None:
    """Features, weights, state and every probed tensor are those of one step after the other."""
    model = build(case)
    source_BS, lengths_B, inputs_BT = inputs()
    memory, state = model.encode(source_BS, lengths_B)
    with recording() as whole_seen:
        whole = model.decode(inputs_BT, memory, state)
    steps = []
    with recording() as step_seen:
        for input_B1 in inputs_BT.split(1, dim=1):
            steps.append(model.decode(input_B1, memory, state))
            state = steps[-1].state
    apart = "of a whole sequence and of its steps"
    _assert_close(
        torch.cat([step.features_BTF for step in steps], 1), whole.features_BTF, f"features {apart}"
    )
    _assert_close(
        torch.cat([step.weights_BHTS for step in steps], 2), whole.weights_BHTS, f"weights {apart}"
    )
    _assert_trees_close(state, whole.state, f"states {apart}")
    if lone := whole_seen.keys() ^ step_seen.keys():
        raise AssertionError(f"tensors probed {apart}: found only in one {', '.join(sorted(lone))}")
    for name, parts in whole_seen.items():
        axis = name.rpartition("_")[2].index("T") if "T" in name else 2
        steps_X, there_X = _joined(step_seen[name], axis)
        whole_X, _ = _joined(parts, axis)
        _assert_close(steps_X, whole_X * there_X, f"{name} {apart}")


def _joined(parts: Sequence[Tensor], axis: int) -> tuple[Tensor, Tensor]:
    """The parts as one tensor, the narrow ones widened by zeros, and True where one was there.

    A step of self-attention has as many positions as there were steps.
    """
    widths = [part.size(-1) for part in parts]
    rooms = [(0, max(widths) - width) for width in widths]
    there = [torch.ones_like(part, dtype=torch.bool) for part in parts]
    return (
        torch.cat([functional.pad(*pair) for pair in zip(parts, rooms, strict=True)], axis),
        torch.cat([functional.pad(*pair) for pair in zip(there, rooms, strict=True)], axis),
    )


def what_comes_later_changes_nothing(case: Case) -> None:
    """Not one bit of the features: no step reads a token that follows it."""
    model = build(case)
    source_BS, lengths_B, inputs_BT = inputs()
    changed_BT = inputs_BT.clone()
    changed_BT[:, 3:] = 9
    one = model(source_BS, lengths_B, inputs_BT)
    other = model(source_BS, lengths_B, changed_BT)
    _assert_equal(
        one.features_BTF[:, :3], other.features_BTF[:, :3], "features with one end and another"
    )


def a_sentence_is_the_same_alone_and_in_a_padded_batch(case: Case) -> None:
    """In evaluation; and in training, unless something is drawn there."""
    model = build(case)
    _assert_same_alone(model, "")
    if not _draws(model.train()):
        _assert_same_alone(model, ", in training,")


def _assert_same_alone(model: Seq2Seq, when: str) -> None:
    source_BS, lengths_B, inputs_BT = inputs()
    together = model(source_BS, lengths_B, inputs_BT)
    for row, length in enumerate(LENGTHS):
        alone = model(
            source_BS[row : row + 1, :length], lengths_B[row : row + 1], inputs_BT[row : row + 1]
        )
        apart = f"of a sentence{when} alone and in a padded batch"
        _assert_close(alone.features_BTF[0], together.features_BTF[row], f"features {apart}")
        _assert_close(
            alone.weights_BHTS[0], together.weights_BHTS[row, :, :, :length], f"weights {apart}"
        )


def _draws(model: Seq2Seq) -> bool:
    """Whether the network's result depends on the random generator."""
    found = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        found.append(model(*inputs()).features_BTF)
    return not torch.equal(*found)


def what_stands_on_padding_changes_nothing(case: Case) -> None:
    """Not one bit of the features."""
    model = build(case)
    source_BS, lengths_B, inputs_BT = inputs()
    scribbled_BS = torch.where(torch.arange(7) < lengths_B.unsqueeze(1), source_BS, 9)
    one = model(source_BS, lengths_B, inputs_BT)
    other = model(scribbled_BS, lengths_B, inputs_BT)
    _assert_equal(one.features_BTF, other.features_BTF, "features with one padding and another")


def the_order_of_sentences_is_irrelevant(case: Case) -> None:
    """Rows of a batch in another order give the same rows in that order."""
    model = build(case)
    source_BS, lengths_B, inputs_BT = inputs()
    rows_B = torch.tensor([2, 0, 1])
    one = model(source_BS, lengths_B, inputs_BT)
    other = model(source_BS[rows_B], lengths_B[rows_B], inputs_BT[rows_B])
    apart = "of sentences in one order and another"
    _assert_close(one.features_BTF[rows_B], other.features_BTF, f"features {apart}")
    _assert_close(one.weights_BHTS[rows_B], other.weights_BHTS, f"weights {apart}")


def weights_are_non_negative_sum_to_one_and_never_lie_on_padding(case: Case) -> None:
    """To at most one where the addressing says that it does not sum to one."""
    model = build(case)
    source_BS, lengths_B, inputs_BT = inputs()
    weights_BHTS = model(source_BS, lengths_B, inputs_BT).weights_BHTS
    padding_BS = torch.arange(7) >= lengths_B.unsqueeze(1)
    if weights_BHTS.shape[2:] != (5, 7):
        raise AssertionError(f"expected T = 5, S = 7 weights, found {tuple(weights_BHTS.shape)}")
    if not (weights_BHTS >= 0).all():  # not `< 0`, which NaN is not
        raise AssertionError(f"expected weights of 0 or more, found {_number(weights_BHTS.min())}")
    on_padding = (weights_BHTS * padding_BS[:, None, None]).sum()
    if on_padding != 0:
        raise AssertionError(f"expected no weight on padding, found {_number(on_padding)} in all")
    sums_BHT = weights_BHTS.sum(-1)
    units = list(model.decoder.source_units.values())
    if not model.encoder.keeps_positions:
        units += model.encoder.units.values()
    if all(unit.addressing.sums_to_one for unit in units):
        _assert_close(sums_BHT, torch.ones_like(sums_BHT), "sums of weights and 1")
    if not (sums_BHT < 1 + 1e-12).all():
        above = _number(sums_BHT.max() - 1)
        raise AssertionError(f"expected sums of weights up to 1, found one {above} above it")


def what_was_read_before_leaves_no_trace(case: Case) -> None:
    """A batch gives the same, bit for bit, after the network has read other sentences."""
    model = build(case)
    before = model(*inputs())
    source_BS, lengths_B, inputs_BT = inputs()
    model(source_BS[1:2, :4].flip(1), lengths_B[1:2], inputs_BT[:1, :3])
    after = model(*inputs())
    apart = "before and after other sentences were read"
    _assert_equal(before.features_BTF, after.features_BTF, f"features {apart}")
    _assert_equal(before.weights_BHTS, after.weights_BHTS, f"weights {apart}")


@torch.no_grad()
def what_is_handed_in_stays_as_it_was(case: Case) -> None:
    """Neither memory nor state nor queries are edited in place: others read them too."""
    model = build(case)
    source_BS, lengths_B, inputs_BT = inputs()
    memory, state = model.encode(source_BS, lengths_B)
    _assert_untouched(
        lambda: model.decode(inputs_BT, memory, state), {"memory": memory, "state": state}
    )
    mask_BS = torch.arange(7) < lengths_B.unsqueeze(1)
    for unit in model.decoder.units.values():
        own = unit.prepare(torch.randn(3, 7, unit.memory_size, dtype=torch.float64), mask_BS)
        start = unit.start(own)
        query_BTQ = torch.randn(3, 5, unit.query_size, dtype=torch.float64)
        given: dict[str, Tree] = {"memory": own, "state": start, "query_BTQ": query_BTQ}
        _assert_untouched(partial(unit, query_BTQ, own, start), given)


def _assert_untouched(call: Callable[[], object], given: Mapping[str, Tree]) -> None:
    copies = {name: [leaf.clone() for leaf in _leaves(tree)] for name, tree in given.items()}
    call()
    for name, tree in given.items():
        for leaf, copy in zip(_leaves(tree), copies[name], strict=True):
            _assert_equal(leaf, copy, f"{name} after and before a step")


@torch.no_grad()
def the_state_can_be_reordered(case: Case) -> None:
    """Going on with other rows, as a beam does, gives what those rows would have given."""
    model = build(case)
    source_BS, lengths_B, inputs_BT = inputs()
    start = ModelState(*model.encode(source_BS, lengths_B))
    whole = model.decode(inputs_BT, *start)
    half = model.decode(inputs_BT[:, :2], *start)
    rows = torch.tensor([2, 0, 0, 1])
    chosen = select(ModelState(start.memory, half.state), rows)
    rest = model.decode(inputs_BT[rows, 2:], *chosen)
    apart = "of rows reordered on the way and afterwards"
    _assert_close(rest.features_BTF, whole.features_BTF[rows, 2:], f"features {apart}")
    _assert_close(rest.weights_BHTS, whole.weights_BHTS[rows][:, :, 2:], f"weights {apart}")
    _assert_trees_close(rest.state, select(whole.state, rows), f"states {apart}")


def recording_changes_nothing(case: Case) -> None:
    """Not one bit; and the tensors that everything is explained with are recorded."""
    model = build(case)
    plain = model(*inputs())
    with recording() as seen:
        recorded = model(*inputs())
    _assert_equal(plain.features_BTF, recorded.features_BTF, "features without and with recording")
    _assert_equal(plain.weights_BHTS, recorded.weights_BHTS, "weights without and with recording")
    tensors = ("keys_BHSK", "values_BHSV", "scores_BHTS", "weights_BHTS", "context_BTV")
    names = [f"{unit}.{name}" for unit in model.units for name in tensors]
    missing = sorted({"encoder.states_BSE", *names} - seen.keys())
    if missing:
        raise AssertionError(f"expected {', '.join(missing)} among what is recorded, found none")


def two_threads_with_interventions_get_what_each_gets_alone(case: Case) -> None:
    """Each reads with its own new weights, though both are at the same step at once."""
    model = build(case)
    if not model.heads:
        return
    reweightings = uniform, partial(shift, positions=1)
    alone = [_features_with(model, reweighting) for reweighting in reweightings]
    barrier = Barrier(len(reweightings), timeout=60)

    def meeting(reweighting: Reweighting) -> Reweighting:
        def reweight(*arguments: Any) -> Tensor:
            barrier.wait()
            return reweighting(*arguments)

        return reweight

    with ThreadPoolExecutor() as pool:
        meetings = [meeting(reweighting) for reweighting in reweightings]
        together = list(pool.map(partial(_features_with, model), meetings))
    for before, after in zip(alone, together, strict=True):
        _assert_close(after, before, "features beside another intervention and alone")


@torch.no_grad()
def _features_with(model: Seq2Seq, reweighting: Reweighting) -> Tensor:
    with reweighted(reweighting):
        features_BTF: Tensor = model(*inputs()).features_BTF
    return features_BTF


# --- how it is trained ----------------------------------------------------------------------------


def gradients_are_those_of_finite_differences(case: Case) -> None:
    """Along a random direction of every parameter, for three mixtures of the features."""
    model = build(case)
    source_BS, lengths_B, inputs_BT = inputs()
    names = [name for name, p in model.named_parameters() if p.numel()]
    parameters = [p for p in model.parameters() if p.numel()]
    directions = [torch.randn_like(p) for p in parameters]
    mix_XBTF = torch.randn(3, *model(source_BS, lengths_B, inputs_BT).features_BTF.shape)

    def along(step: Tensor) -> Tensor:
        """Three mixtures of the features, every parameter moved along its direction by `step`."""
        moved = {
            name: p.detach() + step[i] * d
            for i, (name, p, d) in enumerate(zip(names, parameters, directions, strict=True))
        }
        decoded = torch.func.functional_call(model, moved, (source_BS, lengths_B, inputs_BT))
        return (mix_XBTF * decoded.features_BTF).flatten(1).sum(1)

    steps = torch.zeros(len(parameters), dtype=torch.float64, requires_grad=True)
    try:
        gradcheck(along, steps, atol=1e-6, rtol=1e-5, fast_mode=True)
    except GradcheckError as error:
        raise AssertionError(_worst_gradient(along, names) or _first_line(error)) from None


def _worst_gradient(function: Callable[[Tensor], Tensor], names: list[str]) -> str:
    """The sentence on the parameter whose gradient is furthest from that of differences."""
    start, width = torch.zeros(len(names), dtype=torch.float64), 1e-6
    found_XP = torch.autograd.functional.jacobian(function, start)
    assert isinstance(found_XP, Tensor)
    with torch.no_grad():
        moves = width * torch.eye(len(names), dtype=torch.float64)
        columns = [(function(move) - function(-move)) / (2 * width) for move in moves]
    expected_XP = torch.stack(columns, 1)
    gaps_XP = (found_XP - expected_XP).abs()
    if float(gaps_XP.max()) < 1e-6:  # then it is something else that gradcheck found
        return ""
    mixture, worst = divmod(int(gaps_XP.argmax()), len(names))
    return (
        f"gradient along {names[worst]}: expected {float(expected_XP[mixture, worst]):.6g} "
        f"by finite differences, found {float(found_XP[mixture, worst]):.6g}"
    )


def gradients_reach_every_parameter_of_the_unit(case: Case) -> None:
    """Each has one that is not 0, for the loss of a batch in training."""
    model = build(case).train()
    _loss(model).backward()
    idle = [
        name
        for unit in _units(model)
        for name, parameter in unit.named_parameters()
        if parameter.requires_grad and parameter.numel()
        if parameter.grad is None or not parameter.grad.any()
    ]
    if idle:
        raise AssertionError(f"expected a gradient for every parameter: none for {', '.join(idle)}")


def the_same_seed_gives_the_same_in_training(case: Case) -> None:
    """Loss and gradients of one seed are the same bits: all that is drawn is drawn by torch."""
    models = [build(case).train() for _ in range(2)]
    losses = []
    for model in models:
        torch.manual_seed(11)
        losses.append(_loss(model))
        losses[-1].backward()
    _assert_equal(losses[0], losses[1], "losses of one seed")
    one, other = (model.named_parameters() for model in models)
    for (name, parameter), (_, twin) in zip(one, other, strict=True):
        if parameter.grad is not None and twin.grad is not None:
            _assert_equal(parameter.grad, twin.grad, f"gradients of {name} for one seed")


def large_scores_leave_loss_and_gradients_finite(case: Case) -> None:
    """Scores 10,000 times as large, in float32 and in bf16 as training has it."""
    for precision in (torch.float32, torch.bfloat16):
        model = build(case).float().train()
        larger = replacing("*.scores_BHTS", lambda scores_BHTS: 1e4 * scores_BHTS)
        with larger, torch.autocast("cpu", torch.bfloat16, enabled=precision is torch.bfloat16):
            loss = _loss(model)
        loss.backward()
        name = str(precision).removeprefix("torch.")
        if not loss.isfinite():
            raise AssertionError(f"expected a finite loss in {name}, found {_number(loss)}")
        for of, parameter in model.named_parameters():
            if parameter.grad is not None and not parameter.grad.isfinite().all():
                raise AssertionError(f"expected finite gradients in {name}: not so for {of}")


def the_whole_graph_is_captured_by_torch_compile(case: Case) -> None:
    """With no break in it, and it computes the same."""
    model = build(case)
    torch._dynamo.reset()
    source_BS, lengths_B, inputs_BT = inputs()
    # A loop over source or target is unrolled: few steps show what many would, in less time.
    source_BS, lengths_B, inputs_BT = source_BS[:, :3], lengths_B.clamp(max=3), inputs_BT[:, :2]
    # The backend that runs the captured graph as it is: capture is the law, code generation is not.
    compiled = torch.compile(model, fullgraph=True, backend="eager")
    try:
        with torch._dynamo.config.patch(allow_rnn=True):
            captured = compiled(source_BS, lengths_B, inputs_BT)
    except torch._dynamo.exc.TorchDynamoException as error:
        raise AssertionError(f"expected one graph, found: {_first_line(error)}") from None
    expected = model(source_BS, lengths_B, inputs_BT)
    _assert_close(captured.features_BTF, expected.features_BTF, "features captured and plain")


# --- how it is decoded with -----------------------------------------------------------------------


def a_beam_of_one_is_greedy_search(case: Case) -> None:
    """Search with one place finds what taking the best token of the whole prefix does."""
    model = build(case)
    found = [hypotheses[0].tokens for hypotheses in _decode(model, DecodingConfig(beam=1))]
    expected = _argmax_decode(model)
    if found != expected:
        raise AssertionError(f"expected the greedy outputs {expected}, found {found}")


def a_wide_beam_is_exhaustive_search(case: Case) -> None:
    """A beam that drops nothing finds the best of all outputs, with its log-probabilities."""
    model = build(case)
    steps, width = 3, VOCABULARY**3
    found = _decode(model, DecodingConfig(beam=width, length_penalty=0.6), longest=steps)
    every = _enumerate_all(model, steps)
    for row, hypotheses in enumerate(found):
        best = max(every[row].items(), key=lambda item: sum(item[1]) / len(item[1]) ** 0.6)
        tokens = list(best[0])[:-1]
        found_best = hypotheses[0]
        if found_best.tokens != tokens:
            raise AssertionError(f"expected of all outputs {tokens}, found {found_best.tokens}")
        gaps = [abs(a - b) for a, b in zip(found_best.log_probs, best[1], strict=True)]
        if not max(gaps) <= 1e-5:
            raise AssertionError(f"log-probabilities of {tokens}: found up to {max(gaps):.3g} off")


def the_fast_step_is_the_plain_one(case: Case) -> None:
    """Search finds the same by it, alone and in an ensemble, where it can stand in at all."""
    model = build(case)
    step, plain = fast_step_of(model), model_step(model)
    if step is None:
        return
    source_BS, lengths_B, _ = inputs()
    for beam in (1, 3):
        options = DecodingConfig(beam=beam, n_best=beam, length_penalty=0.6, no_repeat_ngram=2)
        memory, state = model.encode(source_BS, lengths_B)
        own, fast = ModelState(memory, state), step.start(memory, state, slots=beam)
        expected = _search(plain, own, options)
        for found in (
            _search(step, fast, options),
            _search(ensemble([step, plain]), EnsembleState((fast, own)), options),
        ):
            _assert_same_hypotheses(found, expected)


def _assert_same_hypotheses(
    found: list[list[Hypothesis]], expected: list[list[Hypothesis]]
) -> None:
    for row, (ours, theirs) in enumerate(zip(found, expected, strict=True)):
        for one, other in zip(ours, theirs, strict=True):
            if one.tokens != other.tokens:
                raise AssertionError(
                    f"sentence {row}: expected {other.tokens} as by the plain step, "
                    f"found {one.tokens}"
                )
            apart = f"of {one.tokens} by the fast step and the plain one"
            pair = torch.tensor(one.log_probs), torch.tensor(other.log_probs)
            _assert_close(*pair, f"log-probabilities {apart}")
            weights = torch.from_numpy(one.weights_HTS), torch.from_numpy(other.weights_HTS)
            _assert_close(*weights, f"weights {apart}")


def _decode(model: Seq2Seq, options: DecodingConfig, longest: int = 6) -> list[list[Hypothesis]]:
    source_BS, lengths_B, _ = inputs()
    start = ModelState(*model.encode(source_BS, lengths_B))
    return _search(model_step(model), start, options, longest)


def _search(
    step: Step, state: State, options: DecodingConfig, longest: int = 6
) -> list[list[Hypothesis]]:
    return search(
        step,
        state,
        sentences=3,
        max_lengths=longest,
        options=options,
        bos=BOS,
        eos=EOS,
    )


def _argmax_decode(model: Seq2Seq, longest: int = 6) -> list[list[int]]:
    """Greedy search in the plainest way: one sentence at a time, the whole prefix read anew."""
    source_BS, lengths_B, _ = inputs()
    found = []
    for row, length in enumerate(LENGTHS):
        tokens = [BOS]
        while len(tokens) <= longest:
            decoded = model(
                source_BS[row : row + 1, :length],
                lengths_B[row : row + 1],
                torch.tensor([tokens]),
            )
            token = int(model.output(decoded.features_BTF[0, -1]).argmax())
            if token == EOS:
                break
            tokens.append(token)
        found.append(tokens[1:])
    return found


def _enumerate_all(model: Seq2Seq, steps: int) -> list[dict[tuple[int, ...], list[float]]]:
    """Every finished output of at most `steps` tokens, with the log-probability of each token."""
    source_BS, lengths_B, _ = inputs()
    finished: list[dict[tuple[int, ...], list[float]]] = [{} for _ in LENGTHS]
    step = model_step(model)
    for row in range(3):
        rows = torch.tensor([row])
        state = select(ModelState(*model.encode(source_BS, lengths_B)), rows)
        prefixes: list[tuple[tuple[int, ...], list[float]]] = [((), [])]
        tokens_N = torch.tensor([BOS])
        for _ in range(steps):
            log_probs_NW, _, state = step(tokens_N, state)
            grown, parents = [], []
            for parent, (prefix, log_probs) in enumerate(prefixes):
                for token, value in enumerate(log_probs_NW[parent].tolist()):
                    longer = (*prefix, token)
                    if token == EOS:
                        finished[row][longer] = [*log_probs, value]
                    else:
                        grown.append((longer, [*log_probs, value]))
                        parents.append(parent)
            prefixes = grown
            state = state.keep(torch.tensor(parents))
            tokens_N = torch.tensor([prefix[-1] for prefix, _ in prefixes])
    return finished


LAWS: tuple[Law, ...] = (
    a_whole_sequence_is_its_steps,
    what_comes_later_changes_nothing,
    a_sentence_is_the_same_alone_and_in_a_padded_batch,
    what_stands_on_padding_changes_nothing,
    the_order_of_sentences_is_irrelevant,
    weights_are_non_negative_sum_to_one_and_never_lie_on_padding,
    what_was_read_before_leaves_no_trace,
    what_is_handed_in_stays_as_it_was,
    the_state_can_be_reordered,
    recording_changes_nothing,
    two_threads_with_interventions_get_what_each_gets_alone,
    gradients_are_those_of_finite_differences,
    gradients_reach_every_parameter_of_the_unit,
    the_same_seed_gives_the_same_in_training,
    large_scores_leave_loss_and_gradients_finite,
    the_whole_graph_is_captured_by_torch_compile,
    a_beam_of_one_is_greedy_search,
    a_wide_beam_is_exhaustive_search,
    the_fast_step_is_the_plain_one,
)


# --- what the laws are stated with ----------------------------------------------------------------


def _units(model: Seq2Seq) -> Iterator[Attention]:
    """Yield every attention unit of the network, the encoder's too."""
    return (module for module in model.modules() if isinstance(module, Attention))


def _batch() -> Batch:
    """Return the sentences with targets of 5, 3 and 1 tokens."""
    source_BS, _, targets_BT = (tensor.numpy() for tensor in inputs())
    sources = [row[:length] for row, length in zip(source_BS, LENGTHS, strict=True)]
    targets = [row[:length] for row, length in zip(targets_BT, (5, 3, 1), strict=True)]
    return collate(list(zip(sources, targets, strict=True)), source_end=False)


def _loss(model: Seq2Seq) -> Tensor:
    """What training would make small, per token."""
    loss = batch_loss(model, _batch(), torch.device("cpu"), 0.0)
    return loss.total / loss.weight


def _leaves(tree: Tree) -> list[Tensor]:
    return [leaf for _, leaf in named_leaves(tree)]


def _assert_close(found: Tensor, expected: Tensor, what: str) -> None:
    """Hold two tensors to the tolerance of their type; `what` names both: "x of a and of b"."""
    try:
        torch.testing.assert_close(found, expected)
    except AssertionError:
        raise AssertionError(_difference(found, expected, what)) from None


def _assert_equal(found: Tensor, expected: Tensor, what: str) -> None:
    if not torch.equal(found, expected):
        raise AssertionError(_difference(found, expected, what))


def _assert_trees_close(found: Tree, expected: Tree, what: str) -> None:
    for one, other in zip(_leaves(found), _leaves(expected), strict=True):
        _assert_close(one, other, what)


def _difference(found: Tensor, expected: Tensor, what: str) -> str:
    for name in ("shape", "dtype"):
        one, other = getattr(found, name), getattr(expected, name)
        if one != other:
            one, other = (tuple(x) if name == "shape" else x for x in (one, other))
            return f"{what}: expected the same {name}, found {one} and {other}"
    gap = float((found.detach().double() - expected.detach().double()).abs().max())
    return f"{what}: expected the same, found them up to {gap:.3g} apart"


def _number(value: Tensor) -> str:
    return f"{float(value.detach()):.6g}"


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
