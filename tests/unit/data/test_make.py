"""The made tasks against solvers that know only the text."""

from __future__ import annotations

import hashlib
import re
import shlex
from collections import Counter
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from seq2seq.bundled import find_recipe
from seq2seq.cli import app
from seq2seq.config import load_config
from seq2seq.data.make import CORPORA, TASKS, Draws, build_task, command_for, make_corpus
from seq2seq.data.make.contract import SIDES
from seq2seq.data.make.drawn import Drawn
from seq2seq.data.tokenizer import UNK, train_tokenizers
from seq2seq.data.words import split_words
from seq2seq.errors import UserError
from seq2seq.translation.texts import longest

OF_TEXT = [kind for kind, task in TASKS.items() if not issubclass(task, Drawn)]

# --- solvers: from the text of a source to its answer, by other means than the generators ---------


def solve_copy(source: str) -> str:
    return source


def solve_repeat_copy(source: str) -> str:
    items = source.replace("*", "").strip()
    return " ".join(items for _ in range(source.count("*")))


def solve_recall(source: str) -> str:
    listed, _, query = source.partition(" ? ")
    (answer,) = re.findall(rf"\| {query} \| ([^|]+)", f"{listed} |")
    return str(answer).strip()


def solve_retrieval(source: str) -> str:
    pairs, _, key = source.partition(" ? ? ")
    return dict(re.findall(r"(k\d+|[a-z]) ?(v\d+|\d)", pairs))[key]


def solve_stories(source: str) -> str:
    """Follow everybody and everything, sentence by sentence, and keep all that was seen."""
    *sentences, questions = re.split(r"(?<=\.) ", source)
    has_places = not questions.startswith("Who")
    where: dict[str, str] = {}
    holder: dict[str, str] = {}
    seen: dict[str, list[str]] = {}
    for sentence in sentences:
        person, verb, *_, noun = sentence.rstrip(".").split()
        if verb in ("went", "walked", "hurried"):
            assert where.get(person) != noun, "somebody moves to where they are"
            where[person] = noun
        elif verb in ("took", "picked", "grabbed"):
            assert noun not in holder or not has_places, "somebody takes what another one holds"
            assert not seen.get(noun) or seen[noun][-1] == where[person], "taken from afar"
            holder[noun] = person
        else:
            assert holder.pop(noun) == person, "somebody drops what they do not hold"
        for thing, by in holder.items() if has_places else ():
            path = seen.setdefault(thing, [])
            if path[-1:] != [where[by]]:
                path.append(where[by])
    return " ".join(
        answer(question.split(), where, seen, holder)
        for question in questions.rstrip("?").split("? ")
    )


def answer(
    question: list[str],
    where: dict[str, str],
    seen: dict[str, list[str]],
    holder: dict[str, str],
) -> str:
    if question[0] == "Who":
        return holder[question[-1]]
    if question[1] == "was":
        path = seen[question[3]]
        assert path.count(question[-1]) == 1, "the question has several answers"
        return path[path.index(question[-1]) - 1]
    return where[question[-1]] if question[-1] in where else seen[question[-1]][-1]


SOLVERS: dict[str, Callable[[str], str]] = {
    "copy": solve_copy,
    "repeat-copy": solve_repeat_copy,
    "recall": solve_recall,
    "retrieval": solve_retrieval,
    "stories": solve_stories,
}
CASES: list[tuple[str, dict[str, Any]]] = [
    ("copy", {}),
    ("copy", {"symbols": 3, "longest": 5}),
    ("repeat-copy", {}),
    ("recall", {}),
    ("recall", {"symbols": 5, "width": 2}),
    ("retrieval", {}),
    ("retrieval", {"keys": 60, "values": 60, "longest": 20}),
    ("retrieval", {"keys": 5, "rewrite": True}),
    ("retrieval", {"keys": 40, "values": 15, "joined": True}),
    *(("stories", {"facts": facts}) for facts in (1, 2, 3)),
    *(("stories", {"facts": facts, "questions": 4}) for facts in (1, 2, 3)),
    ("stories", {"who": True, "questions": 2}),
]


@pytest.mark.parametrize(("kind", "options"), CASES, ids=str)
def test_every_answer_is_the_one_that_follows_from_the_text(
    kind: str, options: dict[str, Any]
) -> None:
    task = build_task(kind, options)
    draws = Draws(1, kind)
    for _ in range(300):
        for part in (task, *task.further().values()):
            length = draws.between(part.shortest, part.longest)
            source, target, links = part.example(draws, length)[:3]
            assert target == SOLVERS[kind](source)
            from_words, to_words = split_words(source), split_words(target)
            assert {to for _, to in links} == set(range(len(to_words)))
            assert all(from_words[at].endswith(to_words[to]) for at, to in links)


def test_every_task_has_a_solver() -> None:
    assert set(SOLVERS) == set(OF_TEXT) == {kind for kind, _ in CASES}


@pytest.mark.parametrize("facts", [1, 2, 3])
def test_a_story_cannot_be_answered_from_fewer_sentences_than_its_facts(facts: int) -> None:
    task = build_task("stories", {"facts": facts, "longest": 7})
    draws = Draws(2)
    for _ in range(30):
        source, target = task.example(draws, draws.between(3, 7))[:2]
        *story, question = re.split(r"(?<=\.) ", source)
        person_or_thing = question.rstrip("?").split()[3 if facts == 3 else -1]
        about = [sentence for sentence in story if f"the {person_or_thing}." in sentence]
        assert bool(about) == (facts > 1)  # the thing is named only where it is taken or dropped
        assert not any(f"the {target}." in sentence for sentence in about)


@pytest.mark.parametrize(
    ("kind", "options", "lengths"),
    [
        ("copy", {}, range(1, 21)),
        ("recall", {}, range(2, 7)),
        ("stories", {}, range(3, 13)),
    ],
)
def test_lengths_are_spread_evenly_over_the_range(
    kind: str, options: dict[str, Any], lengths: range, tmp_path: Path
) -> None:
    folder = make_corpus(kind, tmp_path, pairs=2000, held_out=10, **options).folder
    found = Counter(map(length_of, (folder / "train.src").read_text().splitlines()))
    assert set(found) == set(lengths)
    expected = 2000 / len(lengths)
    assert all(abs(count - expected) < 5 * expected**0.5 for count in found.values())


def length_of(source: str) -> int:
    """Items of recall, sentences of a story, else words."""
    return source.count("|") or source.count(".") or len(source.split())


@pytest.mark.parametrize("kind", OF_TEXT)
def test_no_source_comes_twice_in_all_splits(kind: str, tmp_path: Path) -> None:
    made = make_corpus(kind, tmp_path, pairs=400, held_out=50)
    sources = [line for split in made.examples for line in lines(made.folder / f"{split}.src")]
    assert len(set(sources)) == len(sources) == sum(made.examples.values())
    for split, count in made.examples.items():
        assert len(lines(made.folder / f"{split}.tgt")) == count
        assert len(lines(made.folder / f"{split}.align")) == count


def lines(file: Path) -> list[str]:
    return file.read_text("utf-8").splitlines()


def digest(folder: Path) -> str:
    content = [file.name.encode() + file.read_bytes() for file in sorted(folder.rglob("*.*"))]
    return hashlib.sha256(b"".join(content)).hexdigest()


@pytest.mark.parametrize("kind", OF_TEXT)
def test_a_seed_gives_the_same_bytes_and_another_seed_others(kind: str, tmp_path: Path) -> None:
    one, again, other = (
        digest(make_corpus(kind, tmp_path / name, pairs=50, held_out=5, seed=seed).folder)
        for name, seed in (("one", 1), ("again", 1), ("other", 2))
    )
    assert one == again != other


def test_draws_are_those_of_any_version_of_python() -> None:
    # the Mersenne Twister is fixed; so is the way from its reals to whole numbers
    draws = Draws(1, "copy", "train")
    assert [draws.below(100) for _ in range(6)] == DRAWN
    assert sorted(draws.several(4, "abcd")) == list("abcd")
    assert {draws.between(2, 4) for _ in range(99)} == {2, 3, 4}


DRAWN = [82, 67, 28, 70, 32, 87]


def test_the_held_out_sets_do_not_depend_on_the_size_of_the_training_set(tmp_path: Path) -> None:
    small, large = (
        make_corpus("copy", tmp_path / str(pairs), pairs=pairs, held_out=20).folder
        for pairs in (10, 500)
    )
    for split in ("test", "valid", "test-40"):
        assert lines(small / f"{split}.src") == lines(large / f"{split}.src")


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("kopy", {}, r"found 'kopy' \(did you mean 'copy'\?\)"),
        ("copy", {"facts": 2}, "--facts: belongs to stories, and the task is copy"),
        ("stories", {"symbols": 2}, "--symbols: belongs to copy or repeat-copy or recall"),
        ("copy", {"shortest": 0}, "expected 1 or more items"),
        ("copy", {"shortest": 9, "longest": 8}, "--shortest 9 --longest 8"),
        ("copy", {"beyond": (20,)}, "expected lengths above --longest 20"),
        ("copy", {"symbols": 1}, "--symbols: expected at least 2, found 1"),
        ("repeat-copy", {"most_repeats": 0}, "--most-repeats: expected at least 1, found 0"),
        ("repeat-copy", {"beyond_repeats": (9,)}, "expected numbers above --most-repeats 10"),
        ("recall", {"shortest": 1}, "--shortest: expected at least 2"),
        ("recall", {"symbols": 4, "width": 2}, "--symbols: expected at least 5, found 4"),
        ("retrieval", {"keys": 20}, "--keys 20: expected at least 24"),
        ("stories", {"facts": 4}, "--facts: expected 1, 2 or 3, found 4"),
        ("stories", {"questions": 0}, "--questions: expected at least 1, found 0"),
        ("stories", {"who": True, "facts": 2}, "--facts: expected 1 with --who, found 2"),
    ],
)
def test_options_that_cannot_be_are_refused(
    kind: str, options: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=message):
        make_corpus(kind, tmp_path, **options)
    assert not list(tmp_path.iterdir())


def test_too_few_different_examples_are_refused_and_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="found only 6 different examples for test"):
        make_corpus("copy", tmp_path, symbols=2, longest=2, held_out=7)
    assert not list(tmp_path.iterdir())


def test_a_corpus_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    make_corpus("copy", tmp_path, pairs=5, held_out=1)
    with pytest.raises(UserError, match=r"copy: there is such a folder"):
        make_corpus("copy", tmp_path, pairs=5, held_out=1)
    assert make_corpus("copy", tmp_path, name="copy-2", pairs=5, held_out=1).folder.is_dir()


RECIPES = {f"tasks/{name}": task for name, task in CORPORA.items() if task[0] in OF_TEXT}


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_has_a_piece_for_every_symbol_and_none_too_many(recipe: str) -> None:
    config = load_config(find_recipe(Path(recipe)))
    kind, options = RECIPES[recipe]
    task = build_task(kind, options)
    draws = Draws(recipe)
    examples = [task.example(draws, task.longest) for _ in range(1500)]
    texts = [example.source for example in examples]
    tokenizer = train_tokenizers(texts, [e.target for e in examples], config.tokenizer).source
    assert len(tokenizer) == config.tokenizer.vocab_size
    assert not any(UNK in tokenizer.encode(text) for text in texts)


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_decodes_the_longest_right_answer(recipe: str) -> None:
    config = load_config(find_recipe(Path(recipe)))
    kind, options = RECIPES[recipe]
    task = build_task(kind, options)
    draws = Draws(recipe)
    for part in (task, *task.further().values()):
        for _ in range(50):
            length = draws.between(part.shortest, part.longest)
            source, target = part.example(draws, length)[:2]
            words = split_words(source)
            assert len(target.split()) < longest(len(words), config.decoding)
            assert len(words) < config.decoding.max_source


def test_a_recipe_is_there_for_every_task_and_reads_its_corpus() -> None:
    assert {kind for kind, _ in RECIPES.values()} == set(OF_TEXT)
    for recipe in RECIPES:
        config = load_config(find_recipe(Path(recipe)))
        folder = Path("corpora") / recipe.removeprefix("tasks/")
        assert config.data.train == str(folder.resolve() / "train")
        assert (config.data.source, config.data.target) == SIDES


def test_the_command_for_a_corpus_makes_it_under_this_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, (kind, options) in CORPORA.items():
        if kind == "scenes" and find_spec("PIL") is None:
            continue
        command = shlex.split(f"{command_for(name)} --pairs 3 --held-out 1".removeprefix("seq2seq"))
        done = CliRunner().invoke(app, command)
        assert done.exit_code == 0, done.output
        again = make_corpus(kind, "again", pairs=3, held_out=1, **options)
        assert digest(Path("corpora") / name) == digest(again.folder)
    assert command_for("mine") is None


@pytest.mark.parametrize("name", ["../x", "a/b", "/etc/x", ".", "..", "", "a\x1bb", "a\nb"])
def test_the_name_of_a_corpus_is_no_path(name: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--name: expected the name of a new folder, found '"):
        make_corpus("copy", tmp_path / "in", name=name, pairs=20, held_out=5)
    assert list(tmp_path.iterdir()) == []
