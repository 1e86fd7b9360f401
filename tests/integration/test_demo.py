"""The figures that the README shows, reached by the recipes themselves: scripts/test.sh -m slow"""

from pathlib import Path

import numpy as np
import pytest

import seq2seq
from seq2seq.data.corpus import find_corpus
from seq2seq.evaluation.evaluate import evaluate
from seq2seq.evaluation.gold import read_gold
from seq2seq.evaluation.word_attention import align
from seq2seq.inference.translator import Translator
from seq2seq.model.attention import ATTENTIONS

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Translator:
    folder = tmp_path_factory.mktemp("runs") / "demo"
    seq2seq.train(seq2seq.load_config(ROOT / "configs" / "demo.yaml"), folder)
    return seq2seq.load(folder)


def bleu(translator: Translator, name: str) -> float:
    pairs = list(find_corpus(str(ROOT / "data" / name), "en", "fr").pairs())
    sources, references = [p.source for p in pairs], [p.target for p in pairs]
    return evaluate(translator, sources, [references], bootstrap=0).scores[0].value


def test_i_love_you_is_je_taime_with_the_articles_matrix(demo: Translator) -> None:
    (translation,) = demo.translate(["I love you"])
    assert translation.text == "je t'aime"
    assert translation.words == ["je", "t'", "aime"]
    assert [word.word for word in translation.source_words] == ["I", "love", "you"]
    assert translation.attention.argmax(1).tolist() == [0, 2, 1]
    np.testing.assert_allclose(translation.attention.sum(1), 1, atol=1e-5)
    articles = (0.94, 0.88, 0.95)
    assert (translation.attention.max(1) >= articles).all()


def test_its_alignment_error_rate_is_below_15_percent(demo: Translator) -> None:
    pairs = [(p.source, p.target) for p in find_corpus(str(ROOT / "data/test"), "en", "fr").pairs()]
    aligned = align(demo, pairs, read_gold(ROOT / "data/test.align"))
    assert aligned.plain is not None
    assert aligned.plain.unshifted.aer < 0.15


def test_the_demo_scores_90_bleu_and_60_on_combinations_it_never_saw(demo: Translator) -> None:
    assert bleu(demo, "test") >= 90
    assert bleu(demo, "heldout") >= 60


@pytest.mark.parametrize("kind", ATTENTIONS)
def test_every_unit_learns_the_bundled_corpus_by_its_name_alone(kind: str, tmp_path: Path) -> None:
    overrides = [f"model.attention={kind}", "training.max_steps=900", "training.samples=0"]
    config = seq2seq.load_config(ROOT / "configs" / "demo.yaml", overrides)
    run = seq2seq.train(config, tmp_path / kind)
    assert run.result is not None
    assert run.result["loss"] < 3.5  # nats a piece; a uniform guess is 7.8, piece frequencies 5.8
