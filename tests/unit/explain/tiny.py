"""Translators of random weights, and an explanation made by hand of the article's figures."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import torch

from seq2seq.config import DecodingConfig, ModelConfig, TokenizerConfig
from seq2seq.data.tokenizer import Tokenizers, WordPieces, train_tokenizers
from seq2seq.explain import Explanation, Kinds
from seq2seq.inference.translator import Translator
from seq2seq.model.model import Seq2Seq
from seq2seq.translation.texts import TextSettings
from tests.integration.tiny import EIGHT

TEXT = "a black cat eats here"  # `black` and `here` are several pieces each


@lru_cache
def tokenizers() -> Tokenizers:
    config = TokenizerConfig(vocab_size=46)
    return train_tokenizers([s for s, _ in EIGHT], [t for _, t in EIGHT], config)


def translator(
    attention: str | dict[str, Any] = "general",
    decoder: str | dict[str, Any] = "luong",
    *,
    source_end: bool = True,
    max_length: int = 6,
    **encoder: Any,
) -> Translator:
    """One network, every parameter drawn wide enough that no two positions are alike."""
    torch.manual_seed(3)
    decoder = {"kind": decoder} if isinstance(decoder, str) else decoder
    config = ModelConfig.model_validate(
        {
            "embedding": 6,
            "encoder": {"size": 4, **encoder},
            "attention": attention,
            "decoder": {"size": 8, **decoder},
        }
    )
    names = tokenizers()
    model = Seq2Seq(config, len(names.source), len(names.target))
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.7)
    return Translator(
        [model],
        names,
        TextSettings(
            options=DecodingConfig(beam=3, max_length=max_length),
            source_end=source_end,
            max_length=50,
        ),
        device=torch.device("cpu"),
    )


def article(**changed: Any) -> Explanation:
    """ "I love you" -> "je t'aime" with the article's scores and weights; its vectors are ours."""
    states_SE = np.array([[3.0, 4.0], [-0.6, 0.8], [0.0, -12.0]])
    weights_TS = np.array([[0.94, 0.02, 0.04], [0.11, 0.01, 0.88], [0.03, 0.95, 0.02]])
    scores_TS = np.array([[0.63, -3.2, -2.5], [-1.5, -3.9, 0.57], [-2.8, 0.64, -3.2]])
    values: dict[str, Any] = {
        "source": "I love you",
        "translation": "je t'aime",
        "source_pieces": ["▁I", "▁love", "▁you"],
        "target_pieces": ["▁je", "▁t'", "aime"],
        "source_words": [WordPieces(w, (i,)) for i, w in enumerate(["I", "love", "you"])],
        "target_words": [WordPieces(w, (i,)) for i, w in enumerate(["je", "t'", "aime"])],
        "kinds": Kinds("dot", "softmax", "luong", "copy", "from the beginning"),
        "embeddings_PI": np.zeros((3, 5)),
        "states_SE": states_SE,
        "keys_HSK": states_SE[None],
        "values_HSV": states_SE[None],
        "decoder_TD": np.array([[0.0, 0.5], [1.5, 2.0], [0.004, -0.25]]),
        "queries_HTK": np.array([[[0.0, 0.5], [1.5, 2.0], [0.004, -0.25]]]),
        "scores_HTS": scores_TS[None],
        "weights_HTS": weights_TS[None],
        "context_TC": weights_TS @ states_SE,
        "features_TF": np.zeros((3, 5)),
        "log_probs_T": np.log([0.5, 0.25, 1.0]),
        **changed,
    }
    return Explanation(**values)
