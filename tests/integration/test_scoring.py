"""Scores in training and by the commands: of the language's tokens, of several references."""

import json
import lzma
from pathlib import Path

import pytest

from seq2seq.errors import UserError
from seq2seq.evaluation.references import read_references
from seq2seq.inference.translator import load
from seq2seq.pipeline import train
from tests.integration.conftest import Command
from tests.integration.tiny import BY_HEART, Pairs, tiny

CHINESE: Pairs = [
    ("the cat sleeps", "猫睡觉。"),
    ("the dog eats", "狗吃饭。"),
    ("a black cat sleeps here", "一只黑猫在这里睡觉。"),
    ("the small cat eats a small dog", "小猫吃一只小狗。"),
]


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQ2SEQ_CACHE", str(tmp_path_factory.getbasetemp() / "scoring-cache"))


# --- training -------------------------------------------------------------------------------------


@pytest.mark.parametrize("tokenize", ["auto", "13a"])
@pytest.mark.parametrize("pairs", [CHINESE, [("I love you", "je t'aime")]], ids=["zh", "one pair"])
def test_what_is_learnt_is_the_best_whatever_bleu_can_see(
    pairs: Pairs, tokenize: str, tmp_path: Path
) -> None:
    language = "zh" if pairs is CHINESE else "fr"
    config = tiny(
        tmp_path,
        *BY_HEART,
        "training.validate_every=5",
        "training.patience=10",
        f"evaluation.tokenize={tokenize}",
        pairs=pairs,
    )
    data = config.data.model_copy(update={"target": language})
    for split in ("train", "valid"):
        (tmp_path / f"{split}.fr").rename(tmp_path / f"{split}.{language}")
    run = train(config.model_copy(update={"data": data}), tmp_path / "run")
    translations = load(run.folder).translate([source for source, _ in pairs])
    assert [translation.text for translation in translations] == [target for _, target in pairs]
    assert run.result is not None
    assert run.result["tokenize"] == ("zh" if (language, tokenize) == ("zh", "auto") else "13a")
    assert run.result["chrf"] == pytest.approx(100)
    assert "the loss chooses the best checkpoint" in (run.folder / "train.log").read_text()


def test_a_tokeniser_that_is_not_there_is_refused_before_the_corpus_is_prepared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> None:
        raise UserError(f"tokenize: {name} can't be loaded")

    monkeypatch.setattr("seq2seq.pipeline.load_tokenizer", missing)
    monkeypatch.setattr("seq2seq.pipeline.prepare", lambda config: pytest.fail("too late"))
    with pytest.raises(UserError, match="ja-mecab can't be loaded"):
        train(tiny(tmp_path, "evaluation.tokenize=ja-mecab"), tmp_path / "run")


def test_what_bleu_counts_may_change_when_a_run_goes_on(tmp_path: Path) -> None:
    before = train(tiny(tmp_path), tmp_path / "run")
    assert before.result is not None
    steps = before.result["steps"] + 3
    changes = ("evaluation.tokenize=char", f"training.max_steps={steps}")
    run = train(tiny(tmp_path, *changes), tmp_path / "run", resume=True)
    assert run.config.evaluation.tokenize == "char"
    (record,) = (r for r in map(json.loads, run.metrics.open()) if r["kind"] == "settings")
    assert record["changes"]["evaluation.tokenize"] == ["auto", "char"]


# --- evaluate and score ---------------------------------------------------------------------------


def test_evaluate_takes_more_references_and_a_tokeniser(world: Path, command: Command) -> None:
    (world / "test.fr").write_text("zzz qq vvv ww\n" * 10)
    evaluate = ["-q", "evaluate", "--data", "test", "--bootstrap", "0", "--json"]
    alone = json.loads(command(*evaluate, "-o", "right.fr").out)
    (world / "blank.fr").write_text("\n" * 10)
    options = ["--reference", "right.fr", "--reference", "blank.fr", "--tokenize", "char"]
    found = json.loads(command(*evaluate, *options).out)
    assert (alone["scores"][0]["value"], alone["tokenize"]) == (0, "13a")
    assert found["scores"][0]["value"] == pytest.approx(100)
    assert found["tokenize"] == "char"
    assert "nrefs:2" in found["scores"][0]["signature"]
    assert "tok:char" in found["scores"][0]["signature"]
    assert found["scores"][0]["note"] == "10 blank references taken for missing"


def test_score_follows_the_ending_of_the_reference_or_the_language_named(
    world: Path, command: Command
) -> None:
    (world / "hyp").write_text("ฉันอ่านหนังสือ\n")
    for name in ("ref.th", "ref.txt"):
        (world / name).write_text("ฉันอ่านหนังสือ\n")
        status, out, err = command("score", "hyp", name)
        assert (status, "BLEU 100.00" in out, "|tok:char|" in out) == (0, True, True), name
        assert err.startswith("BLEU counts the tokens of sacreBLEU's char, because")
    assert "|tok:zh|" in command("score", "hyp", "ref.txt", "--target", "zho_Hans").out
    with lzma.open(world / "ref.km.txt.xz", "wb") as packed:
        packed.write((world / "ref.th").read_bytes())
    assert "the target language is km" in command("score", "hyp", "ref.km.txt.xz").err
    status, out, err = command("score", "hyp", "ref.th", "--tokenize", "13a")
    assert (status, "|tok:13a|" in out) == (0, True)
    assert err.startswith("tokenize 13a: the references have hardly any spaces")


def test_score_reads_any_number_of_references_a_line(world: Path, command: Command) -> None:
    (world / "hyp.fr").write_text("Sois prudent, mon vieil ami !\nSaute donc par la fenêtre.\n")
    lines = [
        {"en": "Be careful!", "fr": ["Attention !", "Sois prudent, mon vieil ami !"]},
        {"en": "Jump.", "fr": ["Saute donc par la fenêtre."]},
    ]
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    (world / "refs.jsonl").write_text(text)
    out = command("-q", "score", "hyp.fr", "refs.jsonl", "--target", "fr").out
    assert out.startswith("BLEU 100.00 [")
    assert "nrefs:var" in out


def test_a_test_set_with_several_translations_a_line_is_scored_against_all(
    world: Path, command: Command
) -> None:
    sources = ["the big cat sees the small dog", "the small dog sees the big cat"]
    one, other = command("-q", "translate", *sources).out.splitlines()
    lines = [
        {"en": sources[0], "fr": ["un oiseau", one, "une maison"]},
        {"en": sources[1], "fr": [other]},
    ]
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    (world / "several.jsonl").write_text(text)
    _, out, err = command("evaluate", "--data", "several.jsonl")
    assert "BLEU 100.00 [" in out
    assert "nrefs:var" in out
    assert "of several translations each is learnt from and scored against" in err
    again = command("-q", "evaluate", "--data", "several.jsonl", "--reference", "several.jsonl")
    assert again.out == out


def test_what_the_corpus_has_already_is_no_second_reference(tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    file.write_text('["un", "une"]\n["deux"]\n["trois", "3", "iii"]\n')
    (tmp_path / "y").write_text("I\n\nIII\n")
    beside: list[list[str | None]] = [["un", "deux", "tres"]]
    assert read_references([file, tmp_path / "y"], 3, beside=beside) == [
        ["un", "deux", "tres"],
        ["une", None, "trois"],
        [None, None, "3"],
        [None, None, "iii"],
        ["I", "", "III"],
    ]
    file.write_text('["un"]\n[]\n["trois"]\n')
    assert read_references([file], 3, beside=beside) == [*beside, [None, None, "trois"]]
    with pytest.raises(UserError, match=r"x\.jsonl:2: expected at least one reference, found none"):
        read_references([file], 3)
