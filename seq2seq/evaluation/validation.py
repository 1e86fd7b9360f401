"""How good a model is while it trains: the loss on validation, and BLEU of decoding it for real."""

import torch

from seq2seq.config import Config
from seq2seq.data.batching import in_order
from seq2seq.data.prepare import Prepared
from seq2seq.device import find_device
from seq2seq.evaluation.scores import quick_bleu
from seq2seq.inference.translator import Translator
from seq2seq.model.model import Seq2Seq
from seq2seq.training.loss import batch_loss
from seq2seq.training.trainer import Sample, Validate, Validation


def build_validate(config: Config, prepared: Prepared) -> Validate:
    """Return the function that validates a model on `prepared`'s validation set.

    It decodes greedily, whatever `decoding` says: the best step is much the same, and found sooner.
    """
    device = find_device(config.training.device)
    changes = {"beam": 1, "n_best": 1, "sample": False}
    if device.type != "cpu":
        changes["workers"] = 1  # more, which are for a CPU, would be refused
    greedy = config.decoding.model_copy(update=changes)

    def validate(model: Seq2Seq) -> Validation:
        translator = Translator(
            [model],
            prepared.tokenizers,
            options=greedy,
            source_end=config.tokenizer.source_end,
            max_length=config.data.max_length,
            device=device,
        )
        hypotheses = [translation.text for translation in translator.stream(prepared.valid_source)]
        samples = [
            Sample(prepared.valid_source[i], prepared.valid_target[i], hypotheses[i])
            for i in _spread(len(hypotheses), config.training.samples)
        ]
        loss = validation_loss(model, config, prepared, device)
        return Validation(loss, quick_bleu(hypotheses, [prepared.valid_target]), samples)

    return validate


@torch.no_grad()
def validation_loss(
    model: Seq2Seq, config: Config, prepared: Prepared, device: torch.device
) -> float:
    """Return the mean negative log-likelihood of a validation token, in nats, without smoothing."""
    model.eval()
    total, tokens = 0.0, 0
    source_end = config.tokenizer.source_end
    for batch, _ in in_order(prepared.valid, config.batching, source_end=source_end):
        total += float(batch_loss(model, batch, device, smoothing=0.0).plain)
        tokens += batch.target_tokens
    return total / tokens


def _spread(count: int, wanted: int) -> list[int]:
    """Return the places of `wanted` sentences spread evenly over `count`."""
    return [(2 * i + 1) * count // (2 * wanted) for i in range(min(wanted, count))]
