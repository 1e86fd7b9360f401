"""What is asked of a corpus: its columns, and what of it is laid over the plan."""

from pathlib import Path

import pytest

from seq2seq.errors import UserError
from seq2seq.planning.request import Request, open_corpus

COLUMNS = "data.columns=[3,2]"


@pytest.fixture
def table(tmp_path: Path) -> str:
    rows = [f"{n}\tI see {n} dogs.\tJe vois {n} chiens.\tIch sehe {n} Hunde." for n in range(9)]
    (tmp_path / "corpus.tsv").write_text("\n".join(rows) + "\n")
    return str(tmp_path / "corpus.tsv")


def test_the_columns_of_the_corpus_are_those_that_are_said(table: str) -> None:
    request = Request((table,), "fr", "en", overrides=(COLUMNS, "seed=3"))
    assert next(open_corpus(request).pairs())[:2] == ("Je vois 0 chiens.", "I see 0 dogs.")
    assert request.settings == ("seed=3",)  # the plan has files of one side
    assert request.only("seed").seed == 3


def test_a_validation_table_has_the_same_columns(table: str) -> None:
    overrides = (COLUMNS, f"data.valid={table}")
    assert Request((table,), "fr", "en", overrides=overrides).settings == overrides


def test_columns_of_no_table_are_refused(tmp_path: Path) -> None:
    for side in ("en", "fr"):
        (tmp_path / f"a.{side}").write_text("a b\n")
    files = tuple(str(tmp_path / f"a.{side}") for side in ("fr", "en"))
    with pytest.raises(UserError, match=r"data\.columns: expected a table"):
        open_corpus(Request(files, overrides=(COLUMNS,)))


def test_settings_are_given_however_they_are_written(table: str) -> None:
    nested = Request(
        (table,), overrides=("data={source: fr, target: en}", "training={max_steps: 5}")
    )
    assert nested.languages == ("fr", "en")
    assert nested.given["training.max_steps"] == 5
    with pytest.raises(UserError, match=r"data\.train: the corpus is"):
        Request((table,), overrides=(f"data={{train: {table}}}",))
