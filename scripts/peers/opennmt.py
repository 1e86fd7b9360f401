"""How OpenNMT-py does the work."""

from __future__ import annotations

from pathlib import Path

import yaml

from scripts.peers import logs
from scripts.peers.logs import Window
from scripts.peers.processes import Done, Job
from scripts.peers.system import BATCH, MAX_LENGTH, Search, System, Training, Translated


class OpenNMT(System):
    """OpenNMT-py: https://github.com/OpenNMT/OpenNMT-py."""

    name = "opennmt"
    package = "OpenNMT-py"
    settings = ("additive", "general", "transformer")

    def train(self, training: Training) -> Job:
        """Train by its program and a YAML file of the data."""
        training.folder.mkdir(parents=True, exist_ok=True)
        path = training.folder / "data.yaml"
        vocabulary = str(self.work.folder / "vocab.opennmt")
        work, part = self.work, training.part
        corpus = {
            "path_src": str(work.source_pieces(part)),
            "path_tgt": str(work.target_pieces(part)),
        }
        tree = {
            "save_data": str(training.folder / "samples"),
            "src_vocab": vocabulary,
            "tgt_vocab": vocabulary,
            "share_vocab": True,
            "overwrite": True,
            "data": {"corpus": corpus},
        }
        path.write_text(yaml.safe_dump(tree, sort_keys=False), encoding="utf-8")
        options = {
            **_network(training.setting),
            "dropout": 0.2,
            "optim": "adam",
            "learning_rate": 0.001,
            "max_grad_norm": 1,
            "batch_size": BATCH,
            "batch_type": "sents",
            # No more than there are: it would go round the corpus, and drop what comes twice.
            "bucket_size": min(100 * BATCH, len(work.target_lengths(part))),
            "num_workers": 0,
            "train_steps": training.updates,
            "report_every": training.window,
            "valid_steps": 10**6,
            "save_checkpoint_steps": training.updates,
            "save_model": training.folder / "model",
            "seed": training.seed,
        }
        flags = [f"-{key}={value}" for key, value in options.items()]
        command = [self._program("onmt_train"), "-config", path, *flags]
        switches = ["-share_embeddings"]
        if training.setting == "transformer":
            switches += ["-share_decoder_embeddings", "-position_encoding"]
        else:
            switches += ["-bridge"]
        return Job([*command, *switches], self._environment())

    def windows(self, training: Training, done: Done) -> list[Window]:
        """Read its log."""
        return logs.opennmt_windows(done.lines, training.window)

    def translated(self, model: Training, done: Done) -> Translated:
        """Read its log, and count the pieces that it wrote."""
        lines = self._output(model).read_text("utf-8").splitlines()
        return Translated(logs.output_tokens(lines), logs.opennmt_seconds(done.lines))

    def translate(self, model: Training, search: Search, part: str) -> Job:
        """Translate a file of pieces to one beside the model."""
        options = {
            "model": model.folder / f"model_step_{model.updates}.pt",
            "src": self.work.source_pieces(part),
            "output": self._output(model),
            "beam_size": search.beam,
            "batch_size": search.batch,
            "batch_type": "sents",
            "max_length": MAX_LENGTH,
            "max_length_ratio": 3,
            "length_penalty": "avg",
        }
        flags = [f"-{key}={value}" for key, value in options.items()]
        # Its checkpoints are pickles, which torch no longer loads unless told to.
        environment = self._environment(TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD="1")
        return Job([self._program("onmt_translate"), *flags, "-report_time"], environment)

    def _output(self, model: Training) -> Path:
        return model.folder / "output.txt"


def _network(setting: str) -> dict[str, str | int]:
    """What chooses the network."""
    if setting == "transformer":
        return {
            "encoder_type": "transformer",
            "decoder_type": "transformer",
            "word_vec_size": 256,
            "hidden_size": 256,
            "enc_layers": 3,
            "dec_layers": 3,
            "heads": 4,
            "transformer_ff": 1024,
            "attention_dropout": 0,
        }
    return {
        "encoder_type": "brnn",
        "decoder_type": "rnn",
        "rnn_type": "GRU",
        "word_vec_size": 256,
        "enc_layers": 1,
        "dec_layers": 1,
        "hidden_size": 512,  # of both directions of the encoder
        "global_attention": {"additive": "mlp", "general": "general"}[setting],
        "input_feed": 1,
    }
