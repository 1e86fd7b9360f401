"""The library from outside: text in, translations and verified attention out."""

import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

import seq2seq
from seq2seq import Candidate, DecodingConfig, Translation, Translator, UserError
from seq2seq.data.tokenizer import WordPieces
from seq2seq.inference.workers import Workers
from seq2seq.pipeline import train
from seq2seq.translation.translation import END, render_matrix
from tests.integration.tiny import BY_HEART, EIGHT, tiny

GREEDY = DecodingConfig(beam=1)
TEXTS = ["the cat sleeps", "a black dog eats here", "here"]

ENSEMBLE = {
    "one": ["model.attention=general", "model.decoder=luong"],
    "two": ["model.attention=multihead", "model.decoder=bahdanau", "seed=2"],
    "no end": ["tokenizer.source_end=false", "model.decoder=luong"],
    "no attention": ["model.attention=none", "model.decoder=luong"],
    "other pieces": ["tokenizer.vocab_size=50", "training.max_steps=1"],
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("api")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEQ2SEQ_CACHE", str(folder / "cache"))
        return {
            name: train(tiny(folder, *BY_HEART, *own), folder / "runs" / name).folder
            for name, own in ENSEMBLE.items()
        }


@pytest.fixture
def translator(runs: dict[str, Path]) -> Translator:
    return seq2seq.load(runs["one"])


# --- translating ----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [3, 64])
@pytest.mark.parametrize("count", [399, 400, 401])
@pytest.mark.skipif(sys.platform != "linux", reason="workers are for Linux only")
def test_workers_translate_as_one_process_does(
    translator: Translator, size: int, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    forks: list[int] = []
    fork = Workers._fork

    def spy(self: Workers[Any, Any]) -> None:
        forks.append(1)
        fork(self)

    monkeypatch.setattr(Workers, "_fork", spy)
    texts = [" ".join(EIGHT[n % 8][0].split()[: 1 + n % 7]) for n in range(count)]
    alone, several = (
        translator.translate(texts, GREEDY.model_copy(update={"workers": workers, "batch": size}))
        for workers in (1, 2)
    )
    assert len(forks) == (2 if count >= 400 else 0)
    for one, other in zip(alone, several, strict=True):
        assert (one.source, one.text) == (other.source, other.text)
        assert one.score == pytest.approx(other.score, abs=1e-5)
        np.testing.assert_allclose(one.attention, other.attention, atol=1e-5)


def test_translations_come_in_order_and_a_blank_line_stays_blank(translator: Translator) -> None:
    texts = ["the cat sleeps", "", "here", "  \t ", "the small cat eats a small dog", "here"]
    found = translator.translate(texts, GREEDY)
    assert [translation.source for translation in found] == texts
    for text, translation in zip(texts, found, strict=True):
        assert bool(translation.text) == bool(text.strip())
        assert translation.text == translator.translate([text], GREEDY)[0].text
    assert (found[1].score, found[1].words, found[1].candidates) == (0.0, [], [])
    assert found[1].attention.shape == (0, 0)


def test_nothing_in_gives_nothing(translator: Translator) -> None:
    assert translator.translate([]) == []
    assert translator.translate(["", " "])[1].text == ""


def test_a_generator_of_texts_is_translated_as_it_is_read(translator: Translator) -> None:
    options = DecodingConfig(beam=1, batch=2)
    texts = [text for text, _ in EIGHT] * 30
    streamed = [translation.text for translation in translator.stream(iter(texts), options)]
    assert streamed == [translation.text for translation in translator.translate(texts, GREEDY)]


@pytest.mark.parametrize("n_best", [1, 3])
def test_the_n_best_come_best_first_and_all_differ(n_best: int, translator: Translator) -> None:
    options = DecodingConfig(beam=4, n_best=n_best)
    for translation in translator.translate(TEXTS, options):
        scores = [candidate.score for candidate in translation.candidates]
        assert len(scores) == n_best
        assert scores == sorted(scores, reverse=True)
        assert len({tuple(candidate.pieces) for candidate in translation.candidates}) == n_best
        assert (translation.text, translation.score) == (
            translation.candidates[0].text,
            translation.candidates[0].score,
        )


def test_a_score_is_the_mean_log_probability_of_the_pieces_and_the_end(
    translator: Translator,
) -> None:
    (translation,) = translator.translate(["the cat sleeps"], GREEDY)
    (best,) = translation.candidates
    assert best.finished
    assert len(best.log_probs) == len(best.pieces) + 1
    assert best.log_prob == pytest.approx(sum(best.log_probs))
    assert best.score == pytest.approx(best.log_prob / len(best.log_probs))


def test_samples_are_those_of_their_seed_and_line(translator: Translator) -> None:
    options = DecodingConfig(sample=True, n_best=3, temperature=2, seed=5)
    one, same = (translator.translate(TEXTS, options) for _ in range(2))
    assert texts_of(one) == texts_of(same)
    alone = translator.translate(TEXTS[:1], options)
    assert texts_of(alone) == texts_of(one)[:1]
    other = translator.translate(TEXTS, options.model_copy(update={"seed": 6}))
    assert texts_of(other) != texts_of(one)


def texts_of(translations: Sequence[Translation]) -> list[list[str]]:
    return [[c.text for c in translation.candidates] for translation in translations]


def test_a_source_longer_than_training_saw_warns_with_its_line(
    translator: Translator, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "seq2seq"):
        found = translator.translate(["here", "cat " * 101], DecodingConfig(beam=1, max_length=5))
    assert "line 2 has 101 pieces, more than the 100 that training saw" in caplog.text
    assert found[1].text


# --- one matrix, however it was found -------------------------------------------------------------


@pytest.mark.parametrize("name", ["one", "two", "no end"])
def test_attention_is_the_same_however_a_translation_was_found(
    name: str, runs: dict[str, Path]
) -> None:
    translator = seq2seq.load(runs[name])
    together = seq2seq.load(runs[name], runs[name])
    batch = [*TEXTS, "the small cat eats a small dog"]  # padded to the longest
    for text in TEXTS:
        (alone,) = translator.translate([text], GREEDY)
        target, expected = alone.text, alone.attention
        encoded = translator.tokenizers.target.encode(target)
        assert translator.tokenizers.target.pieces(encoded) == alone.candidates[0].pieces
        ways = {
            "padded": translator.translate(batch, GREEDY)[batch.index(text)],
            "forced": translator.force([(text, target)])[0],
            "forced, padded": translator.force([("a black dog", "x y z z z"), (text, target)])[1],
            "ensemble": together.translate([text], GREEDY)[0],
            "ensemble, forced": together.force([(text, target)])[0],
        }
        for way, found in ways.items():
            assert found.text == target, way
            assert_close(found.attention, expected)
            assert found.score == pytest.approx(alone.score, abs=1e-5), way
        for beam in (2, 5):
            options = DecodingConfig(beam=beam, n_best=beam)
            for ours in translator.translate(batch, options)[batch.index(text)].candidates:
                theirs = translator.force([(text, ours.text)])[0].candidates[0]
                if ours.finished and theirs.pieces == ours.pieces:
                    assert_close(ours.weights_HTS, theirs.weights_HTS)
                    assert ours.log_probs == pytest.approx(theirs.log_probs, abs=1e-4)


def assert_close(ours: object, theirs: object) -> None:
    torch.testing.assert_close(
        torch.as_tensor(ours), torch.as_tensor(theirs), atol=1e-5, rtol=0, check_dtype=False
    )


@pytest.mark.parametrize("name", ["one", "two", "no end"])
def test_rows_are_target_words_columns_source_words_and_each_row_sums_to_one(
    name: str, runs: dict[str, Path]
) -> None:
    end = [] if name == "no end" else [END]
    for translation in seq2seq.load(runs[name]).translate(TEXTS):
        assert [word.word for word in translation.source_words] == translation.source.split() + end
        for candidate in translation.candidates:
            weights_IJ = candidate.attention_IJ
            assert weights_IJ.shape == (len(candidate.words), len(translation.source_words))
            assert_close(weights_IJ.sum(1), np.ones(len(candidate.words)))
            assert candidate.weights_HTS.shape[1] == len(candidate.log_probs)
            assert len(candidate.ids) == len(candidate.pieces)
            assert candidate.weights_HTS.shape[2] == len(translation.source_pieces)


def test_without_attention_all_weights_are_zero(runs: dict[str, Path]) -> None:
    (translation,) = seq2seq.load(runs["no attention"]).translate(["the cat sleeps"])
    assert translation.attention.shape == (len(translation.words), 4)
    assert not translation.attention.any()


def test_forcing_keeps_order_and_a_blank_source_stays_blank(runs: dict[str, Path]) -> None:
    for name in ("one", "no end"):
        pairs = [("here", "ici"), ("", "le chat"), ("the dog sleeps", ""), ("the cat", "le chat")]
        found = seq2seq.load(runs[name]).force(pairs)
        assert [translation.source for translation in found] == [source for source, _ in pairs]
        assert [translation.text for translation in found] == ["ici", "", "", "le chat"]
        assert found[1].candidates == []
        assert len(found[2].candidates[0].log_probs) == 1


# --- ensembles ------------------------------------------------------------------------------------


def test_an_ensemble_of_a_model_with_itself_is_the_model(runs: dict[str, Path]) -> None:
    alone = seq2seq.load(runs["one"]).translate(TEXTS)
    together = seq2seq.load(runs["one"], runs["one"]).translate(TEXTS)
    assert texts_of(alone) == texts_of(together)


def test_different_units_of_one_vocabulary_make_an_ensemble(runs: dict[str, Path]) -> None:
    translator = seq2seq.load(runs["one"], runs["two"])  # one head and four
    found = translator.translate(TEXTS)
    forced = translator.force([(text, t.text) for text, t in zip(TEXTS, found, strict=True)])
    for one, other in zip(found, forced, strict=True):
        assert one.score == pytest.approx(other.score, abs=1e-4)
        assert_close(one.attention, other.attention)


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ("other pieces", "its tokenizers are not those of .*one"),
        ("no end", r"its tokenizer\.source_end is False, that of .*one True"),
    ],
)
def test_models_that_read_differently_are_no_ensemble(
    other: str, said: str, runs: dict[str, Path]
) -> None:
    with pytest.raises(UserError, match=said):
        seq2seq.load(runs["one"], runs[other])


# --- loading --------------------------------------------------------------------------------------


def test_without_a_name_the_newest_run_is_taken(
    runs: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(runs["one"].parents[1])
    newest = seq2seq.load(runs["other pieces"])
    assert (
        seq2seq.load().translate(TEXTS[:1])[0].as_dict() == newest.translate(TEXTS[:1])[0].as_dict()
    )


def test_a_checkpoint_may_be_named(runs: dict[str, Path]) -> None:
    best, step = (seq2seq.load(runs["one"], checkpoint=name) for name in ("best", "100"))
    for one, other in zip(best.models[0].parameters(), step.models[0].parameters(), strict=True):
        assert torch.equal(one, other)
    with pytest.raises(UserError, match="no checkpoint 'average'"):
        seq2seq.load(runs["one"], checkpoint="average")


def test_the_package_names_what_it_offers() -> None:
    assert all(getattr(seq2seq, name) is not None for name in seq2seq.__all__)
    with pytest.raises(AttributeError, match="no attribute 'translte'"):
        seq2seq.translte  # noqa: B018 -- asked for its error


# --- what a translation says ----------------------------------------------------------------------


def test_a_translation_is_plain_json(translator: Translator) -> None:
    options = DecodingConfig(beam=2, n_best=2)
    for translation in translator.translate(["the cat sleeps", ""], options):
        values = json.loads(json.dumps(translation.as_dict()))
        assert values == translation.as_dict()
        assert (values["source"], values["translation"]) == (translation.source, translation.text)
        assert len(values["hypotheses"]) == len(translation.candidates)
    (translation,) = translator.translate(["the cat sleeps"])
    attention = translation.as_dict()["hypotheses"][0]["attention"]
    assert all(weight == round(weight, 4) for row in attention for weight in row)


def candidate(weights_HTS: npt.NDArray[np.float32], words: list[WordPieces]) -> Candidate:
    source_words = [WordPieces("I", (0,)), WordPieces("love", (1, 2)), WordPieces(END, (3,))]
    return Candidate("j'aime", 0.0, [], [], [], words, True, weights_HTS, source_words)


def test_a_source_word_s_pieces_are_summed_and_a_target_word_s_averaged() -> None:
    words = [WordPieces("j'", (0,)), WordPieces("aime", (1, 2)), WordPieces("!", ())]
    weights_TS = [
        [0.7, 0.1, 0.1, 0.1],
        [0.2, 0.5, 0.1, 0.2],
        [0.0, 0.1, 0.7, 0.2],
        [0.0, 0.0, 0.0, 1.0],  # the end's own row belongs to no word
    ]
    weights_HTS = np.repeat(np.array([weights_TS], np.float32), 2, 0)
    weights_HTS[0, 0], weights_HTS[1, 0] = [0.6, 0.2, 0.1, 0.1], [0.8, 0.0, 0.1, 0.1]
    expected_IJ = [[0.7, 0.2, 0.1], [0.1, 0.7, 0.2], [0, 0, 0]]
    assert_close(candidate(weights_HTS, words).attention_IJ, expected_IJ)


def test_a_matrix_is_drawn_with_each_row_s_largest_weight_in_brackets() -> None:
    weights_IJ = np.array([[0.9, 0.1], [0.25, 0.75], [0.0, 0.0]], np.float32)
    assert render_matrix(weights_IJ, ["j'", "aime", "!"], ["I", "love-you"]) == "\n".join(
        [
            "           I  love-you",
            "j'    [0.90]     0.10 ",
            "aime   0.25     [0.75]",
            "!      0.00      0.00 ",
        ]
    )


def test_a_matrix_of_nothing_is_a_heading_at_most() -> None:
    assert render_matrix(np.zeros((0, 0), np.float32), [], []) == ""
