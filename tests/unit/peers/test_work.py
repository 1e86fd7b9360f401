"""The work of all systems: the same pieces, the same sizes."""

from pathlib import Path

import pytest
import yaml

from scripts.peers.joeynmt import JoeyNMT
from scripts.peers.system import BATCH, MAX_LENGTH, RECIPES, Training
from scripts.peers.systems import SYSTEMS
from scripts.peers.work import Work, make_work
from seq2seq.config import load_config
from seq2seq.data.batching import plan_epoch


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Work:
    folder = tmp_path_factory.mktemp("work")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEQ2SEQ_CACHE", str(folder / "cache"))
        for name, pairs in (("train", 300), ("test", 30)):
            english = [f"the number {i} is {'very ' * (i % 7)}odd : {i * i}" for i in range(pairs)]
            french = [f"le nombre {i} est {'très ' * (i % 7)}impair ." for i in range(pairs)]
            (folder / f"{name}.en").write_text("\n".join(english) + "\n", "utf-8")
            (folder / f"{name}.fr").write_text("\n".join(french) + "\n", "utf-8")
        recipe = RECIPES / "additive.yaml"
        return make_work(recipe, folder, "test", folder / "work", sentences=20, longest=64)


def training(work: Work, part: str = "train") -> Training:
    return Training("additive", part, 4, 2, seed=3, folder=work.folder / "model")


def test_the_files_are_the_pieces_that_we_train_on(work: Work) -> None:
    tokenizer = work.prepared.tokenizers.target
    lines = work.target_pieces("train").read_text("utf-8").splitlines()
    assert len(lines) == len(work.prepared.train)
    assert lines[5].split() == tokenizer.pieces(work.prepared.train[5][1])
    assert sum(work.target_lengths("train")) == sum(work.prepared.train.target_lengths + 1)


def test_the_longest_are_the_longest(work: Work) -> None:
    assert sorted(work.target_lengths("longest")) == sorted(work.target_lengths("train"))[-64:]


def test_every_system_has_a_number_for_every_piece(work: Work) -> None:
    pieces = {
        piece
        for path in (work.source_pieces("train"), work.target_pieces("train"))
        for piece in path.read_text("utf-8").split()
    }
    joeynmt = (work.folder / "vocab.joeynmt").read_text("utf-8").splitlines()
    opennmt = (work.folder / "vocab.opennmt").read_text("utf-8").splitlines()
    marian = yaml.safe_load((work.folder / "vocab.marian.yml").read_text("utf-8"))
    assert pieces <= set(joeynmt)
    assert pieces <= {line.split("\t")[0] for line in opennmt}
    assert pieces <= set(marian)
    assert (
        len(joeynmt) == len(opennmt) + 4 == len(marian) + 2 == len(work.prepared.tokenizers.source)
    )
    assert sorted(marian.values()) == list(range(len(marian)))


def test_a_piece_that_yaml_would_read_as_something_else_stays_text(work: Work) -> None:
    marian = yaml.safe_load((work.folder / "vocab.marian.yml").read_text("utf-8"))
    assert all(isinstance(piece, str) for piece in marian)


@pytest.mark.parametrize("recipe", ["additive", "general", "general-parallel"])
def test_the_peers_are_asked_for_what_our_recipes_say(recipe: str, work: Work) -> None:
    config = load_config(RECIPES / f"{recipe}.yaml")
    assert config.batching.sentences == BATCH
    assert config.decoding.max_length == MAX_LENGTH
    joeynmt = JoeyNMT(Path("home"), work, 2)
    joeynmt.train(training(work))
    tree = yaml.safe_load((work.folder / "model.beam1.yaml").read_text("utf-8"))
    encoder, decoder = tree["model"]["encoder"], tree["model"]["decoder"]
    assert encoder["embeddings"]["embedding_dim"] == config.model.embedding
    assert (encoder["hidden_size"], decoder["hidden_size"]) == (
        config.model.encoder.size,
        config.model.decoder.size,
    )
    assert encoder["dropout"] == decoder["dropout"] == config.model.dropout
    assert tree["training"]["learning_rate"] == config.training.optimizer.lr
    assert tree["training"]["label_smoothing"] == config.training.label_smoothing
    assert tree["training"]["batch_size"] == config.batching.sentences
    assert (tree["random_seed"], tree["training"]["updates"]) == (3, 4)


@pytest.mark.parametrize(
    ("name", "told"),
    {
        "seq2seq": ["seed=3", "training.max_steps=4", "training.log_every=2"],
        "opennmt": ["-seed=3", "-train_steps=4", "-report_every=2", "-learning_rate=0.001"],
        "marian": ["--seed 3", "--after-batches 4", "--disp-freq 2", "--learn-rate 0.001"],
    }.items(),
)
def test_every_system_is_told_the_seed_and_the_updates(
    name: str, told: list[str], work: Work
) -> None:
    job = SYSTEMS[name](Path("home"), work, 2).train(training(work))
    assert all(f" {words} " in f"{' '.join(map(str, job.command))} " for words in told)


def test_our_seed_for_the_longest_batch_begins_with_it(work: Work) -> None:
    ours = SYSTEMS["seq2seq"](Path("home"), work, 2)
    words = map(str, ours.train(training(work, "longest")._replace(updates=1)).command)
    (seed,) = (int(word.removeprefix("seed=")) for word in words if word.startswith("seed="))
    dataset, config = work.prepared.train, work.config
    lengths = dataset.source_lengths + 1, dataset.target_lengths + 1
    first = plan_epoch(*lengths, config.batching, seed=seed, epoch=0)[0]
    assert int(lengths[1].argmax()) in first
