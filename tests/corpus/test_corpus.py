"""Laws that every sentence of the bundled corpus keeps, checked without the generator's rules."""

import itertools
import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from scripts.corpus.sentences import key, sentences
from scripts.corpus.splits import Sizes, Splits, held_out, split
from seq2seq.data.words import split_words

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "data"
SPLITS = ("train", "valid", "test", "heldout")


def read(name: str, suffix: str) -> list[str]:
    text = (DATA / f"{name}.{suffix}").read_bytes().decode("utf-8")
    assert text.endswith("\n")
    assert "\r" not in text
    return text[:-1].split("\n")


CORPUS = {
    name: list(zip(*(read(name, s) for s in ("en", "fr", "align")), strict=True)) for name in SPLITS
}
FRENCH = [fr for name in SPLITS for _, fr, _ in CORPUS[name]]
ENGLISH = [en for name in SPLITS for en, _, _ in CORPUS[name]]
FRENCH_WORDS = [split_words(fr) for fr in FRENCH]


def breaches(pattern: str, texts: list[str] = FRENCH) -> list[str]:
    """Return the sentences in which a forbidden pattern is found."""
    found = re.compile(pattern, re.IGNORECASE)
    return [text for text in texts if found.search(text)]


@pytest.fixture(scope="module")
def regenerated() -> Splits:
    return split(sentences(1), Sizes())


# Sizes and splits


def test_the_splits_have_their_sizes() -> None:
    assert len(CORPUS["train"]) >= 20_000
    assert [len(CORPUS[name]) for name in SPLITS[1:]] == [1000, 1000, 1000]


def test_no_sentence_of_either_side_comes_twice_in_any_split() -> None:
    for side in (ENGLISH, FRENCH):
        counts = Counter(key(text) for text in side)
        assert counts.most_common(1)[0][1] == 1


def test_the_example_of_the_article_is_nowhere() -> None:
    assert "i love you" not in {key(text) for text in ENGLISH}
    assert "je t'aime" not in {key(text) for text in FRENCH}


def test_its_parts_are_in_train() -> None:
    train = {(en, fr) for en, fr, _ in CORPUS["train"]}
    keys = {(key(en), key(fr)) for en, fr in train}
    for pair in (
        ("he loves you", "il t'aime"), ("i love him", "je l'aime"), ("you love me", "tu m'aimes"),
        ("i see you", "je te vois"), ("i help you", "je t'aide"),
        ("i love you all", "je vous aime tous"),
    ):  # fmt: skip
        assert pair in keys


def test_evaluation_words_are_known_from_train() -> None:
    for side in (0, 1):
        counts = Counter(w for pair in CORPUS["train"] for w in split_words(pair[side]))
        for name in SPLITS[1:]:
            rare = {w for pair in CORPUS[name] for w in split_words(pair[side]) if counts[w] < 3}
            assert not rare


def test_lengths_spread_from_two_to_twenty_words() -> None:
    lengths = [
        len([w for w in split_words(text) if w[-1].isalnum() or w[-1] == "'"]) for text in ENGLISH
    ]
    assert min(lengths) == 2
    assert 16 <= max(lengths) <= 20


def test_a_quarter_is_in_message_style_on_both_sides() -> None:
    bare = 0
    for en, fr in zip(ENGLISH, FRENCH, strict=True):
        assert (en[-1] in ".?!”") == (fr[-1] in ".?!»")
        if en[-1] not in ".?!”":
            bare += 1
            assert fr[0].islower() or split_words(fr)[0] in split_words(en)
        else:
            assert en[0].isupper()
            assert fr[0].isupper()
    assert 0.2 < bare / len(ENGLISH) < 0.32


# Determinism and held-out combinations


def test_the_seed_gives_the_committed_bytes(regenerated: Splits) -> None:
    for name in SPLITS:
        made = [(s.en, s.fr, s.pharaoh) for s in regenerated.parts[name]]
        assert made == CORPUS[name]


def test_hash_seed_does_not_matter(tmp_path: Path) -> None:
    sizes = ["--train", "3000", "--valid", "5", "--test", "5", "--heldout", "1"]
    script = str(ROOT / "scripts" / "make_corpus.py")
    outputs = []
    for hash_seed in ("1", "2"):
        out = tmp_path / hash_seed
        command = [sys.executable, script, "--out", str(out), *sizes]
        subprocess.run(command, check=True, env={"PYTHONHASHSEED": hash_seed}, capture_output=True)
        outputs.append([path.read_bytes() for path in sorted(out.iterdir())])
    assert outputs[0] == outputs[1]


def test_held_out_combinations_are_in_heldout_only(regenerated: Splits) -> None:
    banned = held_out()
    for name in ("train", "valid", "test"):
        assert not any(s.combinations & banned for s in regenerated.parts[name])
    assert all(s.combinations & banned for s in regenerated.parts["heldout"])
    assert {tuple(row) for row in json.loads((DATA / "heldout.json").read_text("utf-8"))} == banned
    assert ("aimer", "te", "present") not in banned


def test_every_part_and_pair_of_a_held_out_combination_is_in_train(regenerated: Splits) -> None:
    seen = {c for s in regenerated.parts["train"] for c in s.combinations}
    shown = {c for s in regenerated.parts["heldout"] for c in s.combinations} & held_out()
    missing = []
    for first, second in itertools.combinations(range(3), 2):
        pairs = {(c[first], c[second]) for c in seen}
        missing += [c for c in shown if (c[first], c[second]) not in pairs]
    assert not missing


# Alignment


def test_links_are_in_range_and_nearly_every_french_word_has_one() -> None:
    words = linked = 0
    for name in SPLITS:
        for en, fr, line in CORPUS[name]:
            links = [tuple(map(int, item.split("-"))) for item in line.split()]
            assert links
            assert len(set(links)) == len(links)
            english, french = len(split_words(en)), len(split_words(fr))
            assert all(0 <= i < english and 0 <= j < french for i, j in links)
            words += french
            linked += len({j for _, j in links})
    assert linked / words >= 0.97


@pytest.mark.parametrize(
    ("en", "fr", "expected"),
    [
        ("I see you", "je te vois", {"I-je", "see-vois", "you-te"}),
        ("he loves you", "il t'aime", {"he-il", "loves-aime", "you-t'"}),
    ],
)
def test_clitics_are_linked_to_the_english_object(en: str, fr: str, expected: set[str]) -> None:
    line = next(
        p for name in SPLITS for p in CORPUS[name] if (key(p[0]), key(p[1])) == (key(en), key(fr))
    )
    english, french = split_words(line[0]), split_words(line[1])
    pairs = [tuple(map(int, item.split("-"))) for item in line[2].split()]
    words = {f"{english[i]}-{french[j]}".lower() for i, j in pairs if english[i] not in ".?!"}
    assert words == {item.lower() for item in expected}


def test_both_halves_of_a_negation_meet_the_same_english_word() -> None:
    checked = 0
    for en, fr, line in CORPUS["train"]:
        french = [word.lower() for word in split_words(fr)]
        if french.count("pas") != 1 or "encore" in french or "rien" in french:
            continue
        first = next((i for i, word in enumerate(french) if word in ("ne", "n'")), -1)
        if first < 0:  # Pas de problème
            continue
        links = [tuple(map(int, item.split("-"))) for item in line.split()]
        ne, pas = ({i for i, j in links if j == at} for at in (first, french.index("pas")))
        if "not " in en or "n't" in en or "cannot" in en:
            assert ne & pas, (en, fr)
            checked += 1
    assert checked > 1000


# French laws

VOWEL = r"[aeiouyàâéèêîôûœ]"
MUTE_H = r"h(?=omm|ôt|ôp|eur|ist|iver|abit|abill|ésit|abill|onn[êe]te|ier|uile|ôpital|oraire)"


def test_small_words_elide_before_a_vowel() -> None:
    first = rf"(?:{VOWEL}|{MUTE_H})"
    spared = r"(?!yaourt|onz|oui\b|yoga)"
    assert not breaches(rf"(?<![-\w])(?:je|me|te|se|ne|de|que|le|jusque) {spared}{first}")
    assert not breaches(rf"(?<![-\w])la {spared}{first}")
    assert not breaches(r"\bsi ils?\b")
    assert not breaches(r"(?<![-\w])ce (?:est|était)\b")


def test_nothing_elides_before_a_consonant_or_an_aspirated_h() -> None:
    assert not breaches(r"(?<!\w)(?:[jmtsndlc]|qu)'(?!" + VOWEL + r"|h)(?!\s)")
    assert not breaches(
        r"'(?:haricot|hérisson|hamster|harpe|hache|hockey|handball|huit|onz|yaourt)"
    )
    assert not breaches(r"\b(?:cet|bel|nouvel|vieil|mon amie?s) h(?:aricot|érisson|amster)")


def test_prevocalic_forms_of_determiners_and_adjectives() -> None:
    first = rf"(?!yaourt|onz|un\b|une\b|et\b|à\b|en\b|au|est\b|aussi|avec)(?:{VOWEL}|{MUTE_H})"
    assert not breaches(rf"\b(?:ma|ta|sa|ce) (?:{first})(?!y\b)")
    assert not breaches(rf"\b(?:cet|bel|nouvel|vieil) (?!{VOWEL}|h)")


def test_prepositions_contract_with_the_article() -> None:
    # `de le voir` is a clitic before an infinitive, and right.
    infinitive = r"(?!\w*(?:er|ir|re)\b|lui\b|leur\b)"
    assert not breaches(rf"(?<!\w)(?:de|à) (?:le|les) {infinitive}")
    assert not breaches(r"\b(?:du|au) [aeioué]\w+s? (?!heures)(?=\Z)")
    assert not breaches(r"\bde (?:du|des)\b|\bde de\b")


def test_typography() -> None:
    assert not breaches(r"(?<!\u202f)[?!;]")
    assert not breaches(r"(?<!\u00a0)[:»]|«(?!\u00a0)")
    assert not breaches(r"\s[.,]|\s\s|\s\Z|’")
    assert not breaches(r"\s[.,?!;:]|\s\s|\s\Z|’", ENGLISH)


FEMININE = (
    "voiture|robe|chemise|jupe|maison|table|chaise|lettre|sœur|fille|mère|tante|clé|pomme"
    "|école|église|fleur|lampe|valise"
)
MASCULINE = (
    "livre|chapeau|manteau|chien|chat|sac|train|frère|fils|père|oncle|journal|bureau|stylo|vélo"
    "|bateau|jardin|gâteau|parapluie"
)


def test_determiners_and_adjectives_agree_with_their_noun() -> None:
    masculine, feminine = MASCULINE, FEMININE
    assert not breaches(rf"\b(?:la|une|cette|ma|ta|sa|toutes|quelle) (?:{masculine})s?\b")
    assert not breaches(rf"\b(?:un|ce|cet|au|du|quel|petit|grand|beau|bon) (?:{feminine})\b")
    assert not breaches(rf"(?<!\bqui )\ble (?:{feminine})\b")
    adjectives = r"(?:bleu|vert|noir|cher|neuf|intéressant|important|fermé|blanc|gris|cassé|lourd)"
    assert not breaches(rf"\b(?:{feminine}) {adjectives}s?\b")
    feminines = r"(?:bleue|verte|noire|chère|intéressante|importante|blanche|grise|cassée|lourde)"
    assert not breaches(rf"\b(?:{masculine}) {feminines}s?\b")
    assert not breaches(rf"\b(?:les|des|ces|mes|tes|ses|nos|vos|leurs) (?:{feminine})\b")
    assert not breaches(r"\b(?:rouges?|bleue?s?|noire?s?|chers?) (?:voiture|robe|chapeau)")


def test_adjectives_behind_etre_agree_with_a_pronoun() -> None:
    assert not breaches(
        r"\belle (?:n')?(?:est|était) (?:pas )?(?:très )?(?:fatigué|content|prêt|grand|petit)\b"
    )
    assert not breaches(r"\b(?:il|je) (?:est|suis) (?:très )?(?:fatiguée|prête|heureuse)\b",
                        [t for t in FRENCH if "«" not in t and "," not in t])  # fmt: skip
    assert not breaches(
        r"\b(?:ils|nous) (?:sont|sommes|étions|étaient) (?:très )?(?:fatigué|prêt|grand)\b"
    )


MOVING = r"(?:all|arriv|rentr|retourn|tomb|rest|mont|entr)é|(?:part|sort)i|(?:re|de)?venu"


def test_participles_with_etre_agree_with_the_subject() -> None:
    assert not breaches(
        rf"\b(?:elle|je|tu|il|nous|ils|on) (?:[ny]'|y )?(?:ai|as|a|avons|ont) (?:{MOVING})"
    )
    assert not breaches(rf"\b(?:elle) (?:n')?(?:y )?est (?:pas )?(?:{MOVING})(?!e)\b")
    assert not breaches(
        rf"\b(?:ils|nous) (?:ne |n')?(?:y )?(?:sont|sommes) (?:pas )?(?:{MOVING})(?!s)\b"
    )
    assert not breaches(rf"\bil (?:n')?(?:y )?est (?:pas )?(?:{MOVING})e")
    assert not breaches(r"\belle s'est (?:levé|lavé|couché|reposé|habillé|dépêché)\b(?! l)")


def test_participles_with_avoir_agree_with_an_object_pronoun_before_them() -> None:
    singular = r"(?:pas |jamais |déjà |toujours |souvent )?\w+[éiu]"
    assert not breaches(rf"\bles (?:ai|as|a|avons|avez|ont) {singular}\b")
    assert not breaches(
        r"\bnous (?:a|as|ont) (?:pas |jamais |déjà )?(?:aidé|vu|appelé|invité|trouvé)\b"
    )


def test_reflexive_pronouns_agree_with_their_subject() -> None:
    assert not breaches(r"\bje (?:ne )?(?:se|te) (?!l)\w*(?:ais?|e)\b lève")
    assert not breaches(r"\b(?:je|tu|nous|vous) (?:ne )?(?:se |s')")
    assert not breaches(r"\b(?:nous) (?:ne )?(?:me |m')")


def test_ne_never_stands_alone() -> None:
    second = {"pas", "jamais", "plus", "rien", "personne", "que", "qu'"}
    for words in FRENCH_WORDS:
        lower = [word.lower() for word in words]
        if "ne" in lower or "n'" in lower:
            assert second & set(lower), words


def test_plain_you_is_tu_and_vous_is_shown() -> None:
    signs = (
        "sir",
        "madam",
        "doctor",
        "mr.",
        "mrs.",
        "ladies",
        "gentlemen",
        "children",
        "friends",
        "you all",
    )
    for en, fr in zip(ENGLISH, FRENCH, strict=True):
        if re.search(r"\bvous\b|\bvotre\b|\bvos\b", fr.lower()):
            assert any(sign in en.lower() for sign in signs), (en, fr)


COVERAGE = {
    "elided object": r"\b[mtl]'\w",
    "lui or leur": r"\b(?:lui|leur) \w+",
    "double": r"\bme l'|\bte l'|\b(?:le|la|les) lui\b",
    "y": r"\bj'y |\by ",
    "en": r"\bj'en |\b[ns]?'?en (?:ai|as|a|veux|parle)",
    "ne pas": r"\bne \w+.* pas\b",
    "ne jamais": r"\bjamais\b",
    "ne plus": r"\bn['e].* plus\b",
    "ne rien": r"\brien\b",
    "personne": r"\bpersonne\b",
    "ne que": r"\bn(?:e |')\w+ qu",
    "futur proche": r"\b(?:vais|vas|va|allons|vont) \w+(?:er|ir|re)\b",
    "futur": r"\w+r(?:ai|as|ons|ez|ont)\b",
    "imparfait": r"\w+(?:ais|ait|aient)\b",
    "politeness": r"(?:pourr|voudr)(?:ais|iez)",
    "passé composé être": r"\b(?:suis|es|est) (?:allé|venu|parti)",
    "est-ce que": r"\best-ce qu",
    "inversion": r"-t-(?:il|elle)\b|-tu\b",
    "imperative clitic": r"-(?:moi|le|la|les|lui|nous)\b",
    "nous form": r"\bnous \w+ons\b",
    "vous form": r"\bvous \w+ez\b",
    "comparison": r"\b(?:plus|moins|aussi) \w+ qu",
    "meilleur": r"\bmeilleur",
    "relative qui": r"\bqui \w+",
    "relative que": r"\w+ qu'il",
    "relative où": r"\w+ où \w+",
    "parce que": r"parce qu",
    "quand": r"\bquand\b",
    "si il": r"\bs'ils?\b",
    "avant de": r"\bavant d",
    "depuis": r"\bdepuis\b",
    "chez": r"\bchez\b",
    "au": r"\bau\b",
    "aux": r"\baux\b",
    "du": r"\bdu\b",
    "en pays": r"\ben (?:France|Italie)",
    "clock": r"heures et demie",
    "date": r"\ble \d+ \w+",
    "cet": r"\bcet\b",
    "bel": r"\b(?:bel|nouvel|vieil)\b",
    "mon before f": r"\bmon amie?\b|\bson écharpe|\b[mts]on orange",
    "beaucoup de": r"\bbeaucoup d",
    "quotes": r"«",
    "colon": r"\u00a0:",
    "semicolon": r";",
    "partitive": r"\bde l'eau|\bdu pain",
}


@pytest.mark.parametrize("phenomenon", COVERAGE)
def test_train_shows_the_phenomenon(phenomenon: str) -> None:
    train = [fr for _, fr, _ in CORPUS["train"]]
    floor = 5 if phenomenon in ("bel", "meilleur", "mon before f", "en pays") else 20
    assert len(breaches(COVERAGE[phenomenon], train)) >= floor
