"""From verb frames to verb phrases: choosing subjects, objects, determiners and tenses that fit."""

import re

from . import lexicon
from .fragments import Pair, aligned
from .grammar import (
    Address,
    Adverb,
    Context,
    NounPhrase,
    VerbPhrase,
    adverb,
    join,
    name_subject,
    noun_phrase,
    pronoun_subject,
    verb_phrase,
    with_pronoun,
    you_subject,
)
from .lexicon import Frame, Noun

_SLOT = re.compile(r"\{(\w+) ([\w,]+)\}")
WITH_ADJECTIVE = 0.22
PASSING = ("ill", "tired", "happy", "sad", "calm")  # states, seldom said beside a noun
DEGREES = ("beaucoup", "trop", "bien", "mal", "très bien")  # these go before a participle
TITLES = ("Doctor", "Mr.", "Mrs.")


def choose_address(ctx: Context, probability: float = 0.12) -> None:
    """Now and then say whom the sentence is addressed to."""
    if not ctx.chance(probability):
        return
    kind = ctx.rng.choices(("one_m", "one_f", "many", "name"), (4, 3, 3, 3))[0]
    if kind == "name":
        gender = ctx.pick("mf")
        name = ctx.pick(lexicon.names("men" if gender == "m" else "women"))
        ctx.address = Address(f"{name} | {name}", False, gender)
        return
    template = ctx.common(lexicon.phrases(f"vous_{kind}"))
    ctx.address = Address(template, True, "f" if kind == "one_f" else "m", kind == "many")


def addressed(ctx: Context, pair: Pair, command: bool = False) -> Pair:
    """Put the vocative, if `you` is in the sentence or understood, before or behind it."""
    spoken_to = command or any(word.text in ("you", "your", "yours") for word in pair.en)
    if ctx.address is None or not spoken_to:
        return pair
    vocative = aligned(ctx.address.template)
    if ctx.chance(0.6):
        return vocative + aligned(", | ,") + pair
    if ctx.address.formal:
        first, premier = vocative.en[0], vocative.fr[0]
        premier.text = premier.text.lower()
        if first.text not in TITLES:
            first.text = first.text.lower()
    return pair + aligned(", | ,") + vocative


def random_subject(ctx: Context, pronoun: float = 0.75, you: float = 1.0) -> NounPhrase:
    """Choose a human subject."""
    if ctx.chance(pronoun):
        person = ctx.rng.choices((0, 1, 2, 3, 5), (5, 4 * you, 5, 2.5, 2.5))[0]
        if person == 1:
            return you_subject(ctx)
        return pronoun_subject(person, "f" if person == 2 and ctx.chance(0.45) else "m")
    if ctx.chance(0.35):
        first = name_subject(ctx)
        if ctx.chance(0.15):
            second = name_subject(ctx)
            if second.pair.en[0].text != first.pair.en[0].text:
                return join(first, second)
        return first
    return human(ctx)


def human(ctx: Context, plural: float = 0.2) -> NounPhrase:
    """Return a noun phrase for people: my sister, the children, this doctor."""
    many = ctx.chance(plural)
    if ctx.chance(0.5):
        entry = ctx.common(lexicon.nouns("family"))
        if entry.en in ("mother", "father", "wife", "husband"):
            many = False
        return noun_phrase(ctx, entry, "poss", plural=many)
    entry = ctx.common(lexicon.nouns("person"))
    det = (
        "poss"
        if entry.en in ("friend", "neighbour", "teacher", "boss")
        else ctx.pick(("the", "the", "this"))
    )
    adjective = None
    if det != "poss" and ctx.chance(0.15):
        adjective = ctx.common([a for a in lexicon.adjectives_for("person") if a.en not in PASSING])
    return noun_phrase(ctx, entry, det, plural=many, adjective=adjective)


def thing_noun(ctx: Context, kinds: str) -> Noun:
    """Choose a noun from a comma-separated list of classes."""
    return ctx.common(lexicon.nouns(ctx.pick(kinds.split(","))))


def thing_phrase(
    ctx: Context,
    det: str,
    kinds: str,
    subject: NounPhrase | None,
    negated: bool = False,
) -> NounPhrase:
    """Fill a slot of a frame."""
    entry = thing_noun(ctx, kinds)
    fixed = {"gen": "generic", "sport": "generic", "bare_lang": "none"}
    if det in fixed:
        plural = (
            det == "gen" and not entry.mass and entry.kind not in ("language", "sport", "subject")
        )
        plural = (plural and entry.en != "sea") or entry.en == "chess"
        return noun_phrase(ctx, entry, fixed[det], plural=plural)
    if det == "instr":
        return noun_phrase(ctx, entry, "the")
    if det == "the" or (det == "def" and entry.mass):
        return noun_phrase(ctx, entry, "the")
    owner = subject if subject is not None and ctx.chance(0.7) else None
    if entry.kind == "family":
        return noun_phrase(ctx, entry, "poss", owner=owner)
    adjective = None
    choices = lexicon.adjectives_for(entry.kind)
    if choices and ctx.chance(WITH_ADJECTIVE):
        adjective = ctx.common(choices)
    if entry.mass:
        how = ctx.rng.choices(("some", "bare", "the"), (3, 3, 2))[0]
        return noun_phrase(ctx, entry, how, adjective=adjective, owner=owner, negated=negated)
    plural = ctx.chance(0.25) or det == "plural"
    if det == "plural":
        how = ctx.pick(("the", "poss"))
    elif det == "ind":
        how = ctx.pick(("some", "bare", "num", "num")) if plural else "a"
    elif det == "def":
        how = ctx.rng.choices(("the", "poss", "this"), (4, 3, 2))[0]
    elif plural:
        how = ctx.rng.choices(
            ("the", "poss", "this", "some", "num", "many", "all"), (3, 3, 1, 3, 3, 1.5, 0.5)
        )[0]
    else:
        how = ctx.rng.choices(("a", "the", "poss", "this", "another"), (6, 4, 4, 2, 0.7))[0]
    if det == "nob" and how in ("some", "many", "num", "all"):
        how, plural = "poss", False
    if det == "nob" and how == "a":
        return noun_phrase(ctx, entry, how, plural=plural, adjective=adjective, owner=owner)
    public = entry.kind in ("place", "building", "nature")
    if how == "poss" and public and entry.en not in ("house", "flat", "garden"):
        how = "the"
    if negated and how in ("num", "many", "all", "another"):
        how = "the"
    if how in ("many", "num") and adjective is not None and adjective.place == "before":
        adjective = None
    if plural and entry.en_plural == entry.en and how in ("the", "poss"):
        plural = False
    return noun_phrase(
        ctx, entry, how, plural=plural, adjective=adjective, owner=owner, negated=negated
    )


def build(
    ctx: Context, frame: Frame, subject: NounPhrase | None, negated: bool = False
) -> VerbPhrase:
    """Turn a frame into a verb phrase whose objects suit the verb."""
    vp = verb_phrase(frame.verb)
    if frame.verb.separable:
        vp.en_tail += vp.head[1:]
    if not frame.tail:
        return vp
    slots: dict[str, Pair] = {}
    for i, (det, kinds) in enumerate(_SLOT.findall(frame.tail)):
        slots[f"s{i}"] = thing_phrase(
            ctx, det, kinds, subject, negated and det in ("obj", "ind")
        ).pair
    english_side, arrow, french_side = frame.tail.partition("=>")
    counter = iter(range(9))
    english_side = _SLOT.sub(lambda _: f"{{s{next(counter)}}}", english_side)
    counter = iter(range(9))
    french_side = re.sub(r"\{\}", lambda _: f"{{s{next(counter)}}}", french_side)
    if not arrow:
        french_side = english_side
    complement = aligned(f"{english_side} | {french_side}", vp.head, slots)
    if " ".join(mot.text for mot in complement.fr) in DEGREES:
        vp.fr_middle = complement.fr
        complement = Pair(complement.en)
    return vp.add(complement)


# Tenses and the adverbs of time that show them


def time_adverb(template: str) -> Adverb:
    return adverb(template, en_middle=False, fr_middle=False)


def choose_tense(ctx: Context, frame: Frame) -> tuple[str, list[Adverb]]:
    """Choose an English tense that suits the verb, and perhaps an adverb of time."""
    stative, noprog = frame.verb.stative, "noprog" in frame.flags
    once = "once" in frame.flags
    if stative:
        weights = {"pres": 6.0, "past": 2.0, "used": 1.0, "perf": 1.0, "will": 1.0}
    else:
        weights = {"pres": 1.0 if once else 4.0, "prog": 0.0 if noprog else 2.0, "past": 5.0}
        weights |= {"perf": 1.5, "will": 2.5, "going": 2.0, "used": 0.0 if once else 1.0}
    tense = ctx.rng.choices(list(weights), list(weights.values()))[0]
    if tense == "pres" and once:
        return tense, []
    return tense, tense_adverbs(ctx, tense, stative, once)


def tense_adverbs(ctx: Context, tense: str, stative: bool, once: bool) -> list[Adverb]:
    """Return an adverb of time that fits, or none."""
    if stative and tense in ("past", "used"):
        return [time_adverb(ctx.common(lexicon.phrases("then")))] if ctx.chance(0.3) else []
    if tense == "perf":
        choices = lexicon.phrases("mid_past")
        word = ctx.pick(choices[:1] if once else choices)
        if stative:
            word = "always | toujours"
        return [adverb(word)] if stative or ctx.chance(0.6) else []
    section = {
        "pres": "habit",
        "prog": "now",
        "past": "past",
        "will": "future",
        "going": "future",
        "used": "then",
        "pastprog": "then",
    }.get(tense, "")
    if not section or (stative and tense == "pres"):
        return []
    return [time_adverb(ctx.common(lexicon.phrases(section)))] if ctx.chance(0.45) else []


def pronoun_object(ctx: Context, frame: Frame, subject: NounPhrase, direct: bool) -> VerbPhrase:
    """Return the verb with a personal pronoun that is not its own subject."""
    banned = {0: (0, 3), 3: (0, 3), 1: (1,), 4: (1,), 2: (), 5: ()}[subject.person]
    person = ctx.rng.choices((0, 1, 2, 3, 5), (4, 5, 6, 2, 3))[0]
    if person in banned:
        person = ctx.pick((2, 2, 5, 1 if subject.person in (0, 3) else 0))
    gender, many = "m", None
    if person == 1 and ctx.address is not None:
        gender, many = ctx.address.gender, ctx.address.plural
        person = 4 if ctx.address.formal else 1
    elif person == 2 and ctx.chance(0.45):
        gender = "f"
    return with_pronoun(frame.verb, person, gender, direct=direct, many=many)
