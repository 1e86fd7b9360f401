"""Saliency against finite differences, sentences without the word, and arithmetic on paper."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor, nn

from seq2seq.config import DecodingConfig, ModelConfig, TokenizerConfig
from seq2seq.data.tokenizer import Tokenizers, train_tokenizers
from seq2seq.errors import UserError
from seq2seq.explain.saliency import Saliency, gradient_saliency, leave_one_out
from seq2seq.inference.translator import Translator
from seq2seq.model.model import Seq2Seq
from seq2seq.model.probe import is_probed
from seq2seq.translation.texts import TextSettings

SOURCE, TARGET = "the cat eats the small dog", "le chat mange le petit chien"

MODELS: dict[str, dict[str, object]] = {
    "general": {"attention": "general", "decoder": {"size": 6}},
    "tied": {"attention": "additive", "decoder": {"kind": "conditional", "size": 6}, "tie": "all"},
    "multihead": {
        "attention": {"kind": "multihead", "size": 6, "heads": 3},
        "decoder": {"kind": "bahdanau", "size": 6},
    },
    "none": {"attention": "none", "decoder": {"size": 6}},
}


@pytest.fixture(scope="module")
def tokenizers() -> Tokenizers:
    config = TokenizerConfig(vocab_size=45, joint=True)
    return train_tokenizers([SOURCE, "a bird sleeps"], [TARGET, "un oiseau dort"], config)


def model_of(name: str, tokenizers: Tokenizers, seed: int = 3) -> Seq2Seq:
    torch.manual_seed(seed)
    sizes = {"embedding": 5, "encoder": {"size": 4}}
    config = ModelConfig.model_validate({**sizes, **MODELS[name]})
    model = Seq2Seq(config, len(tokenizers.source), len(tokenizers.target)).double()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.7)
    return model


def translator_of(*models: Seq2Seq, tokenizers: Tokenizers, source_end: bool = True) -> Translator:
    return Translator(
        models,
        tokenizers,
        TextSettings(options=DecodingConfig(), source_end=source_end, max_length=99),
        device=torch.device("cpu"),
    )


def word_log_probs(translator: Translator, source: str, target: str) -> list[float]:
    (best,) = translator.force([(source, target)])[0].candidates
    return [sum(best.log_probs[piece] for piece in word.pieces) for word in best.words]


# --- leaving words out ----------------------------------------------------------------------------


@pytest.mark.parametrize("source_end", [True, False])
@pytest.mark.parametrize("name", MODELS)
def test_a_word_left_out_is_a_sentence_without_it(
    name: str, source_end: bool, tokenizers: Tokenizers
) -> None:
    translator = translator_of(
        model_of(name, tokenizers), tokenizers=tokenizers, source_end=source_end
    )
    found = leave_one_out(translator, SOURCE, TARGET)
    words = SOURCE.split()
    assert found.words == TARGET.split()
    assert found.source_words == words + ["</s>"] * source_end
    whole_I = np.array(word_log_probs(translator, SOURCE, TARGET))
    for j in range(len(words)):
        without = " ".join(words[:j] + words[j + 1 :])
        drop_I = whole_I - word_log_probs(translator, without, TARGET)
        np.testing.assert_allclose(found.importance_IJ[:, j], drop_I, atol=1e-12)
    attention = translator.force([(SOURCE, TARGET)])[0].attention
    np.testing.assert_array_equal(found.attention_IJ, attention)


def test_the_end_can_be_left_out_too(tokenizers: Tokenizers) -> None:
    model = model_of("general", tokenizers)
    reads, not_reads = (
        translator_of(model, tokenizers=tokenizers, source_end=end) for end in (True, False)
    )
    found = leave_one_out(reads, SOURCE, TARGET).importance_IJ[:, -1]
    both = [np.array(word_log_probs(each, SOURCE, TARGET)) for each in (reads, not_reads)]
    np.testing.assert_allclose(found, both[0] - both[1], atol=1e-12)


def test_where_nothing_would_be_left_there_is_no_number(tokenizers: Tokenizers) -> None:
    translator = translator_of(
        model_of("general", tokenizers), tokenizers=tokenizers, source_end=False
    )
    found = leave_one_out(translator, "cat", "le chat")
    assert found.importance_IJ.shape == (2, 1)
    assert np.isnan(found.importance_IJ).all()
    assert np.isnan(found.spearman_I).all()
    assert found.as_dict()["importance"] == [[None], [None]]
    assert str(found).endswith("no correlation with attention is defined")


# --- gradients ------------------------------------------------------------------------------------


def moved(translator: Translator, direction_SE: Tensor) -> list[float]:
    """The log-probability of each target word with the encoder's input moved so far."""

    def move(_: nn.Module, arguments: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        embedded_BSE, *others = arguments
        return embedded_BSE + direction_SE, *others

    handles = [m.encoder.register_forward_pre_hook(move) for m in translator.models]
    try:
        return word_log_probs(translator, SOURCE, TARGET)
    finally:
        for handle in handles:
            handle.remove()


def numerical_gradients_ISE(translator: Translator, positions: int) -> npt.NDArray[np.float64]:
    """Central differences, one number of one embedding after the other."""
    step, size = 1e-5, 5
    gradients_ISE = np.zeros((len(TARGET.split()), positions, size))
    for position in range(positions):
        for entry in range(size):
            direction_SE = torch.zeros(positions, size, dtype=torch.float64)
            direction_SE[position, entry] = step
            up, down = moved(translator, direction_SE), moved(translator, -direction_SE)
            gradients_ISE[:, position, entry] = (np.array(up) - down) / (2 * step)
    return gradients_ISE


@pytest.mark.parametrize("name", MODELS)
def test_gradients_are_those_of_finite_differences(name: str, tokenizers: Tokenizers) -> None:
    translator = translator_of(model_of(name, tokenizers), tokenizers=tokenizers)
    ids = translator.source_ids(SOURCE)
    gradients_ISE = numerical_gradients_ISE(translator, len(ids))
    table = translator.models[0].source_embedding.get_parameter("weight")
    embedded_SE = table[ids].detach().numpy()
    products, norms = gradient_saliency(translator, SOURCE, TARGET)
    for j, word in enumerate(translator.source_words(SOURCE)):
        product_I, norm_I = np.zeros(len(TARGET.split())), np.zeros(len(TARGET.split()))
        for piece in word.pieces:
            product_I += np.abs(gradients_ISE[:, piece] @ embedded_SE[piece])
            norm_I += np.sqrt((gradients_ISE[:, piece] ** 2).sum(-1))
        np.testing.assert_allclose(products.importance_IJ[:, j], product_I, atol=1e-7)
        np.testing.assert_allclose(norms.importance_IJ[:, j], norm_I, atol=1e-7)
    assert all(parameter.grad is None for parameter in translator.models[0].parameters())


def test_gradients_leave_nothing_behind(tokenizers: Tokenizers) -> None:
    translator = translator_of(model_of("tied", tokenizers), tokenizers=tokenizers)
    before = word_log_probs(translator, SOURCE, TARGET)
    with torch.no_grad():
        first = gradient_saliency(translator, SOURCE, TARGET)[0].importance_IJ
        second = gradient_saliency(translator, SOURCE, TARGET)[0].importance_IJ
    np.testing.assert_array_equal(first, second)
    assert word_log_probs(translator, SOURCE, TARGET) == before
    assert not is_probed()


def test_an_ensemble_reads_with_all_its_embeddings(tokenizers: Tokenizers) -> None:
    one, same = model_of("general", tokenizers), model_of("general", tokenizers)
    alone = gradient_saliency(translator_of(one, tokenizers=tokenizers), SOURCE, TARGET)
    for models in ((one, same), (one, one)):
        translator = translator_of(*models, tokenizers=tokenizers)
        products, norms = gradient_saliency(translator, SOURCE, TARGET)
        # Each model has half the gradient: halves of the product add up, squares to a half.
        np.testing.assert_allclose(products.importance_IJ, alone[0].importance_IJ)
        np.testing.assert_allclose(norms.importance_IJ, alone[1].importance_IJ / math.sqrt(2))


@pytest.mark.parametrize("method", [leave_one_out, gradient_saliency])
def test_a_blank_source_is_refused_and_a_blank_target_has_no_rows(
    method: Callable[..., Any], tokenizers: Tokenizers
) -> None:
    translator = translator_of(model_of("general", tokenizers), tokenizers=tokenizers)
    with pytest.raises(UserError, match="saliency: expected a source with words, found a blank"):
        method(translator, "  ", TARGET)
    found = method(translator, "the cat", "")
    for one in found if isinstance(found, tuple) else [found]:
        assert one.importance_IJ.shape == one.attention_IJ.shape == (0, 3)
        assert one.as_dict()["mean_kendall"] is None
        assert str(one)


def test_a_saliency_is_shown_with_its_agreement() -> None:
    importance_IJ = np.array([[2.5, -0.25, 0.0], [0.0, 0.0, 0.0]])
    attention_IJ = np.array([[0.7, 0.1, 0.2], [0.2, 0.3, 0.5]], np.float32)
    words, source_words = ["j'", "aime"], ["I", "love", "</s>"]
    texts, matrices = ("I love", "j'aime"), (importance_IJ, attention_IJ)
    found = Saliency("leave-one-out", "nats", *texts, words, source_words, *matrices)
    assert str(found).splitlines() == [
        "leave-one-out, nats",
        "          I    love   </s>   Spearman  Kendall",
        "j'    [2.50]  -0.25   0.00       1.00     1.00",
        "aime   0.00    0.00   0.00          -        -",
        "with attention: Spearman 1.00, Kendall 1.00, the means of 1 of 2 words",
    ]
    plain = found.as_dict()
    assert (plain["spearman"], plain["mean_kendall"]) == ([1.0, None], 1.0)
    assert plain["attention"][0] == [0.7, 0.1, 0.2]
