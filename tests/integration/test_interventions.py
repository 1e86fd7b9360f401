"""A trained model reads with other weights: the same however it is searched, and what it costs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch

import seq2seq
from seq2seq import DecodingConfig, Translator, UserError
from seq2seq.config import ModelConfig
from seq2seq.explain.costs import find_costs, render_costs
from seq2seq.inference.interventions import Intervention
from seq2seq.inference.specs import parse_intervention
from seq2seq.model.attention.contract import AttentionState, Memory
from seq2seq.model.model import Seq2Seq
from seq2seq.translation.texts import TextSettings
from tests.integration.conftest import Command, french

SENTENCES = ["the big cat sees a dog", "a bird likes the small bird", "the dog hears the dog"]
SPECS = ["uniform", "shuffle", "hard", "shift=1", "shift=-2", "temperature=0.3", "mask=dog"]


@pytest.fixture(scope="module")
def translator(trained: Path) -> Translator:
    return seq2seq.load(trained / "runs/tiny")


def intervention_of(translator: Translator, spec: object) -> Intervention:
    return parse_intervention(str(spec), translator.tokenizers, seed=translator.options.seed)


def assert_close(ours: object, theirs: object) -> None:
    torch.testing.assert_close(
        torch.as_tensor(ours), torch.as_tensor(theirs), atol=1e-5, rtol=0, check_dtype=False
    )


@pytest.mark.parametrize("spec", SPECS)
def test_a_translation_is_the_same_alone_in_a_batch_and_forced(
    spec: str, translator: Translator
) -> None:
    intervention = intervention_of(translator, spec)
    batch = [SENTENCES[0], "", *SENTENCES[1:], "a cat"]  # blank, and padded
    for beam in (1, 4):
        options = DecodingConfig(beam=beam, n_best=beam)
        together = translator.translate(batch, options, attention=intervention)
        for text, one in zip(batch, together, strict=True):
            (alone,) = translator.translate([text], options, attention=intervention)
            assert alone.text == one.text
            for ours, theirs in zip(alone.candidates, one.candidates, strict=True):
                assert_close(ours.weights_HTS, theirs.weights_HTS)
                assert ours.log_probs == pytest.approx(theirs.log_probs, abs=1e-4)
        pairs = [(text, one.text) for text, one in zip(batch, together, strict=True)]
        forced = translator.force(pairs, attention=intervention)
        for one, read in zip(together, forced, strict=True):
            for best, same in zip(one.candidates[:1], read.candidates, strict=True):
                if best.finished and best.pieces == same.pieces:
                    assert_close(best.weights_HTS, same.weights_HTS)
                    assert best.log_probs == pytest.approx(same.log_probs, abs=1e-4)


@pytest.mark.parametrize("spec", ["temperature=1", "shift=0"])
def test_nothing_changes_where_nothing_is_asked_for(spec: str, translator: Translator) -> None:
    own = translator.translate(SENTENCES)
    for one, same in zip(
        own,
        translator.translate(SENTENCES, attention=intervention_of(translator, spec)),
        strict=True,
    ):
        assert same.text == one.text
        assert_close(same.candidates[0].weights_HTS, one.candidates[0].weights_HTS)
    for cost in find_costs(translator, SENTENCES, intervention_of(translator, spec)):
        assert cost.intervened == pytest.approx(cost.own, abs=1e-5)


def test_what_is_shown_are_the_weights_it_read_with(translator: Translator) -> None:
    def weights(spec: str) -> list[np.ndarray]:
        found = translator.translate(SENTENCES, attention=intervention_of(translator, spec))
        return [one.candidates[0].attention_TS for one in found]

    for weights_TS in weights("uniform"):
        assert_close(weights_TS, np.full_like(weights_TS, 1 / weights_TS.shape[1]))
    for weights_TS in weights("hard"):
        assert_close(np.sort(weights_TS)[:, -2:], [[0, 1]] * len(weights_TS))
    masked = translator.translate(SENTENCES, attention=intervention_of(translator, "mask=dog"))
    for one in masked:
        columns = [word.word == "dog" for word in one.source_words]
        assert not one.attention[:, columns].any()
        assert_close(one.attention.sum(1), np.ones(len(one.words)))


def test_the_model_is_left_as_it_was(translator: Translator) -> None:
    own = [one.text for one in translator.translate(SENTENCES)]
    assert own == [french(text) for text in SENTENCES]
    intervened = translator.translate(SENTENCES, attention=intervention_of(translator, "uniform"))
    assert [one.text for one in intervened] != own
    stream = translator.stream(SENTENCES, attention=intervention_of(translator, "uniform"), ahead=1)
    next(stream)  # and no more
    assert [one.text for one in translator.translate(SENTENCES)] == own

    class Broken:
        alone = False
        subject = "steps"

        def on(self, sentences: object) -> object:
            def fail(*_: object) -> None:
                raise RuntimeError("broken")

            return fail

    with pytest.raises(RuntimeError, match="broken"):
        # A stand-in with only what is asked of it here.
        translator.translate(SENTENCES, attention=Broken())  # type: ignore[call-overload]
    assert [one.text for one in translator.translate(SENTENCES)] == own


def test_a_shuffle_follows_the_seed(translator: Translator) -> None:
    def shuffled(seed: int) -> list[str]:
        intervention = parse_intervention("shuffle", translator.tokenizers, seed=seed)
        return [one.text for one in translator.translate(SENTENCES, attention=intervention)]

    assert shuffled(1) == shuffled(1)
    assert len({tuple(shuffled(seed)) for seed in range(4)}) > 1


# --- a matrix by hand -----------------------------------------------------------------------------


def test_the_matrix_of_a_translation_gives_that_translation_and_matrix_again(
    tmp_path: Path, translator: Translator
) -> None:
    for text in SENTENCES:
        (own,) = translator.translate([text])
        np.save(tmp_path / "x.npy", own.candidates[0].attention_TS)
        intervention = intervention_of(translator, tmp_path / "x.npy")
        (again,) = translator.translate([text], attention=intervention)
        assert again.text == own.text
        np.testing.assert_allclose(again.attention, own.attention, atol=1e-5)


def test_the_words_of_a_translation_are_read_with_the_matrix_of_the_words(
    tmp_path: Path, translator: Translator
) -> None:
    # All pieces of a word then read with the mean of their weights: what is translated so may be
    # something else, and depends on how the model was trained.
    for text in SENTENCES:
        (own,) = translator.translate([text])
        (tmp_path / "x.json").write_text(json.dumps(own.as_dict()))
        intervention = intervention_of(translator, tmp_path / "x.json")
        (again,) = translator.force([(text, own.text)], attention=intervention)
        np.testing.assert_allclose(again.attention, own.attention, atol=2e-4)


def test_a_word_is_translated_from_wherever_it_is_told_to_look(
    tmp_path: Path, translator: Translator
) -> None:
    text = "the big cat sees a dog"
    (own,) = translator.translate([text])
    values = own.as_dict()["hypotheses"][0]
    words = [word.word for word in own.source_words]
    row = values["words"].index("chat")
    values["attention"][row] = [float(word == "dog") for word in words]
    (tmp_path / "x.json").write_text(json.dumps(values))
    (cost,) = find_costs(translator, [text], intervention_of(translator, tmp_path / "x.json"))
    assert cost.after.attention[row].tolist() == pytest.approx(values["attention"][row], abs=1e-6)
    # The first piece of `chat` is the first to be read from elsewhere, and what suffers.
    first = own.candidates[0].words[row].pieces[0]
    assert cost.intervened[:first] == pytest.approx(cost.own[:first], abs=1e-3)
    assert sum(cost.intervened) < sum(cost.own) - 1


# --- ensembles, and nothing to replace ------------------------------------------------------------


def test_every_model_of_an_ensemble_reads_with_them(trained: Path, translator: Translator) -> None:
    together = seq2seq.load(trained / "runs/tiny", trained / "runs/tiny")
    for spec in ("uniform", "mask=dog"):
        one, same = (
            each.translate(SENTENCES, attention=intervention_of(each, spec))
            for each in (translator, together)
        )
        assert [each.text for each in one] == [each.text for each in same]
        assert_close(one[0].attention, same[0].attention)


def test_a_model_without_attention_is_refused(translator: Translator) -> None:
    config = ModelConfig.model_validate({"attention": "none", "embedding": 4})
    tokenizers = translator.tokenizers
    without = Translator(
        [Seq2Seq(config, len(tokenizers.source), len(tokenizers.target))],
        tokenizers,
        TextSettings(options=translator.options, source_end=True, max_length=99),
        device=translator.device,
    )
    intervention = intervention_of(without, "uniform")
    line = r"^attention: the model has no weights to replace \(attention kind none\)$"
    with pytest.raises(UserError, match=line):
        without.translate(["cat"], attention=intervention)
    with pytest.raises(UserError, match=line):
        without.force([("cat", "chat")], attention=intervention)
    with pytest.raises(UserError, match=line):
        find_costs(without, ["cat"], intervention)


# --- what it costs --------------------------------------------------------------------------------


def test_a_cost_is_the_forced_translation_s_with_either(translator: Translator) -> None:
    costs = find_costs(translator, ["", *SENTENCES], intervention_of(translator, "shuffle"))
    assert (costs[0].pieces, costs[0].own, costs[0].before.text) == ([], [], "")
    for text, cost in zip(SENTENCES, costs[1:], strict=True):
        assert cost.before.text == french(text)
        own = translator.force([(text, french(text))])[0].candidates[0]
        assert cost.own == pytest.approx(own.log_probs, abs=1e-5)  # a batch, and each alone
        assert cost.pieces == [*own.pieces, "</s>"]
        assert sum(cost.intervened) < sum(cost.own)
    report = render_costs(costs)
    figures = r"-0\.\d{3} -> -\d\.\d{3} \(-\d\.\d{3}\)"
    summary = rf"shuffle: [1-3] of 3 translations changed; .* nats a piece: {figures}"
    assert re.fullmatch(summary, report.splitlines()[-1])
    assert "-0.00\n" not in report
    assert render_costs(costs, each=1).count("\n") == 0


def test_translate_reports_beside_the_translations(command: Command) -> None:
    plain = command("-q", "translate", "--attention", "hard", *SENTENCES)
    assert plain == (0, "".join(f"{french(text)}\n" for text in SENTENCES), "")
    status, out, err = command("translate", "--attention", "shift=1", SENTENCES[0])
    translation = out.rstrip("\n")
    assert status == 0
    assert translation != french(SENTENCES[0])
    head, source, own, new, title, *rows, total = err.splitlines()
    assert (head, source) == ("model: runs/tiny (best)", SENTENCES[0])
    assert (own, new) == (f"  own      {french(SENTENCES[0])}", f"  shift=1  {translation}")
    assert title.split() == ["log", "p", "own", "shift=1", "change"]
    assert rows[-1].split()[0] == "</s>"
    values = [[float(cell) for cell in row.split()[1:]] for row in [*rows, total]]
    assert np.sum(values[:-1], 0) == pytest.approx(values[-1], abs=0.05)
    assert values[-1][1] - values[-1][0] == pytest.approx(values[-1][2], abs=0.011)


def test_translate_keeps_lines_and_says_it_all_in_json(world: Path, command: Command) -> None:
    text = f"{SENTENCES[0]}\n\n{SENTENCES[1]}\n".encode()
    status, out, err = command("translate", "--attention", "mask=cat", "-o", "out.fr", stdin=text)
    assert (status, out) == (0, "")
    assert len((world / "out.fr").read_text().splitlines()) == 3
    assert "1 of 2 sentences don't have this word and keep their weights (line 3)" in err
    _, out, _ = command("-q", "translate", "--json", "--attention", "mask=cat", stdin=text)
    first, blank, last = map(json.loads, out.splitlines())
    found = first["intervention"]
    assert found["attention"] == "mask=cat"
    assert found["own_translation"] == french(SENTENCES[0])
    assert len(found["pieces"]) == len(found["own_log_probs"]) == len(found["disturbed_log_probs"])
    assert found["disturbed_log_prob"] < found["own_log_prob"] < 0
    assert blank["intervention"]["pieces"] == []
    assert last["translation"] == french(SENTENCES[1])


def test_translate_of_nothing_is_nothing_with_any_attention(command: Command) -> None:
    for spec in ("uniform", "mask=dog"):
        assert command("-q", "translate", "--attention", spec, stdin=b"") == (0, "", "")
    head = "model: runs/tiny (best)\n"
    assert command("translate", "--attention", "uniform", stdin=b"\n \n") == (0, "\n\n", head)


def test_what_translate_and_explain_print_is_a_matrix_to_set(world: Path, command: Command) -> None:
    own = command("-q", "translate", SENTENCES[0]).out
    for name in ("translate", "explain"):
        (world / "own.json").write_text(command("-q", name, "--json", SENTENCES[0]).out)
        found = command("-q", "translate", "--json", "--attention", "own.json", SENTENCES[0])
        values = json.loads(found.out)
        assert f"{values['intervention']['own_translation']}\n" == own, name
    assert f"{values['translation']}\n" == own  # of the pieces, as explain has them
    cost = values["intervention"]
    assert cost["disturbed_log_probs"] == pytest.approx(cost["own_log_probs"], abs=1e-3)


def test_evaluate_puts_both_in_one_table(world: Path, command: Command) -> None:
    options = ["evaluate", "--bootstrap", "0", "--attention", "uniform"]
    plain = command("-q", *options[:3]).out
    status, out, err = command("-q", *options, "-o", "out.fr")
    assert (status, err) == (0, "")
    assert out.startswith(plain.rstrip("\n"))
    *_, title, bleu, chrf, ter, log_p, note = out.splitlines()
    assert title.split() == ["attention", "own", "uniform", "change"]
    names = [row.split("  ")[0] for row in (bleu, chrf, ter, log_p)]
    assert names == ["BLEU", "chrF2", "TER", "log p a piece"]
    for row in (bleu, chrf, ter, log_p):
        own, new, gain = map(float, row.split()[-3:])
        assert new - own == pytest.approx(gain, abs=0.011)
    assert float(bleu.split()[1]) == float(plain.split()[plain.split().index("BLEU") + 1])
    assert float(bleu.split()[-1]) < 0
    assert float(log_p.split()[-1]) < 0
    assert re.search(r"; \d+ translations changed\)$", note)
    assert (world / "out.fr").read_text() == plain_translations(command)

    values = json.loads(command("-q", *options, "--json").out)
    found = values["intervention"]
    assert found["own_scores"] == values["scores"]
    assert f"{found['disturbed_scores'][0]['value']:.2f}" == bleu.split()[-2]
    sides = ((world / f"test.{side}").read_text().splitlines() for side in ("en", "fr"))
    pairs, translator = list(zip(*sides, strict=True)), seq2seq.load(world / "runs/tiny")
    for name, intervention in (
        ("own", None),
        ("disturbed", intervention_of(translator, "uniform")),
    ):
        forced = translator.force(pairs, attention=intervention)
        every = [p for one in forced for p in one.candidates[0].log_probs]
        assert found[f"{name}_log_prob"] == pytest.approx(np.mean(every))


def plain_translations(command: Command) -> str:
    return command("-q", "translate", "-i", "test.en").out


def test_explain_measures_what_words_hang_on(command: Command) -> None:
    status, out, _ = command("-q", "explain", "--saliency", SENTENCES[0], "")
    assert status == 0
    for method in ("leave-one-out, nats", "|gradient x input|, nats", "|gradient|, nats a unit"):
        assert out.count(f"\n{method}\n") == 1
    _, out, _ = command("-q", "explain", "--saliency", "--json", SENTENCES[0], "")
    first, blank = map(json.loads, out.splitlines())
    assert blank["saliency"] == []
    left_out, *_ = first["saliency"]
    assert left_out["words"] == french(SENTENCES[0]).split()
    importance_IJ = np.array(left_out["importance"])
    content = [1, 2, 3, 5]  # what nothing but its own source word can tell; word for word
    own = importance_IJ[content, content]
    others = (importance_IJ[content].sum(1) - own) / (importance_IJ.shape[1] - 1)
    assert own.mean() > 3 * others.mean()  # on the whole: of one word another may matter more
    assert "saliency" not in json.loads(command("-q", "explain", "--json", SENTENCES[0]).out)


def test_an_intervention_sees_only_real_positions(translator: Translator) -> None:
    seen: list[tuple[int, ...]] = []

    class Watch:
        alone = False
        subject = "steps"

        def on(self, sentences: object) -> object:
            def look(weights_BHTS: torch.Tensor, memory: Memory, _: AttentionState) -> torch.Tensor:
                seen.append(tuple(memory.mask_BS.sum(1).tolist()))
                return weights_BHTS

            return look

    # A stand-in with only what is asked of it here.
    translator.translate(SENTENCES, DecodingConfig(beam=1), attention=Watch())  # type: ignore[call-overload]
    lengths = [len(translator.source_ids(text)) for text in SENTENCES]
    assert sorted(seen[0]) == sorted(lengths)
