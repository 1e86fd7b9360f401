"""Bundled recipes and the corpora of `data get` meet in the working directory."""

from pathlib import Path

import pytest

from seq2seq.bundled import find_recipe
from seq2seq.config import load_config
from seq2seq.data.corpus import find_corpus
from seq2seq.data.download import CORPORA
from seq2seq.errors import UserError


@pytest.mark.parametrize("name", ["multi30k", "tatoeba"])
def test_a_recipe_looks_for_its_corpus_where_data_get_puts_it(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    data = load_config(find_recipe(Path(name))).data
    assert name in CORPORA
    assert data.train == str(tmp_path / "corpora" / name / "train")
    assert data.valid == str(tmp_path / "corpora" / name / "valid")


def test_a_fetched_corpus_is_named_the_same_in_a_file_and_on_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, elsewhere = tmp_path / "here", tmp_path / "elsewhere"
    here.mkdir()
    elsewhere.mkdir()
    (elsewhere / "mine.yaml").write_text("data: {train: 'corpora:x/train'}")
    monkeypatch.chdir(here)
    config = load_config(elsewhere / "mine.yaml", ["data.valid=corpora:x/valid"])
    assert config.data.train == str(here / "corpora/x/train")
    assert config.data.valid == str(here / "corpora/x/valid")


def test_a_corpus_that_was_not_fetched_is_told_with_the_command_that_fetches_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"no folder .*; get it with: seq2seq data get multi30k$"):
        find_corpus(str(tmp_path / "corpora/multi30k/train"), "en", "fr")
    with pytest.raises(UserError, match=r"data get multi30k --into /data/corpora$"):
        find_corpus("/data/corpora/multi30k/train", "en", "fr")
    with pytest.raises(UserError, match=r"; make it with: seq2seq data make recall$"):
        find_corpus("corpora/recall/train", "src", "tgt")
    with pytest.raises(UserError, match=r"data make stories --facts 2 --into /data/corpora$"):
        find_corpus("/data/corpora/stories-2/train", "src", "tgt")
    with pytest.raises(UserError, match=r"there is no folder corpora/mine$"):
        find_corpus("corpora/mine/train", "en", "fr")


def test_a_folder_of_a_recipe_s_name_does_not_hide_the_recipe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "demo").mkdir()
    assert find_recipe(Path("demo")).name == "demo.yaml"
    (tmp_path / "other").mkdir()
    with pytest.raises(UserError, match=r"other: expected a configuration file, found a folder$"):
        find_recipe(Path("other"))
    (tmp_path / "other/config.yaml").touch()
    with pytest.raises(
        UserError, match=r"a folder; the configuration of this run is other/config\.yaml$"
    ):
        find_recipe(Path("other"))
