"""Whatever a user can get wrong: status 2, one line that names the place, and nothing lost."""

from __future__ import annotations

import gzip
import os
import re
import resource
import shlex
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch

from seq2seq.model.attention import ATTENTIONS
from tests.integration.conftest import Command, snapshot

CHECKPOINT = "runs/tiny/checkpoints/00000150"
RUN_CONFIG = "runs/tiny/config.yaml"


class Bad(NamedTuple):
    """What is wrong, the command that stumbles on it, the line it must print, the files spoilt.

    A file is given its new content, a change of its content, or None to remove it.
    """

    name: str
    command: str
    line: str
    files: dict[str, str | bytes | Callable[[bytes], bytes] | None] = {}  # noqa: RUF012 -- never changed


def half(content: bytes) -> bytes:
    return content[: len(content) // 2]


def instead(old: str, new: str) -> Callable[[bytes], bytes]:
    def change(content: bytes) -> bytes:
        assert old.encode() in content
        return content.replace(old.encode(), new.encode(), 1)

    return change


CORPORA = [
    Bad("a corpus that is not there", "train -c tiny.yaml --run new data.train=trian",
        r".*/trian\.en \(nor trian\.en\.gz, .*\): no such file \(did you mean 'train\.en'\?\)"),
    Bad("a corpus folder that is not there", "prepare -c tiny.yaml data.train=no/train",
        r".*/no/train\.en \(nor .*\): no such file: there is no folder .*/no"),
    Bad("a folder for a corpus", "prepare -c tiny.yaml data.train=[runs,train.fr]",
        r".*/runs: expected a text file, found a folder"),
    Bad("one file for a corpus", "prepare -c tiny.yaml data.train=train.en",
        r".*/train\.en: expected a prefix .*found one file"),
    Bad("a line too few", "prepare -c tiny.yaml",
        r".*/train\.en has 240 lines, .*/train\.fr 239: expected one line of each.*",
        {"train.fr": lambda text: text[: text.rstrip().rindex(b"\n") + 1]}),
    Bad("bytes that are not UTF-8", "prepare -c tiny.yaml",
        r".*/train\.fr:2: expected UTF-8 text, found byte 0xe9 at place 3 of the line",
        {"train.en": "a\nb\n", "train.fr": b"un\nd\xc3\xa9\xe9\n".replace(b"d\xc3\xa9", b"ab")}),
    Bad("an empty corpus", "prepare -c tiny.yaml",
        r".*/train\.en: expected sentence pairs, found an empty file",
        {"train.en": "", "train.fr": ""}),
    Bad("a corpus of blank lines", "prepare -c tiny.yaml",
        r"data\.train: no pair of .*/train\.en is left to train on: 2 read, dropped 2 empty",
        {"train.en": "\n\n", "train.fr": "\n\n"}),
    Bad("an empty validation corpus", "prepare -c tiny.yaml",
        r".*/valid\.en: expected sentence pairs, found an empty file",
        {"valid.en": "", "valid.fr": ""}),
    Bad("a validation corpus of blank lines", "prepare -c tiny.yaml",
        r"data\.valid: expected sentence pairs in .*/valid\.en, found only empty ones",
        {"valid.en": "\n", "valid.fr": "\n"}),
    Bad("no corpus set", "train -c x.yaml --run new",
        r"data\.train: expected a prefix, \[source file, target .*, found nothing set",
        {"x.yaml": "data: {valid: valid}\n"}),
    Bad("a table without a tab", "prepare -c tiny.yaml data.train=t.tsv",
        r".*/t\.tsv:2: expected source<TAB>target, found no tab",
        {"t.tsv": "a cat\tun chat\na dog un chien\n"}),
    Bad("a .gz file that is cut off", "prepare -c tiny.yaml",
        r".*/train\.en\.gz:\d+: the compressed file ends too early",
        {"train.en": None, "train.en.gz": half(gzip.compress(b"a cat\n" * 240, mtime=0))}),
    Bad("a .gz file that is none", "prepare -c tiny.yaml",
        r".*/train\.en\.gz:1: not a valid \.gz file: .*",
        {"train.en": None, "train.en.gz": "a cat\n" * 240}),
    Bad("every pair filtered away", "train -c tiny.yaml --run new data.max_length=1",
        r"data\.max_length: no pair of .*/train\.en is left to train on: 240 read, dropped .*"),
    Bad("fewer pieces than characters", "prepare -c tiny.yaml tokenizer.vocab_size=9",
        r"tokenizer\.vocab_size: expected at least \d+, the different characters .*, found 9"),
    Bad("nothing to check", "data check", r"data check: expected a corpus, for example .*"),
    Bad("a corpus to check, and a configuration", "data check train -c tiny.yaml",
        r"data check: give a corpus or --config, not both, found 'train'"),
    Bad("an unknown corpus by name", "data get multi-30k",
        r"corpus 'multi-30k': expected one of multi30k, .* \(did you mean 'multi30k'\?\)"),
    Bad("an unknown task", "data make coppy",
        r"data make: expected one of copy, .*, found 'coppy' \(did you mean 'copy'\?\)"),
    Bad("an option of another task", "data make copy --facts 2",
        r"--facts: belongs to stories, and the task is copy"),
    Bad("a task that was not made", "prepare -c tasks/stories-2",
        r".*/corpora/stories-2/train\.src .*; make it with: seq2seq data make stories --facts 2"),
    Bad("a corpus from a folder without it", "data get multi30k --from runs",
        r"runs: expected train\.en\.gz or train\.en, found neither"),
]  # fmt: skip

CONFIGURATIONS = [
    Bad("no configuration", "train", r"train: expected a corpus .*, a configuration .*, .*"),
    Bad("a configuration that is not there", "train -c tinny.yaml",
        r"tinny\.yaml: no such configuration file \(did you mean 'tiny\.yaml'\?\)"),
    Bad("a near miss of a recipe", "config show -c dmo",
        r"dmo: no such configuration file \(did you mean 'demo\.yaml'\?\)"),
    Bad("a folder for a configuration", "config show -c runs",
        r"runs: expected a configuration file, found a folder"),
    Bad("an unknown key", "config show -c x.yaml",
        r".*/x\.yaml:2: unknown key 'model\.atention' \(did you mean 'attention'\?\)",
        {"x.yaml": "model:\n  atention: dot\n"}),
    Bad("an unknown key with a hyphen", "config show -c x.yaml",
        r".*/x\.yaml:1: unknown key 'data\.max-length' \(did you mean 'max_length'\?\)",
        {"x.yaml": "data: {max-length: 3}\n"}),
    Bad("a misspelt encoder", "config show -c x.yaml",
        r".*/x\.yaml:1: model\.encoder\.kind: expected one of "
        r"recurrent, transformer, perceiver, gru, lstm, found 'lsmt' "
        r"\(did you mean 'lstm'\?\)",
        {"x.yaml": "model: {encoder: lsmt}\n"}),
    Bad("a misspelt attention", "config check model.attention=additiv",
        r"override .*: model\.attention\.kind: expected one of .*, found 'additiv' "
        r"\(did you mean 'additive'\?\)"),
    Bad("an addressing for an attention", "train -c tiny.yaml --run new data.train=none "
        "model.attention=entmax",
        r"override .*: model\.attention\.kind: expected one of .*, found 'entmax'; entmax is "
        r"an addressing: set "
        r"model\.attention\.addressing=entmax"),
    Bad("an attention for an addressing", "train -c tiny.yaml --run new data.train=none "
        "model.attention.addressing=multihead",
        r"override .*: model\.attention\.addressing\.kind: expected one of .*, found 'multihead'; "
        r"multihead is "
        r"an attention unit: set model\.attention=multihead"),
    Bad("a cell for a decoder", "config show model.decoder=lstm",
        r".*: model\.decoder\.kind: .*found 'lstm' \(did you mean model\.decoder\.cell\?\)"),
    Bad("a model that can't be, before the corpus is looked at",
        "train -c tiny.yaml --run new data.train=none model.attention=dot",
        r"model\.attention\.kind dot needs .*"),
    Bad("a misspelt decoder", "config show model.decoder.kind=bahdanu",
        r"override 'model\.decoder\.kind=bahdanu': model\.decoder\.kind: expected .*"
        r"found 'bahdanu' \(did you mean 'bahdanau'\?\)"),
    Bad("a misspelt optimizer", "config show training.optimizer=adamm",
        r"override .*: training\.optimizer\.kind: expected one of .*found 'adamm' \(did you.*"),
    Bad("an option that the unit has not", "config check model.attention=additive "
        "model.attention.heads=2",
        r"override .*: model\.attention\.heads: unknown option of kind additive, which takes .*"),
    Bad("an option of the wrong type", "config check model.attention=multihead "
        "model.attention.heads=many",
        r"override .*: model\.attention\.heads: .*integer.*found 'many'"),
    Bad("a word for a number", "config show -c x.yaml",
        r".*/x\.yaml:2: training\.max_steps: expected integer, found 'many'",
        {"x.yaml": "training:\n  max_steps: many\n"}),
    Bad("a value for a part", "config show -c x.yaml",
        r".*/x\.yaml:1: model: expected a mapping of settings, found 5", {"x.yaml": "model: 5\n"}),
    Bad("a part for a value", "config show seed.x=1",
        r"override 'seed\.x=1': seed: expected integer, found \{'x': 1\}"),
    Bad("a value out of range", "config show model.dropout=1.5",
        r"override 'model\.dropout=1\.5': model\.dropout: expected less than 1, found 1\.5"),
    Bad("a seed that no generator takes", f"config show seed={2**64}",
        r"override .*: seed: expected less than 9223372036854775808, found .*"),
    Bad("too few values", "config show training.optimizer.betas=[0.9]",
        r"override .*: training\.optimizer\.betas: expected more values, found \[0\.9\]"),
    Bad("three files for a pair", "config show data.train=[[a,b,c]]",
        r"override .*: data\.train: expected one path, \[source, target\], or a list of .*"),
    Bad("a number for a corpus", "config show -c x.yaml",
        r".*/x\.yaml:1: data\.train: expected one path, \[source, target\], .*, found \[.*, 5\]",
        {"x.yaml": "data: {train: [a, 5]}\n"}),
    Bad("a key given twice", "config show -c x.yaml",
        r".*/x\.yaml:2: key 'seed' is given twice", {"x.yaml": "seed: 1\nseed: 2\n"}),
    Bad("an override given twice", "config show seed=1 seed=2",
        r"override 'seed=2': seed is given twice"),
    Bad("broken YAML", "config show -c x.yaml",
        r".*/x\.yaml:2: not valid YAML: .*", {"x.yaml": "model:\n  tie: none: all\n"}),
    Bad("a tag that YAML has not", "config show -c x.yaml",
        r".*/x\.yaml:1: seed: not a valid value: .*!foo.*", {"x.yaml": "seed: !foo 1\n"}),
    Bad("a date for a number", "config show seed=2020-12-01",
        r"override .*: seed: expected integer, found '2020-12-01'"),
    Bad("a rate without end", "config show training.optimizer.lr=.inf",
        r"override .*: training\.optimizer\.lr: expected a finite number, found inf"),
    Bad("a kind given twice", "config show model.attention=multihead model.attention.kind=dot",
        r"override 'model\.attention\.kind=dot': model\.attention\.kind is given twice, by "
        r"'model\.attention=multihead' too"),
    Bad("an option of another kind", "config show training.schedule.factor=0.3",
        r"override .*: training\.schedule\.factor has no effect: it belongs to kind plateau, .*"),
    Bad("an alias within itself", "config show -c x.yaml",
        r".*/x\.yaml:1: not valid YAML: an alias stands within itself",
        {"x.yaml": "data: &a {train: *a}\n"}),
    Bad("a list for a key", "config show -c x.yaml",
        r".*/x\.yaml:1: expected the name of a setting, found a sequence", {"x.yaml": "[a]: 1\n"}),
    Bad("a list for a configuration", "config show -c x.yaml",
        r".*/x\.yaml:1: expected a mapping of settings, found a list", {"x.yaml": "- seed\n"}),
    Bad("a configuration that is not UTF-8", "config show -c x.yaml",
        r".*/x\.yaml:2: expected UTF-8 text", {"x.yaml": b"seed: 1\n# \xe9\n"}),
    Bad("a loop of extends", "config show -c x.yaml",
        r".*/x\.yaml: `extends` comes back to itself: .*/x\.yaml -> .*/y\.yaml",
        {"x.yaml": "extends: y.yaml\n", "y.yaml": "extends: x.yaml\n"}),
    Bad("an extends that is not there", "config show -c x.yaml",
        r".*/x\.yaml:1: extends: no such file .*/tinny\.yaml \(did you mean 'tiny\.yaml'\?\)",
        {"x.yaml": "extends: tinny.yaml\n"}),
    Bad("an override without =", "config show seed",
        r"'seed': expected key=value, for example .*"),
    Bad("dot attention of unequal sizes", "train -c tiny.yaml --run new model.attention=dot",
        r"model\.attention\.kind dot needs .* found decoder 72 and encoder 64 .*general fits any"),
    Bad("a bridge that copies unequal sizes", "config check -c tiny.yaml "
        "model.decoder.bridge=copy", r"model\.decoder\.bridge copy needs .*found .*"),
    Bad("a bridge that hands over the states of two directions", "config check -c tiny.yaml "
        "model.decoder.bridge=state", r"model\.decoder\.bridge state needs an encoder of one .*"
        r"set model\.encoder\.bidirectional=false, or .*"),
    Bad("a bridge that hands over states of another size", "config check -c tiny.yaml "
        "model.decoder.bridge=state model.encoder.bidirectional=false",
        r"model\.decoder\.bridge state needs one size .*, found model\.encoder\.size 32 and "
        r"model\.decoder\.size 72; .*"),
    Bad("a bridge that hands over states of another cell", "config check -c tiny.yaml "
        "model.decoder.bridge=state model.encoder.bidirectional=false model.encoder.cell=lstm",
        r"model\.decoder\.bridge state needs one cell .*, found model\.encoder\.cell lstm and "
        r"model\.decoder\.cell gru; .*"),
    Bad("tied embeddings of two vocabularies", "train -c tiny.yaml --run new tokenizer.joint=false",
        r"model\.tie: all needs one vocabulary .*, found tokenizer\.joint: false; .*"),
    Bad("input feeding where it has no place", "config show model.decoder.input_feeding=true",
        r"override .*: model\.decoder: input_feeding belongs to kind luong; .*"),
    Bad("a training without end", "config show training.patience=null",
        r"(override .*: )?training: would never end: set max_steps, .*"),
    Bad("code that is not there", "train -c tiny.yaml --run new code=units.py",
        r"code: no such file: .*/units\.py"),
    Bad("code that fails", "train -c tiny.yaml --run new code=units.py",
        r".*/units\.py: cannot be run: ZeroDivisionError: division by zero",
        {"units.py": "1 / 0\n"}),
    Bad("an unknown device", "train -c tiny.yaml --run new training.device=gpu",
        r"device: expected auto, cpu, cuda or cuda:1, found 'gpu'"),
    Bad("a device that computes nothing", "translate --device meta cat",
        r"device: expected auto, cpu, cuda or cuda:1, found 'meta': .*"),
    Bad("a configuration to compare that is not there", "config diff tiny.yaml runs",
        r"runs: not a run directory \(it has no config\.yaml\)"),
]  # fmt: skip

RUNS = [
    Bad("a run that is there already, before any work", "train -c tiny.yaml data.train=none",
        r"runs/tiny: already holds a run; resume it with --resume, or .* with --run DIR"),
    Bad("a file where the run should be", "train -c tiny.yaml --run train.en",
        r"train\.en: cannot hold the run, because train\.en is a file; .*"),
    Bad("a file where the run's parent should be", "train -c tiny.yaml --run train.en/run",
        r"train\.en/run: cannot hold the run, because train\.en is a file; .*"),
    Bad("a resumed run of another model", "train -c tiny.yaml --resume model.encoder.size=8",
        r"runs/tiny: cannot change model\.encoder\.size from 32 to 8 when resuming; .*"),
    Bad("a run to resume that is not there", "train --run runs/none --resume",
        r"runs/none: no such run directory"),
    Bad("a finished run resumed", "train -c tiny.yaml --resume",
        r"runs/tiny: nothing to train: at step 150, training\.max_steps 150 is reached; raise it "
        r"to go on: training\.max_steps=NUMBER"),
    Bad("a trainer's state that is damaged",
        "train -c tiny.yaml --resume training.max_steps=151",
        r"runs/tiny/checkpoints/00000150/trainer\.pt: damaged: .*",
        {f"{CHECKPOINT}/trainer.pt": half}),
    Bad("a trainer's state of another program",
        "train -c tiny.yaml --resume training.max_steps=151",
        r"runs/tiny/checkpoints/00000150/state\.json: damaged: .*",
        {f"{CHECKPOINT}/state.json": '{"epoch": 3}'}),
    Bad("a run that is not there", "translate -m runs/tny cat",
        r"runs/tny: no such run directory \(did you mean 'tiny'\?\)"),
    Bad("a folder that is no run", "translate -m runs cat",
        r"runs: not a run directory \(it has no config\.yaml\)"),
    Bad("no finished run to take", "translate cat",
        r"no finished run under runs/; choose an unfinished one with --run: runs/tiny",
        {"runs/tiny/result.json": None}),
    Bad("weights that are cut off", "translate -m runs/tiny --checkpoint last cat",
        r"runs/tiny/checkpoints/00000150/model\.safetensors: damaged: .*",
        {f"{CHECKPOINT}/model.safetensors": half}),
    Bad("weights that are missing", "translate --checkpoint 150 cat",
        r"runs/tiny/checkpoints/00000150/model\.safetensors: missing; .*",
        {f"{CHECKPOINT}/model.safetensors": None}),
    Bad("a run whose shapes were edited", "translate -m runs/tiny cat",
        r"runs/tiny/.*/model\.safetensors: does not fit the model of config\.yaml: .*",
        {RUN_CONFIG: instead("size: 32", "size: 20")}),
    Bad("a run whose unit was edited", "translate -m runs/tiny cat",
        r".*config\.yaml:\d+: model\.attention\.kind: expected one of .*, found 'genral' "
        r"\(did you mean 'general'\?\)",
        {RUN_CONFIG: instead("kind: general", "kind: genral")}),
    Bad("a run whose configuration is broken", "translate -m runs/tiny cat",
        r".*/runs/tiny/config\.yaml:1: unknown key 'sed' \(did you mean 'seed'\?\)",
        {RUN_CONFIG: instead("seed:", "sed:")}),
    Bad("a run without its tokenizer", "translate -m runs/tiny cat",
        r"runs/tiny/tokenizer/joint\.model: missing",
        {"runs/tiny/tokenizer/joint.model": None}),
    Bad("a run whose tokenizer is cut off", "translate -m runs/tiny cat",
        r"runs/tiny/tokenizer/joint\.model: damaged: .*",
        {"runs/tiny/tokenizer/joint.model": half}),
    Bad("an unknown checkpoint", "translate --checkpoint bset cat",
        r"runs/tiny: no checkpoint 'bset'; expected one of best, last, 00000075, 00000150"),
    Bad("no checkpoint at all", "translate -m runs/tiny cat", r"runs/tiny: the run has no .*",
        {f"{CHECKPOINT}/state.json": None,
         f"{CHECKPOINT.replace('150', '075')}/state.json": None}),
    Bad("too few checkpoints to average", "average runs/tiny --last 3",
        r"runs/tiny: cannot average 3 checkpoints: the run has 2; lower --last, .*"),
    Bad("too few of the best to average", "average runs/tiny --best 3",
        r"runs/tiny: cannot average 3 checkpoints: .* 2 with a validation; lower --best, .*"),
    Bad("the last and the best to average", "average runs/tiny --best 2 --last 2",
        r"average: give --last or --best, not both"),
    Bad("a checkpoint twice in an ensemble", "translate --checkpoint last,150 cat",
        r"runs/tiny: the checkpoint 00000150 is named twice by last,150; .*"),
    Bad("one of several checkpoints that is not there", "translate --checkpoint 75,76 cat",
        r"runs/tiny: no checkpoint '76'; expected one of .*"),
    Bad("a damaged checkpoint to average", "average runs/tiny --last 2",
        r"runs/tiny/checkpoints/00000150/model\.safetensors: damaged: .*",
        {f"{CHECKPOINT}/model.safetensors": half}),
    Bad("no run to average", "average runs", r"runs: not a run directory .*"),
    Bad("two runs to average", "average runs/tiny --run runs/tiny",
        r"average: give the run as an argument or with --run, not both"),
    Bad("runs to list in no folder", "runs rnus", r"rnus: no such folder"),
    Bad("runs to list in a file", "runs m.npz",
        r"m\.npz: expected a folder, found a file", {"m.npz": b"x"}),
    Bad("a run that is a file", "translate --run m.npz x",
        r"m\.npz: expected a run directory, found a file", {"m.npz": b"x"}),
    Bad("a recipe without --config", "config show demo",
        r"'demo': expected key=value.*; or --config before it"),
]  # fmt: skip

USES = [
    Bad("two sources of text", "translate cat -i test.en",
        r"translate: give TEXT or --input, not both"),
    Bad("an input that is not there", "translate -i tset.en",
        r"tset\.en: cannot be read: No such file or directory"),
    Bad("an input that is not UTF-8", "translate -i x.en -o out.fr",
        r"x\.en:2: expected UTF-8 text, found byte 0xff at place 1 of the line",
        {"x.en": b"a cat\n\xff\n", "out.fr": "kept\n"}),
    Bad("an output in no folder", "translate -o no/out.fr cat",
        r"no/out\.fr: cannot be written: there is no folder no"),
    Bad("exposure of several", "evaluate -m runs/tiny -m runs/tiny --exposure",
        r"exposure: expected one model, found 2"),
    Bad("a run's weights for an output", f"translate -o {CHECKPOINT}/model.safetensors cat",
        rf"{CHECKPOINT}/model\.safetensors: belongs to the run .*/tiny, and would be lost; .*"),
    Bad("a run's record for an explanation", "explain cat -o runs/tiny/data.json",
        r"runs/tiny/data\.json: belongs to the run .*/runs/tiny, and would be lost; name .*"),
    Bad("notes where tables are to be written", "compare runs/tiny --into mine",
        r"mine/comparison\.md: is no table of a comparison, and would be lost; .* with --into",
        {"mine/comparison.md": "my notes\n"}),
    Bad("a run to write tables to", "compare runs/tiny --into runs/tiny",
        r"runs/tiny: is a run; give another folder with --into"),
    Bad("a run over a file", "train -c tiny.yaml --run mine",
        r"mine: cannot hold the run, which would write over mine/data\.json; .* with --run DIR",
        {"mine/data.json": "[]\n"}),
    Bad("a run over a folder", "train -c tiny.yaml --run mine",
        r"mine: cannot hold the run, which would write over mine/best; .* with --run DIR",
        {"mine/best/x": "kept\n"}),
    Bad("a split over files", "train train.en train.fr --run mine",
        r"mine/corpus: cannot hold the split corpus, as it has files of something else; .*",
        {"mine/corpus/x": "kept\n"}),
    Bad("a split over its corpus", "train mine/corpus/a.en mine/corpus/a.fr --run mine",
        r"mine/corpus/a\.en: the split corpus would be written to its folder, mine/corpus; .*",
        {"mine/corpus/a.en": "a cat\n", "mine/corpus/a.fr": "un chat\n"}),
    Bad("a recipe over another", "train train.en train.fr --run mine",
        r"mine: cannot hold the run, which would write over mine/recipe\.yaml; .*",
        {"mine/recipe.yaml": "# kept\n"}),
    Bad("the input for an output", "translate -i in.txt -o in.txt",
        r"in\.txt: is read too, and would be lost; name another file", {"in.txt": "a cat\n"}),
    Bad("the input for alignments", "translate -i in.txt --alignments in.txt",
        r"in\.txt: is read too, and would be lost; name another file", {"in.txt": "a cat\n"}),
    Bad("the references for an output", "evaluate --data test -o test.fr",
        r"test\.fr: is read too, and would be lost; name another file"),
    Bad("further references for an output", "evaluate --reference x.fr -o x.fr",
        r"x\.fr: is read too, and would be lost; name another file", {"x.fr": "a\n" * 10}),
    Bad("the gold for alignments", "evaluate --alignments x.align --output-alignments x.align",
        r"x\.align: is read too, and would be lost; name another file",
        {"x.align": "0-0\n" * 10}),
    Bad("a folder for an output", "evaluate -o runs", r"runs: expected a file to write, found a.*"),
    Bad("more hypotheses than the beam holds", "translate --n-best 6 cat",
        r"n_best 6 is more than beam 5"),
    Bad("a beam of none", "translate --beam 0 cat", r"beam: expected greater than .* found 0"),
    Bad("a temperature without drawing", "translate --temperature 0.5 cat",
        r"--temperature has no effect without --sample; .*"),
    Bad("a seed of no draw", "translate --seed 5 cat",
        r"--seed has no effect without --sample; .*"),
    Bad("a seed of attention that is not drawn", "translate --seed 5 --attention uniform cat",
        r"--seed has no effect without --sample; .*"),
    Bad("the likeliest of no draw", "translate --top-k 5 cat",
        r"--top-k has no effect without --sample; .*"),
    Bad("a beam to draw from", "translate --sample --beam 3 cat",
        r"--beam has no effect with --sample, .*; leave one of them out"),
    Bad("a beam where the run draws", "evaluate --beam 3",
        r"--beam has no effect, because decoding\.sample is true .*; leave --beam out",
        {RUN_CONFIG: lambda text: text.replace(b"sample: false", b"sample: true", 1)}),
    Bad("a file's name for text", "translate in.txt",
        r"in\.txt: expected a text to translate, found a file; --input in\.txt reads it",
        {"in.txt": "a cat\n"}),
    Bad("a file's name for text to explain", "explain ./in",
        r"\./in: expected a text to translate, found a file; .*", {"in": "a cat\n"}),
    Bad("a folder's name for text", "translate runs/tiny",
        r"runs/tiny: expected a text to translate, found a folder"),
    Bad("a stream of a file", "translate --stream -i test.en",
        r"translate: --stream is for standard input only; leave it out, .*"),
    Bad("a stream of what is read first", "translate --stream --attention uniform",
        r"translate: --attention reads all lines before it translates; leave out --stream"),
    Bad("words of no alignment", "translate --tokenized cat",
        r"translate: --tokenized has no effect without --alignments; give both"),
    Bad("one file for two outputs", "translate -o out --alignments ./out cat",
        r"out: expected two files for --output and --alignments, found the same .*"),
    Bad("a folder for a translation's alignments", "translate --alignments runs cat",
        r"runs: expected a file to write, found a folder"),
    Bad("a shortest beyond the longest", "translate --min-length 9 --max-length 5 cat",
        r"min_length 9 exceeds max_length 5"),
    Bad("two sources of text to explain", "explain cat -i test.en",
        r"explain: give TEXT or --input, not both"),
    Bad("one head in a page of several runs", "explain -m runs/tiny -m runs/tiny cat -o page.html "
        "--head 1", r"explain: --head works with one run and one checkpoint only; leave it out"),
    Bad("several runs to explain but in a page", "explain -m runs/tiny -m runs/tiny cat",
        r"explain: several runs or checkpoints can only be shown in a page: .*"),
    Bad("a head that is not there", "explain --head 2 cat",
        r"--head: expected mean or 1, found '2'"),
    Bad("a head that is no number", "explain --head first cat",
        r"--head: expected mean or 1, found 'first'"),
    Bad("one translation of two sentences", "explain --target chat cat dog",
        r"--target is the translation of one sentence, found 2 sentences to explain"),
    Bad("an explanation in an unknown format", "explain -o x.jpg cat",
        r"x\.jpg: expected a name that ends in \.json, .*, found 'x\.jpg'.*"),
    Bad("an explanation in no folder", "explain -o no/x.json cat",
        r"no/x\.json: no such folder to write to: no"),
    Bad("two sentences in one picture", "explain -o x.png cat dog",
        r"x\.png: a picture shows one sentence, found 2"),
    Bad("an attention of no kind", "translate --attention shufle cat",
        r"attention: expected uniform, .*, found 'shufle' \(did you mean 'shuffle'\?\)"),
    Bad("a shift by half a position", "translate --attention shift=0.5 cat",
        r"attention: expected a whole number of positions, like shift=1, found 'shift=0\.5'"),
    Bad("a temperature of attention below 0", "evaluate --attention temperature=-1",
        r"attention: expected a number above 0, like temperature=0\.5, found 'temperature=-1'"),
    Bad("a word to mask that no sentence has", "translate --attention mask=brid 'a bird' 'the cat'",
        r"attention mask=brid: no source sentence has this word \(did you mean 'bird'\?\)"),
    Bad("a word to mask that no test sentence has", "evaluate --attention mask=Cat",
        r"attention mask=Cat: no source sentence has this word \(did you mean 'cat'\?\)"),
    Bad("attention from a file that is not there", "translate --attention x.json cat",
        r"x\.json: cannot be read: No such file or directory"),
    Bad("attention from a file of another sentence", "translate --attention x.json 'a big cat'",
        r"x\.json: expected 4 columns, one for each of the words of 'a big cat </s>', found 3",
        {"x.json": '{"attention": [[0.5, 0.5, 0]]}'}),
    Bad("one sentence's attention for a test set", "evaluate --attention x.json",
        r"x\.json: this matrix is for one sentence, found 10",
        {"x.json": '{"attention": [[0.5, 0.5, 0]]}'}),
    Bad("attention from a file of no matrix", "translate --attention x.npy cat",
        r"x\.npy: not a matrix of weights: .*", {"x.npy": "1 2 3\n"}),
    Bad("no test set", "evaluate -m runs/tiny --data tset",
        r"tset\.en \(nor tset\.en\.gz, .*\): no such file \(did you mean 'test\.en'\?\)"),
    Bad("no test set in the run", "evaluate", r"no test set: there is no data\.test; .*",
        {RUN_CONFIG: lambda text: re.sub(rb"test: .*", b"test: null", text, count=1)}),
    Bad("two test sets", "evaluate --data test --test-set wmt14",
        r"evaluate: give --data or --test-set, not both"),
    Bad("an unknown test set", "evaluate --test-set wmt41",
        r"test set 'wmt41': not one of sacreBLEU's for en-fr \(did you mean 'wmt1.*"),
    Bad("a test set of unequal sides", "evaluate --data test",
        r"test\.en has 10 lines, test\.fr 1: expected one line of each for every pair",
        {"test.fr": "un chat\n"}),
    Bad("an empty test set", "evaluate --data x",
        r"x\.en: expected sentence pairs, found an empty file", {"x.en": "", "x.fr": ""}),
    Bad("gold alignments of another length", "evaluate --alignments train.align",
        r"train\.align: expected alignments of 10 pairs, found 240"),
    Bad("gold alignments that are none", "evaluate --alignments test.fr",
        r"test\.fr:1: expected links like 0-0 or 1\?2, found '\w+'"),
    Bad("gold alignments that are not there", "evaluate --alignments tset.align",
        r"tset\.align: .*[Nn]o such file.*"),
    Bad("gold alignments of other words", "evaluate --alignments x.align",
        r"(x\.align: )?sentence 2: gold link 90-0 \(from 0\) lies outside its .*",
        {"x.align": "0-0\n90-0\n" + "0-0\n" * 8}),
    Bad("a threshold that is no weight", "evaluate --threshold 1.5",
        r"threshold: expected a number above 0, at most 1, found 1\.5"),
    Bad("a way to join one direction alone", "evaluate --symmetrize union",
        r"evaluate: --symmetrize combines two runs; give --reverse-model too"),
    Bad("a reverse model of the same direction", "evaluate --reverse-model runs/tiny",
        r"runs/tiny: expected a run that translates fr to en, found en to fr"),
    Bad("a folder for alignments", "evaluate --output-alignments runs",
        r"runs: expected a file to write, found a folder"),
    Bad("scores of unequal files", "score test.fr train.fr",
        r"train\.fr: expected 10 lines, one for each of test\.fr, found 240"),
    Bad("scores by an unknown tokeniser", "score test.fr test.fr --tokenize ja",
        r"tokenize: expected 'auto', '13a', .*, found 'ja'.*"),
    Bad("more references of another length", "evaluate --reference train.fr",
        r"train\.fr: expected 10 lines, one for each sentence of .*test, found 240"),
    Bad("references that are no JSON", "score test.fr x.jsonl",
        r"x\.jsonl:2: not valid JSON: 'un chat'", {"x.jsonl": '["a"]\nun chat\n'}),
    Bad("references that are no list", "score test.fr x.jsonl --target fr",
        r"x\.jsonl:1: expected a list of references under 'fr', found .*",
        {"x.jsonl": '{"de": "ein", "en": "a"}\n'}),
    Bad("scores of nothing", "score x.fr x.fr", r"cannot score: expected hypotheses, found none",
        {"x.fr": ""}),
    Bad("no unit to check", "attention check", r"check: name a file, or a unit .*"),
    Bad("a unit to check that is not there", "attention check --unit additiv",
        r"--unit: expected one of dot, .*, found 'additiv' \(did you mean 'additive'\?\)"),
    Bad("a file of units that is not there", "attention check units.py",
        r"code: no such file: .*/units\.py"),
    Bad("a file of units that fails", "attention check units.py",
        r".*/units\.py: cannot be run: ZeroDivisionError: division by zero",
        {"units.py": "1 / 0\n"}),
    Bad("a file without units", "attention check units.py",
        r"units\.py: registers no part: expected a line like ATTENTIONS\['mine'\] = Mine",
        {"units.py": "units = 1\n"}),
    Bad("two files of units", "attention check one.py two.py",
        r"check: expected one file, found one\.py and two\.py"),
    Bad("a setting of another part to check with", "attention check --unit dot model.dropout=0.1",
        r"'model\.dropout=0\.1': expected model\.attention\.KEY=VALUE; only settings .*"),
    Bad("a unit's setting that it does not take", "attention check --unit qkv "
        "model.attention.sise=8",
        r"override .*: model\.attention\.sise: unknown option of kind qkv, .*'size'.*"),
    Bad("no configuration to measure", "bench train",
        r"bench train: expected a configuration, for example --config demo"),
    Bad("no configuration to prepare with a clock", "bench prepare",
        r"bench prepare: expected a configuration, for example --config demo"),
    Bad("a configuration to measure that is not there", "bench train -c tinny.yaml",
        r"tinny\.yaml: no such configuration file \(did you mean 'tiny\.yaml'\?\)"),
    Bad("a corpus to measure that is not there", "bench train -c tiny.yaml data.train=trian",
        r".*/trian\.en \(nor trian\.en\.gz, .*\): no such file \(did you mean 'train\.en'\?\)"),
    Bad("a corpus to prepare with a clock that is not there", "bench prepare -c tiny.yaml "
        "data.valid=vald", r".*/vald\.en \(nor .*\): no such file \(did you mean 'valid\.en'\?\)"),
    Bad("no validation corpus to prepare with a clock", "bench prepare -c x.yaml",
        r"data\.valid: expected a prefix, .*, found nothing set",
        {"x.yaml": "data: {train: train}\n"}),
    Bad("a model to measure that can't be", "bench train -c tiny.yaml model.attention=dot",
        r"model\.attention\.kind dot needs decoder and encoder states of one size, .*"),
    Bad("two corpora to measure translating", "bench translate --data test -i test.en",
        r"bench translate: give --data or --input, not both"),
    Bad("blank lines to measure translating", "bench translate -i x.en",
        r"bench translate: expected sentences, found none", {"x.en": "\n \n"}),
    Bad("a file to measure translating that is not there", "bench translate -i tset.en",
        r"tset\.en: cannot be read: No such file or directory"),
    Bad("a run to measure that is none", "bench translate -m runs",
        r"runs: not a run directory .*"),
    Bad("no test set in the run to measure", "bench translate",
        r"bench translate: no text: the run has no data\.test; .*",
        {RUN_CONFIG: lambda text: re.sub(rb"test: .*", b"test: null", text, count=1)}),
    Bad("a damaged checkpoint to measure", "bench translate --checkpoint last",
        r".*/model\.safetensors: damaged: .*", {f"{CHECKPOINT}/model.safetensors": half}),
    Bad("scores of a file that is not there", "score tset.fr test.fr",
        r"tset\.fr: cannot be read: No such file or directory"),
]  # fmt: skip


def spoil(world: Path, files: dict[str, Any]) -> None:
    for name, content in files.items():
        path = world / name
        if content is None:
            path.unlink()
        elif callable(content):
            spoilt = content(path.read_bytes())
            if name == RUN_CONFIG:  # as whoever edits it on purpose has to: without its checksum
                spoilt = b"".join(
                    line for line in spoilt.splitlines(True) if not line.startswith(b"# ")
                )
            path.write_bytes(spoilt)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)


@pytest.mark.parametrize(
    "bad", [pytest.param(bad, id=bad.name) for bad in (*CORPORA, *CONFIGURATIONS, *RUNS, *USES)]
)
def test_it_is_refused_in_one_line_and_nothing_is_lost(
    bad: Bad, world: Path, command: Command
) -> None:
    spoil(world, bad.files)
    before = snapshot(world)
    status, out, err = command("--quiet", *shlex.split(bad.command))
    assert re.fullmatch(f"error: {bad.line}\n", err), err
    assert (status, out) == (2, "")
    assert snapshot(world) == before


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ("tranlate cat", "no such command 'tranlate'.*; see seq2seq --help"),
        ("translate --beem 3 cat", "translate: no such option.*--beem.*; see seq2seq translate .*"),
        ("translate --beam three cat", "translate: .*'--beam': .*integer.*, found 'three'; see .*"),
        (
            "bench train -c tiny.yaml --updates 0",
            "bench train: .*'--updates': .*1.*, found '0'; .*",
        ),
        ("bench translate --beam=0", "bench translate: .*'--beam': .*1.*, found '0'; see .*"),
        ("bench train --threads 100000000", "bench train: .*'--threads': .*1024, found '1.*0'; .*"),
        ("score test.fr", "score: missing argument '(?i:references).*; see seq2seq score --help"),
        ("score test.fr \x1b[31m --nope", ".*no such option.*"),
    ],
)
def test_what_is_no_command_is_refused_in_a_line(
    arguments: str, line: str, command: Command
) -> None:
    status, out, err = command(*arguments.split())
    assert (status, out) == (2, "")
    assert re.fullmatch(f"error: {line}\n", err)


ENDER = """
from seq2seq.model.attention import ATTENTIONS
class Ender(ATTENTIONS["dot"]):
    def score(self, *given):
        raise SystemExit(0)
ATTENTIONS["ender"] = Ender
"""


def test_a_unit_that_ends_the_program_is_told_of(world: Path, command: Command) -> None:
    (world / "ender.py").write_text(ENDER)
    settings = ["code=ender.py", "model.attention=ender", "model.decoder.size=64"]
    status, out, err = command("-q", "train", "-c", "tiny.yaml", "--run", "runs/x", *settings)
    del ATTENTIONS["ender"]
    assert (status, out) == (1, "")
    *_, last = err.splitlines()  # after what there is to say of so small a corpus
    assert re.fullmatch(r"error: .*/ender\.py: its code ended the program", last)


def test_bytes_on_standard_input_are_told_by_their_line(command: Command) -> None:
    status, out, err = command("-q", "translate", stdin=b"a cat\nun \xe9t\xe9\n")
    assert (status, out) == (2, "")
    assert re.fullmatch(r"error: <?\w+>?:2: expected UTF-8 text, found byte 0xe9 at .*\n", err)


def test_an_argument_that_is_not_utf_8_is_refused(command: Command) -> None:
    status, out, err = command("-q", "translate", "a cat", os.fsdecode(b"\xe9t\xe9"))
    assert (status, out) == (2, "")
    assert re.fullmatch(r"error: TEXT 2: expected UTF-8 text, found .*\n", err)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is CUDA here")
@pytest.mark.parametrize(
    "arguments",
    ["translate --device cuda cat", "train -c tiny.yaml --run new training.device=cuda"],
)
def test_cuda_where_there_is_none_is_refused(arguments: str, world: Path, command: Command) -> None:
    status, out, err = command("-q", *arguments.split())
    assert (status, out) == (2, "")
    expected = r"error: device: expected auto, cpu, cuda or cuda:1, found 'cuda': .*\n"
    assert re.fullmatch(expected, err)
    assert not (world / "new").exists()


def test_runs_of_different_tokenizers_make_no_ensemble(world: Path, command: Command) -> None:
    settings = ["tokenizer.vocab_size=40", "training.max_steps=1"]
    assert command("-q", "train", "-c", "tiny.yaml", "--run", "other", *settings).status == 0
    status, out, err = command("-q", "translate", "-m", "runs/tiny", "-m", "other", "cat")
    assert (status, out) == (2, "")
    assert err.startswith("error: other: its tokenizers are not those of runs/tiny, so ")
    assert err.count("\n") == 1


def test_a_sentence_longer_than_training_saw_is_translated_with_a_warning(
    world: Path, command: Command
) -> None:
    config = world / RUN_CONFIG
    lines = [line for line in config.read_text().splitlines(True) if not line.startswith("# ")]
    config.write_text("".join(lines).replace("  max_length: 100", "  max_length: 5", 1))
    status, out, err = command("-q", "translate", "a cat", "the big cat sees the small dog")
    assert status == 0
    assert len(out.splitlines()) == 2
    assert re.fullmatch(
        r"line 2 has \d+ pieces, more than the 5 that training saw \(data\.max_length\)\n", err
    )


# --- a disk that is full --------------------------------------------------------------------------


@contextmanager
def full_beyond(size: int) -> Iterator[None]:
    """Let no file grow beyond `size` bytes: every write past it fails, whoever's code it is in."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("share", [0.5, 1.1], ids=["the weights", "the trainer's state"])
def test_a_disk_too_full_for_a_checkpoint_leaves_the_older_ones(
    share: float, world: Path, command: Command
) -> None:
    weights = (world / CHECKPOINT / "model.safetensors").stat().st_size
    checkpoints = world / "runs/tiny/checkpoints"
    before = snapshot(checkpoints)
    with full_beyond(int(share * weights)):
        status, out, err = command(
            *["-q", "train", "-c", "tiny.yaml", "--resume", "training.max_steps=152"]
        )
    assert (status, out) == (2, "")
    place = re.escape("runs/tiny/checkpoints/00000152")
    assert re.fullmatch(f"error: {place}: cannot be written: .*\n", err)
    assert snapshot(checkpoints) == before
    again = command("-q", "train", "-c", "tiny.yaml", "--resume", "training.max_steps=152")
    assert again == (0, "runs/tiny\n", "")


def test_a_disk_too_full_for_the_prepared_data_leaves_none(
    tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEQ2SEQ_CACHE", str(tmp_path / "cache"))
    with full_beyond(1000):
        status, out, err = command("-q", "prepare", "-c", "tiny.yaml")
    assert (status, out) == (2, "")
    assert re.fullmatch(
        r"error: .*/cache/prepared: the prepared data cannot be written here: .*\n", err
    )
    assert snapshot(tmp_path / "cache") == {}


def test_a_disk_too_full_for_the_output_leaves_the_old_one(world: Path, command: Command) -> None:
    (world / "out.fr").write_text("what was here\n")
    before = snapshot(world)
    with full_beyond(30):
        status, out, err = command("-q", "translate", "-i", "train.en", "-o", "out.fr", "--beam=1")
    assert (status, out) == (2, "")
    assert re.fullmatch(r"error: .*out\.fr: cannot be written: .*\n", err)
    assert snapshot(world) == before


def test_a_folder_that_can_not_be_written_to_is_named(world: Path, command: Command) -> None:
    shutil.rmtree(world / "runs")
    (world / "runs").write_text("not a folder\n")
    status, out, err = command("-q", "train", "-c", "tiny.yaml")
    assert (status, out) == (2, "")
    assert re.fullmatch(r"error: runs/tiny: cannot hold the run, because runs is a file; .*\n", err)
