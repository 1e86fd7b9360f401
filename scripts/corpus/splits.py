"""The splits: held-out combinations, evaluation sentences made of well-known words, and pruning."""

import random
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from seq2seq.data.words import split_words

from . import lexicon
from .realise import Sentence
from .sentences import ANCHOR

CLITICS = ("me", "te", "le", "la", "nous", "vous", "les", "lui", "leur")
TENSES = ("present", "pc", "imperfect", "future", "proche", "infinitive")
HELD_OUT_EVERY, HELD_OUT_RESIDUE = 7, 5
SPARED = ("aimer", "present")  # the parts of `je t'aime` stay in train
MIN_FORM, MIN_LEXEME = 4, 8  # in train: forms of the other splits, and all lexemes

LEXEME_MARKS = ("en*", "fr*")

Combination = tuple[str, str, str]


@dataclass(frozen=True)
class Sizes:
    """How many pairs each split has."""

    train: int = 24_000
    valid: int = 1_000
    test: int = 1_000
    heldout: int = 1_000


@dataclass
class Splits:
    """The four parts of the corpus."""

    parts: dict[str, list[Sentence]] = field(default_factory=dict)


def held_out_verbs() -> list[str]:
    """Return the verbs the rule counts: those that take a person as their object."""
    frames = (*lexicon.frames("person_direct"), *lexicon.frames("person_indirect"))
    return list(dict.fromkeys(frame.verb.fr for frame in frames))


def held_out() -> frozenset[Combination]:
    """Return the held-out (verb, clitic, tense)s: every seventh on the diagonals of the cube.

    With i, j, k the places of verb, clitic and tense in their lists, (i + 2j + 3k) mod 7 = 5. So
    every verb keeps most tenses with every clitic. The present of aimer is spared.
    """
    return frozenset(
        (verb, clitic, tense)
        for i, verb in enumerate(held_out_verbs())
        for j, clitic in enumerate(CLITICS)
        for k, tense in enumerate(TENSES)
        if (i + 2 * j + 3 * k) % HELD_OUT_EVERY == HELD_OUT_RESIDUE and (verb, tense) != SPARED
    )


def forms(sentence: Sentence) -> list[tuple[str, str]]:
    """Return the word forms of both sides, with their language."""
    english = [("en", word) for word in split_words(sentence.en)]
    return english + [("fr", word) for word in split_words(sentence.fr)]


def lexemes(sentence: Sentence) -> set[tuple[str, str]]:
    """Return the lexemes of both sides, with their language."""
    return {("en", x) for x in sentence.lemmas_en} | {("fr", x) for x in sentence.lemmas_fr}


def marked_lexemes(sentence: Sentence) -> list[tuple[str, str]]:
    """Return the lexemes under marks of their own, to count them beside the forms."""
    return [(language + "*", word) for language, word in sorted(lexemes(sentence))]


def _prune(pool: list[Sentence]) -> list[Sentence]:
    """Drop the sentences with a lexeme too rare to learn, until none is left."""
    while True:
        counts = Counter(lexeme for sentence in pool for lexeme in lexemes(sentence))
        kept = [s for s in pool if all(counts[x] >= MIN_LEXEME for x in lexemes(s))]
        if len(kept) == len(pool):
            return kept
        pool = kept


def _take(
    candidates: Iterable[Sentence], size: int, counts: Counter[tuple[str, str]], spend: bool
) -> Iterator[Sentence]:
    """Yield sentences all of whose forms stay well known to train; `spend` takes them from it."""
    taken = 0
    for sentence in candidates:
        if taken == size:
            return
        own = Counter([*forms(sentence), *marked_lexemes(sentence)])
        left = {form: counts[form] - (own[form] if spend else 0) for form in own}
        if any(left[form] < (MIN_LEXEME if form[0] in LEXEME_MARKS else MIN_FORM) for form in own):
            continue
        if spend:
            counts.subtract(own)
        taken += 1
        yield sentence


def known_in_pairs(special: list[Sentence], train: list[Sentence]) -> list[Sentence]:
    """Return the sentences whose held-out combinations are known to train two by two."""
    places = ((0, 1), (0, 2), (1, 2))
    seen = {(at, c[at[0]], c[at[1]]) for s in train for c in s.combinations for at in places}
    banned = held_out()
    return [
        sentence
        for sentence in special
        if all(
            (at, c[at[0]], c[at[1]]) in seen
            for c in sentence.combinations & banned
            for at in places
        )
    ]


def split(stream: Iterator[Sentence], sizes: Sizes) -> Splits:
    """Draw from the stream until every split is full; raise if the grammar cannot fill one."""
    banned = held_out()
    ordinary: list[Sentence] = []
    special: list[Sentence] = []
    wanted = sizes.train + sizes.valid + sizes.test
    while len(ordinary) < wanted * 1.02 or len(special) < sizes.heldout * 1.5 + 100:
        sentence = next(stream)
        if sentence.combinations & banned:
            special.append(sentence)
        elif len(ordinary) < wanted * 1.02:
            ordinary.append(sentence)
    ordinary = _prune(ordinary)[:wanted]
    counts = Counter(
        key for sentence in ordinary for key in [*forms(sentence), *marked_lexemes(sentence)]
    )
    candidates = [sentence for sentence in ordinary if sentence.family != ANCHOR]
    valid = list(_take(candidates, sizes.valid, counts, spend=True))
    chosen = {sentence.en for sentence in valid}
    rest = [sentence for sentence in candidates if sentence.en not in chosen]
    test = list(_take(rest, sizes.test, counts, spend=True))
    chosen |= {sentence.en for sentence in test}
    train = [sentence for sentence in ordinary if sentence.en not in chosen]
    provable = known_in_pairs(special, train)
    heldout = list(_take(provable, sizes.heldout, counts, spend=False))
    random.Random(len(train)).shuffle(train)
    parts = {"train": train, "valid": valid, "test": test, "heldout": heldout}
    if len(heldout) < sizes.heldout:
        raise ValueError(f"only {len(heldout)} held-out pairs")
    return Splits(parts)
