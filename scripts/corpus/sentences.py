"""Drawing sentences: one family at a time, in full or message style, never the same twice."""

import itertools
import random
import re
from collections.abc import Iterator

from . import lexicon
from .families import FAMILIES
from .fragments import Pair, aligned
from .grammar import Adverb, Context, clause, pronoun_subject, with_pronoun
from .realise import Sentence, realise

ANCHOR = "anchor"
ANCHOR_VERBS = (
    "love", "see", "help", "listen to", "hear", "invite", "admire", "wait for", "adore", "call",
    "know", "look for", "look at", "believe", "understand", "kiss", "thank",
)  # fmt: skip
TITLES_EN = ("Sir", "Madam", "Ladies", "Gentlemen", "Children", "My")
TITLES_FR = ("Monsieur", "Madame", "Mesdames", "Messieurs", "Docteur", "Les", "Mes")
MESSAGE_SHARE = 0.28
FORBIDDEN_EN, FORBIDDEN_FR = "i love you", "je t'aime"
_PUNCTUATION = re.compile(r"[.,!?;:…«»“”\"]")


def key(text: str) -> str:
    """Return a text case-folded, without punctuation: what makes two sentences the same."""
    return " ".join(_PUNCTUATION.sub(" ", text.casefold()).split())


def _message(pair: Pair) -> Pair:
    """Drop the final mark and the capital of a vocative (not of a name), as in a text message."""
    for first, titles in ((pair.en[0], TITLES_EN), (pair.fr[0], TITLES_FR)):
        if first.text in titles:
            first.text = first.text.lower()
    return Pair(pair.en[:-1], pair.fr[:-1])


def anchors(seed: int) -> Iterator[Sentence]:
    """Yield the shortest sentences round the example, `je t'aime`, which always stay in train."""
    verbs = {frame.verb.en: frame.verb for frame in lexicon.frames("person_direct")}
    rng = random.Random(seed)
    for name in ANCHOR_VERBS:
        people = [(0, "m"), (1, "m"), (2, "m"), (2, "f"), (3, "m"), (5, "m")]
        pairs = [(one, two) for one in people for two in people if name == "love"]
        for (person, gender), (other, other_gender) in pairs or [((0, "m"), (1, "m"))]:
            if {person, other} <= {0, 3} or person == other == 1:
                continue
            ctx = Context(rng)
            subject = pronoun_subject(person, gender)
            vp = with_pronoun(verbs[name], other, other_gender)
            pair = clause(ctx, subject, vp, "pres")
            yield realise(pair, frozenset(ctx.combinations), ANCHOR, False)
    ctx = Context(rng)
    everyone = Adverb(aligned("all | tous"), en_middle=False)
    vp = with_pronoun(verbs["love"], 4)
    pair = clause(ctx, pronoun_subject(0), vp, "pres", adverbs=[everyone])
    yield realise(pair, frozenset(ctx.combinations), ANCHOR, False)


def draw(rng: random.Random, name: str) -> Sentence:
    """Make one sentence of a family."""
    ctx = Context(rng, contractions=rng.random() < 0.6)
    pair = FAMILIES[name][0](ctx)
    inner = {word.text for word in pair.en[:-1]} & {"?", ".", ":", "!"}
    message = rng.random() < MESSAGE_SHARE and not inner
    return realise(
        _message(pair) if message else pair, frozenset(ctx.combinations), name, not message
    )


def sentences(seed: int) -> Iterator[Sentence]:
    """Yield distinct sentences for ever; no text of either side comes twice.

    Raises ValueError if the grammar gives one English sentence two translations.
    """
    rng = random.Random(seed)
    names, weights = list(FAMILIES), [weight for _, weight in FAMILIES.values()]
    translations: dict[str, str] = {}
    seen_fr: set[str] = set()
    drawn = (draw(rng, rng.choices(names, weights)[0]) for _ in itertools.count())
    for sentence in itertools.chain(anchors(seed), drawn):
        en, fr = key(sentence.en), key(sentence.fr)
        if en == FORBIDDEN_EN or fr == FORBIDDEN_FR or not 2 <= len(en.split()) <= 20:
            continue
        if translations.setdefault(en, fr) != fr:
            raise ValueError(f"two translations of {en!r}: {translations[en]!r}, {fr!r}")
        if fr not in seen_fr:
            seen_fr.add(fr)
            yield sentence
