"""Minimum-risk training against sums on paper; a network of a few units in float64."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from sacrebleu.metrics.bleu import BLEU

from seq2seq.data.batching import Size
from seq2seq.data.tokenizer import BOS, EOS, PAD
from seq2seq.training.risk import MinimumRisk, first_of_each, sentence_bleu
from tests.unit.training.test_update import batch, gradients, model


@pytest.fixture(autouse=True)
def _float64() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def test_the_risk_is_the_papers_over_what_was_drawn() -> None:
    network, pairs, alpha = model(), batch(0, 2), 0.3
    objective = MinimumRisk(network, samples=4, alpha=alpha).train()
    torch.manual_seed(3)
    candidates = objective._candidates(pairs, torch.device("cpu"))
    torch.manual_seed(3)
    found = objective(pairs)
    risk = torch.zeros(())
    for number, drawn in enumerate(candidates):
        source = pairs.source_BS[number : number + 1, : pairs.source_lengths_B[number]]
        unlike = list(dict.fromkeys(drawn))
        log_probs = []
        for ids in unlike:
            inputs = torch.tensor([[BOS, *ids]])
            features = network(source, pairs.source_lengths_B[number : number + 1], inputs)
            log_p = network.output(features.features_BTF[0]).log_softmax(-1)
            log_probs.append(sum(log_p[t, id_] for t, id_ in enumerate([*ids, EOS])))
        weights = torch.stack([torch.as_tensor(p) * alpha for p in log_probs]).softmax(0)
        scores = [sentence_bleu(ids, drawn[0]) for ids in unlike]
        risk = risk + sum(w * (1 - s) for w, s in zip(weights, scores, strict=True))
    torch.testing.assert_close(found.total, risk)
    assert candidates[0][0] == (7, 8)  # the reference comes first
    assert all(PAD not in ids and EOS not in ids for drawn in candidates for ids in drawn)


def test_its_gradient_makes_good_translations_likelier() -> None:
    network, pairs = model(), batch(0, 1, 2)
    objective = MinimumRisk(network, samples=12, alpha=1.0).train()
    optimizer = torch.optim.SGD(objective.parameters(), lr=0.5)
    torch.manual_seed(1)
    first = objective(pairs)
    for _ in range(60):
        optimizer.zero_grad()
        objective(pairs).total.backward()
        optimizer.step()
    last = objective(pairs)
    assert float(last.total.detach()) < float(first.total.detach())
    assert float(last.plain) < float(first.plain)  # the reference costs less


def test_it_is_divided_by_sentences_and_reports_the_cost_of_references() -> None:
    objective = MinimumRisk(model(), samples=2)
    assert objective.weight(Size(sentences=3, target_tokens=40)) == 3
    pairs = batch(0, 1)
    assert objective(pairs).weight == pairs.target_tokens


def test_the_likelihood_is_added_as_it_is_weighted() -> None:
    network, pairs = model(), batch(0, 1)
    losses = []
    for weight in (0.0, 0.5):
        torch.manual_seed(2)
        losses.append(MinimumRisk(network, samples=3, likelihood=weight)(pairs))
    torch.testing.assert_close(losses[1].total - losses[0].total, 0.5 * losses[0].plain)


def test_an_emptied_batch_has_no_risk_and_no_gradient() -> None:
    network = model()
    loss = MinimumRisk(network, samples=2, likelihood=1.0).train()(batch(0, 1).emptied())
    loss.total.backward()
    assert (float(loss.total.detach()), float(loss.plain), loss.weight) == (0, 0, 0)
    assert not any(gradient.any() for gradient in gradients(network))


def test_drawing_leaves_the_model_in_training() -> None:
    objective = MinimumRisk(model(dropout=0.3), samples=2).train()
    objective(batch(0))
    assert objective.model.training


def test_a_candidate_counts_once() -> None:
    found = first_of_each([[(1,), (2,), (1,), (2,)], [(), (3,), (), (4,)]])
    assert found.tolist() == [[True, True, False, False], [True, True, False, True]]


@pytest.mark.parametrize(
    ("hypothesis", "reference"), [((7, 8, 9, 5), (7, 8, 9, 6)), ((7,), (7, 8)), ((), (7, 8))]
)
def test_a_sentence_is_scored_as_sacrebleu_scores_words(
    hypothesis: tuple[int, ...], reference: tuple[int, ...]
) -> None:
    words = [" ".join(f"word{id_}" for id_ in ids) for ids in (hypothesis, reference)]
    expected = BLEU(tokenize="none", effective_order=True).sentence_score(words[0], [words[1]])
    assert sentence_bleu(hypothesis, reference) == pytest.approx(expected.score / 100)
