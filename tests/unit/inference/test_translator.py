"""One translator for several threads and precisions, and a search that is looked into."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor

from seq2seq.errors import UserError
from seq2seq.inference.specs import parse_intervention
from seq2seq.inference.translator import Translator
from seq2seq.kernels import precision, products
from seq2seq.model.probe import Recording, observing, recording
from seq2seq.translation.translation import Candidate, Translation
from tests.unit.explain.tiny import TEXT, translator

TEXTS = [TEXT, "a cat", "a black cat", "here"]
SPECS = ["uniform", "shuffle", "hard", "shift=1", "mask=cat", "temperature=0.3"]


def found(translations: list[Translation]) -> list[tuple[str, list[float]]]:
    """What must be the same bits."""
    return [(each.text, each.candidates[0].log_probs) for each in translations]


def intervened(model: Translator, spec: str) -> list[tuple[str, list[float]]]:
    intervention = parse_intervention(spec, model.tokenizers)
    return found(model.translate(TEXTS, attention=intervention, workers=1))


@pytest.mark.parametrize("decoder", ["luong", "bahdanau"])
def test_threads_translate_with_interventions_of_their_own(decoder: str) -> None:
    model = translator("additive", decoder)
    alone = [intervened(model, spec) for spec in SPECS]
    own = found(model.translate(TEXTS, workers=1))
    assert len({str(each) for each in (*alone, own)}) == len(SPECS) + 1
    with ThreadPoolExecutor(4) as pool:
        for _ in range(3):
            together = pool.map(lambda spec: intervened(model, spec), SPECS)
            plain = pool.submit(lambda: found(model.translate(TEXTS, workers=1)))
            assert list(together) == alone
            assert plain.result() == own


LATENTS: dict[str, Any] = {"kind": "perceiver", "latents": 5, "heads": 2, "span": 9}


@pytest.mark.parametrize("decoder", ["luong", "bahdanau", "transformer"])
def test_what_no_latent_reads_has_no_weight(decoder: str) -> None:
    """Where a decoder reads latents, the word is hidden from them, and what a shift leaves too."""
    model = translator("general", {"kind": decoder, "size": 8}, **LATENTS)
    words = {word.word: list(word.pieces) for word in model.source_words(TEXT)}
    for spec, unread in (("mask=cat", words["cat"]), ("shift=1", [0])):
        (one,) = model.translate([TEXT], attention=parse_intervention(spec, model.tokenizers))
        (other,) = model.translate([TEXT])
        weights_HTS = one.candidates[0].weights_HTS
        np.testing.assert_allclose(weights_HTS.sum(-1), 1, rtol=1e-5)
        assert not weights_HTS[..., unread].any()
        assert other.candidates[0].weights_HTS[..., unread].all()


def test_an_intervention_that_latents_leave_no_meaning_is_refused(tmp_path: Path) -> None:
    model = translator("general", "luong", **LATENTS)
    matrix = tmp_path / "matrix.npy"
    np.save(matrix, np.ones((1, len(model.tokenizers.source.encode(TEXT)) + 1)))
    given = parse_intervention(str(matrix), model.tokenizers)
    with pytest.raises(UserError, match=r"matrix.npy: the decoder reads latents, .*; try mask"):
        model.translate([TEXT], attention=given)
    both = translator("general", "luong")
    both.models.append(model.models[0])
    with pytest.raises(UserError, match=r"mask=cat: some of the models read latents and some "):
        intervened(both, "mask=cat")
    assert intervened(both, "uniform") != found(both.translate(TEXTS))


def test_tasks_translate_with_interventions_of_their_own() -> None:
    model = translator("additive", "bahdanau")
    alone = [intervened(model, spec) for spec in SPECS]

    async def all_at_once() -> list[Any]:
        tasks = (asyncio.to_thread(intervened, model, spec) for spec in SPECS)
        return list(await asyncio.gather(*tasks))

    assert asyncio.run(all_at_once()) == alone


def test_a_stream_between_two_texts_leaves_others_alone() -> None:
    model = translator("additive", "bahdanau")
    own = found(model.translate(TEXTS))
    expected = intervened(model, "uniform")
    stream = model.stream(TEXTS, attention=parse_intervention("uniform", model.tokenizers), ahead=1)
    streamed = []
    for translation in stream:
        streamed.append(translation)
        assert found(model.translate(TEXTS)) == own
    assert [text for text, _ in found(streamed)] == [text for text, _ in expected]


def test_threads_translate_with_one_new_translator() -> None:
    for _ in range(5):
        own = found(translator("additive", "bahdanau").translate(TEXTS, workers=1))
        model = translator("additive", "bahdanau")  # its tables are still to be filled
        with ThreadPoolExecutor(4) as pool:
            several = [pool.submit(model.translate, TEXTS, workers=1) for _ in range(4)]
            assert [found(each.result()) for each in several] == [own] * 4


def test_a_precision_leaves_nothing_behind_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "WORTH_PACKING", 1)  # so that small matrices are cast, too
    monkeypatch.setattr(precision, "multiplies_bf16", lambda device: True)  # or emulates it
    model = translator("additive", "bahdanau")
    own = found(translator("additive", "bahdanau").translate(TEXTS, workers=1))
    rough = found(model.translate(TEXTS, precision="bf16", workers=1))
    assert found(model.translate(TEXTS, workers=1)) == own != rough


def test_without_bf16_in_the_processor_it_is_fp32_and_said_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(products, "BF16", False)
    model = translator("additive", "bahdanau")
    own = found(model.translate(TEXTS, workers=1))
    for _ in range(2):
        assert found(model.translate(TEXTS, precision="bf16", workers=1)) == own
    assert [record.getMessage() for record in caplog.records] == [
        "decoding.precision bf16: this processor does not multiply bf16, computing in fp32"
    ]


# --- looking into a search ------------------------------------------------------------------------


def test_a_recording_of_a_beam_has_every_step_and_which_row_each_row_continues() -> None:
    model = translator("additive", "bahdanau")
    with recording() as seen:
        translations = model.translate(TEXTS, beam=3, n_best=3)
    steps = len(seen["search.tokens_N"])
    assert {
        len(tensors)
        for name, tensors in seen.items()
        if "encoder" not in name and not name.endswith(("keys_BHSK", "values_BHSV"))
    } == {steps}
    paths = emitted(seen["search.tokens_N"], seen["search.parents_N"])
    for translation in translations:
        for candidate in translation.candidates:
            read = tuple(candidate.ids)[: len(candidate.log_probs) - 1]
            assert any(
                np.array_equal(weights_of(seen, rows, candidate), candidate.weights_HTS)
                for rows in paths[read]
            )


def weights_of(
    seen: Recording, rows: tuple[int, ...], candidate: Candidate
) -> npt.NDArray[np.floating[Any]]:
    """weights_HTS that were recorded of a hypothesis, in these rows of each step."""
    steps = zip(seen["decoder.source.weights_BHTS"], rows, strict=False)
    weights_HTS = np.stack([weights_BHTS[row, :, 0].numpy() for weights_BHTS, row in steps], 1)
    return weights_HTS[..., : candidate.weights_HTS.shape[-1]]


def emitted(
    tokens: list[Tensor], parents: list[Tensor]
) -> dict[tuple[int, ...], list[tuple[int, ...]]]:
    """The rows, step by step, that each sequence of tokens was read in after its start."""
    paths: dict[tuple[int, ...], list[tuple[int, ...]]] = {}
    before: list[tuple[tuple[int, ...], tuple[int, ...]]] = [((), ()) for _ in parents[0]]
    for step, (token_N, parent_N) in enumerate(zip(tokens, parents, strict=True)):
        now = []
        for row, (token, parent) in enumerate(
            zip(token_N.tolist(), parent_N.tolist(), strict=True)
        ):
            prefix, rows = before[parent]
            now.append(((*prefix, token) if step else (), (*rows, row)))
            paths.setdefault(now[-1][0], []).append(now[-1][1])
        before = now
    return paths


def test_a_search_is_observed_while_it_runs_and_finds_the_same() -> None:
    model = translator("additive", "bahdanau")
    own = model.translate(TEXTS, beam=3)
    names: list[str] = []
    with observing(lambda name, _: names.append(name)):
        seen = model.translate(TEXTS, beam=3)
    assert [each.text for each in seen] == [each.text for each in own]
    start = names.index("search.tokens_N")
    per_step = names.index("search.tokens_N", start + 1) - start
    step = names[start : start + per_step]
    assert names[start:] == step * ((len(names) - start) // per_step)
    assert step[:2] == ["search.tokens_N", "search.parents_N"]
    assert step[-1] == "search.log_probs_NW"


def test_recorded_log_probabilities_are_those_before_the_search_forbids_tokens() -> None:
    model = translator("additive", "luong")
    with recording() as seen:
        model.translate(TEXTS)
    for log_probs_NW in seen["search.log_probs_NW"]:
        sums_N = log_probs_NW.exp().sum(-1)
        torch.testing.assert_close(sums_N, torch.ones_like(sums_N))


# --- memory and numbers ---------------------------------------------------------------------------


@pytest.mark.parametrize("settings", [{}, {"beam": 3, "n_best": 2}, {"sample": True, "n_best": 2}])
@pytest.mark.parametrize("most", [1, 2, 3])
def test_a_batch_that_does_not_fit_in_memory_gives_the_same_in_the_same_order(
    most: int, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(model: Translator, sources: Any, options: Any) -> Any:
        if len(sources) > most:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return plain(model, sources, options)

    model, plain = translator("additive", "luong"), Translator._search
    texts = [*TEXTS, "", "the cat", "a cat here"]
    whole = seen(model.translate(texts, workers=1, **settings))
    monkeypatch.setattr(Translator, "_search", full)
    assert seen(model.translate(texts, workers=1, **settings)) == whole


def seen(translations: list[Translation]) -> list[list[tuple[str, float]]]:
    """Texts and scores, these without the digits that depend on the size of a batch."""
    return [[(c.text, round(c.score, 3)) for c in each.candidates] for each in translations]


def test_a_sentence_that_does_not_fit_in_memory_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(model: Translator, sources: Any, options: Any) -> Any:
        if any(source.text == "here" for source in sources):
            raise MemoryError
        return plain(model, sources, options)

    plain = Translator._search
    monkeypatch.setattr(Translator, "_search", full)
    with pytest.raises(UserError, match=r"^sentence 4: out of memory with \d+ source pieces"):
        translator("additive", "luong").translate(TEXTS, workers=1)


@pytest.mark.parametrize("settings", [{"beam": 1}, {"beam": 3}, {"sample": True}])
@pytest.mark.parametrize("decoder", ["luong", "transformer"])
def test_a_model_that_gives_nan_is_an_error_with_the_number_of_the_sentence(
    decoder: Any, settings: dict[str, Any]
) -> None:
    kind = {"kind": decoder, "size": 8}
    model = translator("general", kind)
    with torch.no_grad():
        model.models[0].output.bias[4] = torch.nan
    with pytest.raises(UserError, match=r"^sentence 2: the model's log-probabilities are not"):
        model.translate(["", "the cat"], workers=1, **settings)
    with pytest.raises(UserError, match=r"^sentence 2: the model's log-probabilities are not"):
        model.force([("", ""), ("the cat", "le chat")])
