"""The translator of trained models: text, model, search and back, or a given translation.

Shapes: B sentences, T target steps, S source positions, H heads, W target vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, overload

import numpy as np
import torch
from torch import Tensor

from seq2seq.config import Config, DecodingConfig
from seq2seq.data.batching import Batch, as_source, collate, send
from seq2seq.data.tokenizer import BOS, EOS, PAD, UNK, Tokenizers
from seq2seq.errors import UserError
from seq2seq.inference.fast_step import FastStep, fast_step_of
from seq2seq.inference.interventions import READS_SOURCE, Intervention, reweighted
from seq2seq.inference.model_step import ModelState, model_step
from seq2seq.inference.probed_step import ProbedState, probed
from seq2seq.inference.transformer_step import TransformerStep
from seq2seq.inference.workers import Workers, count_workers
from seq2seq.kernels import products
from seq2seq.kernels.precision import autocast, precision_used, warn_of_precision
from seq2seq.machine.device import find_device
from seq2seq.machine.waiting import sleep_when_busy
from seq2seq.model.contract import Tree
from seq2seq.model.model import Seq2Seq
from seq2seq.model.probe import is_probed
from seq2seq.runs.alike import check_alike
from seq2seq.runs.finding import newest_run
from seq2seq.runs.run import Run
from seq2seq.search.ensemble import EnsembleState, ensemble, log_mean, mean_weights
from seq2seq.search.hypothesis import Hypothesis, penalised
from seq2seq.search.loop import NotFiniteError
from seq2seq.search.sampling import sentence_seeds
from seq2seq.search.search import search
from seq2seq.search.step import State, Step
from seq2seq.translation.careful import batch_size, carefully
from seq2seq.translation.reading import Source
from seq2seq.translation.texts import TextSettings, TextTranslator, longest
from seq2seq.translation.translation import Translation
from seq2seq.translation.unknown import tell_unknown

Fast = FastStep | TransformerStep


class Translator(TextTranslator):
    """One or more models of one vocabulary, and what is needed to use them on text.

    Threads and tasks may share one: a probe in one of them neither sees nor changes what another
    translates.
    """

    def __init__(
        self,
        models: Sequence[Seq2Seq],
        tokenizers: Tokenizers,
        settings: TextSettings,
        *,
        device: torch.device,
    ) -> None:
        """Take models whose weights don't change once something has been translated."""
        super().__init__(tokenizers, settings)
        sleep_when_busy()
        self.models = [model.to(device).eval() for model in models]
        """Those of the ensemble, or the one."""
        self.device = device
        self.config: Config | None = None
        """Of the run that it was loaded from, the first of several; else unknown."""
        self._packs = {"fp32": products.Packs(), "bf16": products.Packs(torch.bfloat16)}
        self._fast: dict[str, list[Fast | None]] = {}  # by precision: their tables are in one

    @overload
    def translate(  # a str is one text, and never its letters
        self,
        texts: str,
        options: DecodingConfig | None = None,
        *,
        attention: Intervention | None = None,
        **changes: Any,
    ) -> Translation: ...

    @overload
    def translate(
        self,
        texts: Iterable[str],
        options: DecodingConfig | None = None,
        *,
        attention: Intervention | None = None,
        **changes: Any,
    ) -> list[Translation]: ...

    def translate(
        self,
        texts: str | Iterable[str],
        options: DecodingConfig | None = None,
        *,
        attention: Intervention | None = None,
        **changes: Any,
    ) -> Translation | list[Translation]:
        """Return the translation of one text, or of each of several, in order.

        A blank text gives a blank one. `changes` are settings of decoding for this call (`beam=5,
        n_best=3`), on top of `options` or the run's own. Logs a warning of what the models do not
        know. With `attention` the models read with the weights that it makes of their own, which
        are then those shown. Raises UserError if a model has none, or a setting can't be.
        """
        options = self._revised(options, changes)
        found = list(tell_unknown(self.stream(texts, options, attention=attention)))
        return found[0] if isinstance(texts, str) else found

    def stream(
        self,
        texts: str | Iterable[str],
        options: DecodingConfig | None = None,
        *,
        ahead: int | None = None,
        waits: Callable[[], bool] | None = None,
        attention: Intervention | None = None,
    ) -> Iterator[Translation]:
        """Yield the translation of each text, in order: see `TextTranslator.stream`."""
        options = options or self.options

        def search_once(sources: Sequence[Source]) -> list[list[Hypothesis]]:
            with self._intervening(sources, attention):
                return self._search(sources, options)

        search = carefully(search_once, options)
        self._fast_steps(options.precision)  # made here, and not by each worker
        size = _batch_size(options, attention)
        asked = 1 if is_probed() else options.workers  # a probe sees this process only
        with Workers(search, count_workers(asked, self.device)) as workers:
            yield from self._searched(
                texts,
                search,
                options=options,
                size=size,
                ahead=ahead,
                waits=waits,
                workers=workers,
            )

    @torch.no_grad()
    def force(
        self, pairs: Sequence[tuple[str, str]], *, attention: Intervention | None = None
    ) -> list[Translation]:
        """Return each given (source, target) as if it had been found: its score and attention.

        For a blank source nothing could be found, whatever the target. `attention` as in
        `translate`.
        """
        size = _batch_size(self.options, attention)
        options = self.options.model_copy(update={"keep": False})  # a tag is read as it stands
        sources = [
            self._reader.read(number, source, options) for number, (source, _) in enumerate(pairs)
        ]

        def force(batch: Sequence[Source]) -> list[Hypothesis]:
            targets = [self.tokenizers.target.encode(pairs[s.number][1]) for s in batch]
            with self._intervening(batch, attention):
                return self._force(batch, targets)

        forced = carefully(force, options)
        done = {s.number: self._unsearched(s) for s in sources if s.is_blank}
        work = [source for source in sources if not source.is_blank]
        for first in range(0, len(work), size):
            batch = work[first : first + size]
            for source, hypothesis in zip(batch, forced(batch), strict=True):
                done[source.number] = self._translation(source, [hypothesis])
        return [done[source.number] for source in sources]

    def log_probs(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return log_probs_BT of the targets of `batch`, in nats, and weights_BHTS behind them.

        Gradients are kept where they are on; beyond a sentence's end the values mean nothing.
        """
        ids = batch.to(self.device)
        log_probs, weights = [], []
        for model in self.models:
            decoded = model(ids.source_BS, ids.source_lengths_B, ids.inputs_BT)
            logits_BTW = model.output(decoded.features_BTF)
            dtype = torch.promote_types(logits_BTW.dtype, torch.float32)
            log_probs_BTW = logits_BTW.log_softmax(-1, dtype=dtype)
            log_probs.append(log_probs_BTW.gather(2, ids.targets_BT.unsqueeze(2)).squeeze(2))
            weights.append(decoded.weights_BHTS)
        return log_mean(log_probs), mean_weights(weights)

    @property
    def has_attention(self) -> bool:
        """Whether all models have attention weights."""
        return all(model.heads for model in self.models)

    def check_attention(self, attention: Intervention) -> None:
        """Raise UserError if a model has no attention weights that could be replaced so."""
        if not self.has_attention:
            raise UserError("attention: the model has no weights to replace (attention kind none)")
        keep = {model.encoder.keeps_positions for model in self.models}
        if attention.subject == "steps" or keep == {True}:
            return
        if attention.subject == "alignment":
            raise UserError(
                f"attention {attention.spec}: the decoder reads latents, which stand at no "
                "position of the source; try mask=WORD or uniform"
            )
        if len(keep) == 2:
            raise UserError(
                f"attention {attention.spec}: some of the models read latents and some positions "
                "of the source; try one model"
            )

    def __repr__(self) -> str:
        """Return what the models are and how they search, on one line."""
        units = ", ".join(model.config.attention.kind for model in self.models)
        sizes = (sum(p.numel() for p in model.parameters()) for model in self.models)
        return (
            f"Translator({len(self.models)} model{'s'[: len(self.models) - 1]} of {sum(sizes):,} "
            f"parameters, {units} attention, {self._searching()}, on {self.device})"
        )

    def _search(self, sources: Sequence[Source], options: DecodingConfig) -> list[list[Hypothesis]]:
        source_BS, lengths_B = map(torch.from_numpy, self._padded(sources))
        source_BS = send(source_BS, self.device)
        with torch.inference_mode(), self._computing(options.precision):
            step, state = self._start(source_BS, lengths_B, options)
            return search(
                step,
                state,
                sentences=len(sources),
                max_lengths=[longest(len(source.ids), options) for source in sources],
                options=options,
                bos=BOS,
                eos=EOS,
                forbidden=(PAD, BOS, UNK),
                seeds=sentence_seeds(options.seed, [source.number for source in sources]),
                device=self.device,
            )

    def _start(
        self, source_BS: Tensor, lengths_B: Tensor, options: DecodingConfig
    ) -> tuple[Step, State]:
        """The step of all models together, and its state before the first."""
        begun = [
            self._begin(model, fast, *model.encode(source_BS, lengths_B), options)
            for model, fast in zip(self.models, self._fast_steps(options.precision), strict=True)
        ]
        steps, states = [step for step, _ in begun], [state for _, state in begun]
        step = steps[0] if len(steps) == 1 else ensemble(steps)
        state = states[0] if len(states) == 1 else EnsembleState(tuple(states))
        if is_probed():
            return probed(step), ProbedState.start(state, len(source_BS), self.device)
        return step, state

    def _fast_steps(self, precision: str) -> list[Fast | None]:
        if precision not in self._fast:
            # What they make of the weights stays. If two threads make it, the first one's is kept.
            warn_of_precision("decoding.precision", precision, self.device.type)
            with torch.inference_mode(False), torch.no_grad():
                made = [fast_step_of(model) for model in self.models]
            self._fast.setdefault(precision, made)
        return self._fast[precision]

    def _begin(
        self,
        model: Seq2Seq,
        fast: Fast | None,
        memory: Tree,
        state: Tree,
        options: DecodingConfig,
    ) -> tuple[Step, State]:
        """The fastest step that does what the model does, and its state before the first."""
        if fast is None or is_probed():
            return model_step(model), ModelState(memory, state)
        slots = options.n_best if options.sample else options.beam
        return fast, fast.start(memory, state, slots=slots)

    @contextmanager
    def _computing(self, precision: str) -> Iterator[None]:
        """Multiply in this precision: by packed matrices where that can be, else by autocast."""
        device = self.device.type
        packs = self._packs[precision_used(precision, device)]
        packed = products.can_pack(packs.dtype, device)
        with autocast("fp32" if packed else precision, device), products.packing(packs):
            yield

    def _intervening(
        self, sources: Sequence[Source], attention: Intervention | None
    ) -> AbstractContextManager[None]:
        """The context in which all models read with what `attention` makes of their weights."""
        if attention is None:
            return nullcontext()
        self.check_attention(attention)
        reweighting = attention.on([self.source_words(source.text) for source in sources])
        keeps_positions = all(model.encoder.keeps_positions for model in self.models)
        if attention.subject == "source" and not keeps_positions:
            return reweighted(reweighting, READS_SOURCE)
        return reweighted(reweighting)

    def _force(self, sources: Sequence[Source], targets: Sequence[list[int]]) -> list[Hypothesis]:
        batch = collate(
            [
                (as_source(source.ids), np.asarray(target, np.int64))
                for source, target in zip(sources, targets, strict=True)
            ],
            source_end=self._source_end,
        )
        log_probs_BT, weights_BHTS = self.log_probs(batch)
        weights_BHTS = weights_BHTS.float().cpu()
        hypotheses = []
        for row, target in enumerate(targets):
            steps = len(target) + 1
            log_probs = log_probs_BT[row, :steps].tolist()
            if any(map(math.isnan, log_probs)):
                raise NotFiniteError(row)
            score = penalised(log_probs, self.options.length_penalty)
            weights_HTS = weights_BHTS[row, :, :steps].numpy()
            hypotheses.append(Hypothesis(target, log_probs, weights_HTS, True, score))
        return hypotheses


def load(
    *runs: str | Path, checkpoint: str = "best", device: str = "auto", trust_code: bool = False
) -> Translator:
    """Return the translator of a run directory, or of several as an ensemble.

    Without a run the newest finished one under runs/ is taken. `checkpoint` is best, last, average
    or a step; several of them, `8000,9000,best`, are an ensemble too. With `trust_code` the code in
    the runs is executed, whoever wrote it. Raises UserError if a run is missing, damaged or of
    another vocabulary, or has code that isn't known.
    """
    opened = [Run.open(run, trust_code=trust_code) for run in runs or [newest_run()]]
    first = opened[0]
    tokenizers = first.tokenizers
    for other in opened[1:]:
        check_alike(
            *(other, first.config, tokenizers),
            other=f"{first.folder}",
            consequence="the two can't be one ensemble",
        )
    names = [name.strip() for name in str(checkpoint).split(",")]
    for run in opened:
        found = [run.checkpoint(name).folder.resolve().name for name in names]
        if twice := [name for name in found if found.count(name) > 1]:
            raise UserError(
                f"{run.folder}: the checkpoint {twice[0]} is named twice by {checkpoint}; an "
                "ensemble counts each once"
            )
    translator = Translator(
        [run.load_model(name) for run in opened for name in names],
        tokenizers,
        TextSettings.of(first.config, scripts=first.source_scripts),
        device=find_device(device),
    )
    translator.config = first.config
    return translator


def _batch_size(options: DecodingConfig, attention: Intervention | None) -> int:
    """How many sentences are decoded at once."""
    if attention is not None and not hasattr(attention, "alone"):
        raise UserError(
            "attention: expected an intervention, as seq2seq.inference.specs.parse_intervention "
            f"returns, found {attention!r}"
        )
    return 1 if attention is not None and attention.alone else batch_size(options)
