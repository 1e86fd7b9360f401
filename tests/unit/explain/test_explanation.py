"""Every tensor of the one forced reading, against the translation and against loops."""

from __future__ import annotations

import json
import math
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
import torch

from seq2seq.config import DecodingConfig
from seq2seq.data.tokenizer import EOS
from seq2seq.errors import UserError
from seq2seq.explain import explain, of_head
from seq2seq.inference.translator import Translator
from seq2seq.model.attention import ATTENTIONS
from seq2seq.translation.texts import TextSettings
from tests.unit.explain.tiny import TEXT, article, translator

UNITS: list[dict[str, Any]] = [
    *({"kind": kind} for kind in ATTENTIONS if kind != "multihead"),
    {"kind": "multihead", "size": 6, "heads": 3},
    {"kind": "concat", "addressing": "sparsemax"},
    {"kind": "general", "addressing": {"kind": "local-p", "window": 2}},
    {"kind": "additive", "addressing": "hard"},
    {"kind": "cosine", "addressing": "ntm"},
]
DECODERS: list[dict[str, Any]] = [
    {"kind": "luong"},  # all steps at once
    {"kind": "luong", "input_feeding": True},
    {"kind": "bahdanau"},
    {"kind": "conditional", "layers": 2},
]
every_model = pytest.mark.parametrize(
    ("unit", "decoder"),
    [(unit, decoder) for unit in UNITS for decoder in DECODERS],
    ids=lambda part: "-".join(str(value) for value in part.values()),
)


@every_model
def test_it_is_the_translation_that_was_found(unit: Any, decoder: Any) -> None:
    model = translator(unit, decoder)
    (found,) = model.translate([TEXT])
    seen = explain(model, TEXT)
    assert (seen.source, seen.translation) == (found.source, found.text)
    assert [word.word for word in seen.target_words] == found.words
    np.testing.assert_allclose(seen.matrix_NJ(), found.attention, atol=1e-5)
    np.testing.assert_allclose(seen.log_probs_T, found.candidates[0].log_probs, atol=1e-5)


@every_model
def test_an_axis_letter_means_one_size_all_through(unit: Any, decoder: Any) -> None:
    seen = explain(translator(unit, decoder), TEXT)
    sizes = {"S": len(seen.source_pieces), "T": len(seen.target_pieces), "H": seen.heads}
    for item in fields(seen):
        value = getattr(seen, item.name)
        if isinstance(value, np.ndarray):
            for letter, size in zip(item.name.rpartition("_")[2], value.shape, strict=True):
                if letter not in "KP":  # the unit `location` compares its queries with no key
                    assert sizes.setdefault(letter, size) == size, item.name


@every_model
def test_the_context_is_the_weighted_mean_of_values(unit: Any, decoder: Any) -> None:
    model = translator(unit, decoder)
    seen = explain(model, TEXT)
    mixed = getattr(model.models[0].decoder.units["source"], "output", None)
    for t in range(len(seen.target_pieces)):
        context: list[float] = []
        for head in range(seen.heads):
            for v in range(seen.values_HSV.shape[2]):
                terms = [
                    seen.weights_HTS[head, t, s] * seen.values_HSV[head, s, v]
                    for s in range(len(seen.source_pieces))
                ]
                context.append(float(sum(terms)))
        if mixed is not None:
            context = mixed.weight.detach().double().numpy() @ context
        np.testing.assert_allclose(seen.context_TC[t], context, atol=1e-5)


@pytest.mark.parametrize("unit", ["dot", "additive", "location", "multihead", "coverage"])
def test_softmax_makes_the_weights_of_the_scores(unit: str) -> None:
    seen = explain(translator(unit), TEXT)
    for scores_S, weights_S in zip(
        seen.scores_HTS.reshape(-1, seen.scores_HTS.shape[2]),
        seen.weights_HTS.reshape(-1, seen.weights_HTS.shape[2]),
        strict=True,
    ):
        powers = [math.exp(score - max(scores_S)) for score in scores_S]
        np.testing.assert_allclose(weights_S, np.array(powers) / sum(powers), atol=1e-6)


def test_dot_scores_are_states_times_states() -> None:
    seen = explain(translator("dot", "bahdanau"), TEXT)
    assert seen.reads_states
    expected = [[sum(s * h) for h in seen.states_SE] for s in seen.decoder_TD]
    np.testing.assert_allclose(seen.scores_HTS[0], expected, atol=1e-5)


@pytest.mark.parametrize("layers", [1, 2])
def test_x_are_the_embeddings_of_the_pieces_and_h_the_states_of_the_last_layer(layers: int) -> None:
    model = translator(layers=layers)
    (network,) = model.models
    seen = explain(model, TEXT)
    ids = [*model.tokenizers.source.encode(TEXT), EOS]
    table = network.source_embedding.get_parameter("weight").detach()
    np.testing.assert_array_equal(seen.embeddings_PI, [table[i].numpy() for i in ids])
    with torch.no_grad():
        encoded = network.encoder(table[ids].unsqueeze(0), torch.tensor([len(ids)]))
    np.testing.assert_allclose(seen.states_SE, encoded.states_BSE[0], atol=1e-6)


def test_the_first_s_before_the_cell_is_what_the_bridge_gives() -> None:
    model = translator("additive", {"kind": "bahdanau", "bridge": "copy"}, size=4)
    seen = explain(model, TEXT)
    ends = [*seen.states_SE[-1, :4], *seen.states_SE[0, 4:]]  # forward's last, backward's first
    np.testing.assert_allclose(seen.decoder_TD[0], ends, atol=1e-6)


def test_self_attention_in_the_encoder_is_seen_too() -> None:
    seen = explain(translator(self_attention={"kind": "multihead", "heads": 2}), TEXT)
    positions = len(seen.source_pieces)
    _, own = seen.first_maps
    assert own.place == "encoder.self"
    assert own.scores_NXY is not None
    assert own.scores_NXY.shape == own.values_NXY.shape == (2, positions, positions)
    np.testing.assert_allclose(own.values_NXY.sum(2), 1, atol=1e-6)
    assert own.matrix().shape == (len(seen.source_words), len(seen.source_words))
    assert seen.heads == 1
    assert [one.place for one in explain(translator(), TEXT).maps] == ["decoder.source"]


# --- what is read ---------------------------------------------------------------------------------


def test_a_translation_cut_off_has_no_end() -> None:
    model = translator(max_length=2)
    cut = explain(model, TEXT)
    with torch.no_grad():
        model.models[0].output.bias[EOS] += 20
    whole = explain(model, TEXT)
    assert whole.target_pieces[-1] == "</s>"
    assert len(cut.target_pieces) == len(cut.log_probs_T) == cut.weights_HTS.shape[1] == 2
    assert "</s>" not in cut.target_pieces


@pytest.mark.parametrize("end", [True, False])
def test_the_source_s_end_is_there_if_it_is_attended_to(end: bool) -> None:
    seen = explain(translator(source_end=end), TEXT)
    assert (seen.source_pieces[-1] == "</s>") == (seen.source_words[-1].word == "</s>") == end


@pytest.mark.parametrize("target", ["un chat noir", "", "☃ un"])
def test_a_target_given_is_explained_instead(target: str) -> None:
    model = translator("additive", "conditional")
    (forced,) = model.force([(TEXT, target)])
    seen = explain(model, TEXT, target=target)
    assert seen.translation == forced.text
    assert seen.target_pieces == [*forced.candidates[0].pieces, "</s>"]
    np.testing.assert_allclose(seen.matrix_NJ(), forced.attention, atol=1e-5)
    np.testing.assert_allclose(seen.log_probs_T, forced.candidates[0].log_probs, atol=1e-5)


def test_the_best_of_a_beam_is_read() -> None:
    model = translator()
    model.options = DecodingConfig(beam=5, n_best=3, max_length=6)
    assert explain(model, TEXT).translation == model.translate([TEXT])[0].candidates[0].text


@pytest.mark.parametrize("unit", ["general", "none", "multihead"])
@pytest.mark.parametrize("target", [None, "un chat"])
def test_a_blank_text_has_nothing_in_it(unit: str, target: str | None) -> None:
    seen = explain(translator(unit), " \t", target=target)
    assert (seen.source, seen.translation) == (" \t", "")
    assert seen.as_dict()["weights"] == [[]] * seen.heads
    assert seen.as_dict()["steps"] == seen.target_pieces == seen.source_pieces == []
    assert seen.matrix_NJ().shape == (0, 0)


def test_an_ensemble_is_refused() -> None:
    one = translator()
    both = Translator(
        one.models * 2,
        one.tokenizers,
        TextSettings(options=one.options, source_end=True, max_length=50),
        device=one.device,
    )
    with pytest.raises(UserError, match=r"explain: looks into one model, found an ensemble of 2"):
        explain(both, TEXT)


# --- heads, words, plain values -------------------------------------------------------------------


def test_a_head_or_the_mean_of_all_is_taken() -> None:
    tensor = np.array([[[1.0, 2.0]], [[5.0, 6.0]]])
    np.testing.assert_array_equal(of_head(tensor, 1), [[5, 6]])
    np.testing.assert_array_equal(of_head(tensor, None), [[3, 4]])
    assert of_head(np.zeros((0, 3, 2)), None).shape == (3, 0)


def test_words_sum_over_source_pieces_and_average_over_target_pieces() -> None:
    seen = explain(translator({"kind": "multihead", "size": 6, "heads": 3}), TEXT)
    assert any(len(word.pieces) > 1 for word in seen.source_words)
    assert any(len(word.pieces) > 1 for word in seen.target_words)
    for head in (None, 0, 2):
        for n, word in enumerate(seen.target_words):
            for j, source in enumerate(seen.source_words):
                rows = []
                for t in word.pieces:
                    heads = range(3) if head is None else [head]
                    sums = [sum(seen.weights_HTS[h, t, s] for s in source.pieces) for h in heads]
                    rows.append(sum(sums) / len(sums))
                assert seen.matrix_NJ(head)[n, j] == pytest.approx(sum(rows) / len(rows), abs=1e-6)


def test_labels_mark_a_piece_that_goes_on_with_a_word() -> None:
    seen = explain(translator(), TEXT)
    for word in seen.source_words:
        first, *others = (seen.source_labels[index] for index in word.pieces)
        assert not first.startswith("+")
        assert all(label.startswith("+") for label in others)
        spelt = first + "".join(label[1:] for label in others)
        assert spelt.removeprefix("▁") == word.word  # a piece may be nothing but the space


def test_kinds_are_called_as_in_the_configuration() -> None:
    kinds = explain(
        translator(
            {"kind": "additive", "addressing": "sparsemax"},
            {"kind": "conditional", "bridge": "mean"},
            bidirectional=False,
        ),
        TEXT,
    ).kinds
    assert kinds == replace(kinds, attention="additive", addressing="sparsemax")
    assert (kinds.decoder, kinds.bridge, kinds.read) == (
        "conditional",
        "mean",
        "from the beginning",
    )


def test_as_dict_has_the_shape_that_the_page_reads() -> None:
    plain = article(model="runs/demo", checkpoint="00002500").as_dict()
    assert plain.pop("steps") == [
        {"step": 1, "x": "▁I", "h": [3, 4]},
        {"step": 2, "x": "▁love", "h": [-0.6, 0.8]},
        {"step": 3, "x": "▁you", "h": [0, -12]},
        {
            "step": 4,
            "s": [0, 0.5],
            "scores": [[0.63, -3.2, -2.5]],
            "weights": [[0.94, 0.02, 0.04]],
            "context": [0.94 * 3 - 0.02 * 0.6, 0.94 * 4 + 0.02 * 0.8 - 0.04 * 12],
            "y": "▁je",
        },
        {
            "step": 5,
            "s": [1.5, 2],
            "scores": [[-1.5, -3.9, 0.57]],
            "weights": [[0.11, 0.01, 0.88]],
            "context": [0.324, -10.112],
            "y": "▁t'",
        },
        {
            "step": 6,
            "s": [0.004, -0.25],
            "scores": [[-2.8, 0.64, -3.2]],
            "weights": [[0.03, 0.95, 0.02]],
            "context": [-0.48, 0.64],
            "y": "aime",
        },
    ]
    assert plain == {
        "format": 1,
        "model": "runs/demo",
        "checkpoint": "00002500",
        "attention": "dot",
        "addressing": "softmax",
        "source": "I love you",
        "translation": "je t'aime",
        "log_probs": [-0.69315, -1.38629, 0],
        "source_pieces": ["▁I", "▁love", "▁you"],
        "target_pieces": ["▁je", "▁t'", "aime"],
        "source_words": [
            {"word": "I", "pieces": [0]},
            {"word": "love", "pieces": [1]},
            {"word": "you", "pieces": [2]},
        ],
        "target_words": [
            {"word": "je", "pieces": [0]},
            {"word": "t'", "pieces": [1]},
            {"word": "aime", "pieces": [2]},
        ],
        "weights": [[[0.94, 0.02, 0.04], [0.11, 0.01, 0.88], [0.03, 0.95, 0.02]]],
        "maps": [],
        "axes": {},
    }
    assert "steps" not in article().as_page()


def test_json_has_neither_infinity_nor_nan() -> None:
    scores = np.array([[[1 / 3, -np.inf, np.nan]] * 3])
    plain = json.loads(json.dumps(article(scores_HTS=scores).as_dict(), allow_nan=False))
    assert plain["steps"][3]["scores"] == [[0.33333, None, None]]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: "-".join(map(str, unit.values())))
def test_every_unit_s_explanation_is_plain_json(unit: Any) -> None:
    seen = explain(translator(unit, self_attention="dot"), TEXT)
    plain = json.loads(json.dumps(seen.as_dict(), allow_nan=False))
    assert np.array(plain["weights"]).shape == (seen.weights_HTS.shape if seen.heads else (0,))
    assert len(plain["steps"]) == len(seen.source_pieces) + len(seen.target_pieces)
    assert plain["maps"][0]["place"] == "encoder.self"
    assert len(plain["maps"][0]["values"]) == 1
