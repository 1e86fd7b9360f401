from pathlib import Path

import pytest

from seq2seq.config import Config, VaryConfig
from seq2seq.data.prepare import Prepared, prepare
from seq2seq.data.tokenizer import UNK
from seq2seq.data.variation import other_quotes, with_variants

PAIRS = [(f"Cat {n} 's here", f"Chat {n} d'ici") for n in range(1000)]


def test_without_fractions_the_pairs_are_as_they_were() -> None:
    assert list(with_variants(PAIRS, VaryConfig(), 1)) == [(*pair, "") for pair in PAIRS]


def test_a_variant_follows_its_pair_and_both_sides_are_alike() -> None:
    vary = VaryConfig(upper=1, lower=1, quotes=1)
    assert list(with_variants([("It's Tom", "C'est Tom"), ("ici", "ici")], vary, 1)) == [
        ("It's Tom", "C'est Tom", ""),
        ("IT'S TOM", "C'EST TOM", "in capitals"),
        ("it's tom", "c'est tom", "in lower case"),
        ("It’s Tom", "C’est Tom", "with other quotes"),
        ("ici", "ici", ""),
        ("ICI", "ICI", "in capitals"),
    ]


def test_so_many_pairs_are_varied_and_the_seed_says_which() -> None:
    def varied(seed: int, pairs: list[tuple[str, str]]) -> set[str]:
        found = with_variants(pairs, VaryConfig(upper=0.3), seed)
        return {source for source, _, name in found if name}

    one = varied(1, PAIRS)
    assert 250 < len(one) < 350  # 300 expected, of standard deviation 14.5
    assert one == varied(1, PAIRS[::-1]) != varied(2, PAIRS)
    assert varied(1, PAIRS[:10]) <= one


@pytest.mark.parametrize(
    ("straight", "curly"),
    [
        (("I don't", "Je n'ai"), ("I don’t", "Je n’ai")),
        (('"Yes," I said.', "'Oui'"), ("“Yes,” I said.", "‘Oui’")),
        (("ici", 'dit ("oui")'), ("ici", "dit (“oui”)")),
    ],
)
def test_straight_quotes_become_curly_and_back(
    straight: tuple[str, str], curly: tuple[str, str]
) -> None:
    assert other_quotes(straight) == curly
    assert other_quotes(curly) == straight


def test_the_source_says_which_kind_a_mixed_pair_gets() -> None:
    assert other_quotes(("I don't", "Je n’ai")) == ("I don’t", "Je n’ai")
    assert other_quotes(("I don’t", "Je n'ai")) == ("I don't", "Je n'ai")


def test_variants_are_prepared_counted_and_cached_by_the_seed(tmp_path: Path) -> None:
    for name, count in (("train", 40), ("valid", 2)):
        for side, text in (("en", "the cat {} sleeps"), ("fr", "le chat {} dort")):
            lines = "".join(f"{text.format(n)}\n" for n in range(count))
            (tmp_path / f"{name}.{side}").write_text(lines)

    def prepared(**changes: object) -> Prepared:
        data = {"train": str(tmp_path / "train"), "valid": str(tmp_path / "valid"), **changes}
        tree = {"data": data, "tokenizer": {"vocab_size": 60}, "seed": seed}
        return prepare(Config.model_validate(tree), cache=tmp_path / "cache")

    seed = 1
    plain, varied = prepared(), prepared(vary={"upper": 0.5})
    noted = varied.summary.train.noted["once more in capitals"]
    assert 5 < noted < 35
    assert len(varied.train) == 40 + noted
    assert (varied.summary.train.read, varied.summary.train.kept) == (40, 40)
    assert varied.summary.train.source_pieces == varied.train.source_lengths.sum()
    assert varied.summary.valid.noted == plain.summary.valid.noted
    assert UNK not in varied.tokenizers.source.encode("THE CAT SLEEPS")
    seed = 2
    assert prepared().folder == plain.folder
    assert prepared(vary={"upper": 0.5}).folder not in (varied.folder, plain.folder)
