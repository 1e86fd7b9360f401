"""The quality of a model during training: validation loss, and the scores of decoding."""

import logging
import math
from collections.abc import Sequence
from itertools import zip_longest

import torch

from seq2seq.config import Config
from seq2seq.data.batching import in_order
from seq2seq.data.prepare import Prepared
from seq2seq.evaluation.scores import quick_scores, why_bleu_is_blind
from seq2seq.evaluation.tokenizers import choose_tokenizer
from seq2seq.inference.translator import Translator
from seq2seq.machine.device import find_device
from seq2seq.model.model import Seq2Seq
from seq2seq.training.distributed import ALONE, World
from seq2seq.training.loss import batch_loss
from seq2seq.training.memory import telling_of_memory
from seq2seq.training.validator import Sample, Validate, Validation
from seq2seq.translation.texts import TextSettings

logger = logging.getLogger(__name__)


def build_validate(config: Config, prepared: Prepared, world: World = ALONE) -> Validate:
    """Return the function that validates a model on `prepared`'s validation set.

    Each rank of `world` translates a part of it, and all get the same figures.

    It decodes greedily, whatever `decoding` says: the best step is much the same, and found sooner.
    What BLEU counts is chosen once, as `evaluate` would; the log says so where it is not 13a, and
    where BLEU can't tell a good model from a bad one.
    """
    device = find_device(config.training.device)
    tokenize = choose_tokenizer(
        [prepared.valid_target],
        tokenize=config.evaluation.tokenize,
        language=config.data.target,
    )
    blind = why_bleu_is_blind(prepared.valid_target, tokenize)
    if blind and config.training.metric == "bleu":
        logger.info("the loss chooses the best checkpoint, because BLEU says too little: %s", blind)
    changes = {"beam": 1, "n_best": 1, "sample": False}
    if device.type != "cpu":
        changes["workers"] = 1  # several are refused, except on a CPU
    greedy = config.decoding.model_copy(update=changes)

    def validate(model: Seq2Seq) -> Validation:
        loss = validation_loss(model, config, prepared, device, world)
        if not math.isfinite(loss):  # then there is nothing to decode
            return Validation(loss, 0.0, 0.0, tokenize=tokenize, bleu_tells=not blind)
        translator = Translator(
            [model],
            prepared.tokenizers,
            TextSettings.of(config, options=greedy, scripts=prepared.summary.scripts),
            device=device,
        )
        own = prepared.valid_source[world.rank :: world.size]
        texts = [translation.text for translation in translator.stream(own)]
        hypotheses = _interleaved(world.gather(texts))
        samples = [
            Sample(prepared.valid_source[i], prepared.valid_target[i], hypotheses[i])
            for i in _spread(len(hypotheses), config.training.samples)
        ]
        scores = quick_scores(hypotheses, [prepared.valid_target], tokenize=tokenize)
        return Validation(
            loss,
            scores.bleu,
            scores.chrf,
            samples,
            tokenize=tokenize,
            bleu_tells=not blind,
            exact=scores.exact,
        )

    return validate


@torch.no_grad()
def validation_loss(
    model: Seq2Seq,
    config: Config,
    prepared: Prepared,
    device: torch.device,
    world: World = ALONE,
) -> float:
    """Return the mean negative log-likelihood of a validation token, in nats, without smoothing."""
    model.eval()
    total, tokens = 0.0, 0
    batches = in_order(
        prepared.valid,
        config.batching,
        source_end=config.tokenizer.source_end,
        rank=world.rank,
        world=world.size,
    )
    for batch, _ in batches:
        with telling_of_memory("in validation", batch, world):
            total += float(batch_loss(model, batch, device, smoothing=0.0).plain)
        tokens += batch.target_tokens
    total, all_tokens = world.sum([total, tokens])
    return total / all_tokens


def _interleaved(parts: Sequence[Sequence[str]]) -> list[str]:
    """Put together again what was dealt out: the first of each part, the second of each ..."""
    rows = zip_longest(*parts)
    return [text for row in rows for text in row if text is not None]


def _spread(count: int, wanted: int) -> list[int]:
    """Return the places of `wanted` sentences spread evenly over `count`."""
    return [(2 * i + 1) * count // (2 * wanted) for i in range(min(wanted, count))]
