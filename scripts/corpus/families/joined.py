"""Families of more than one clause, questions with a question word, y and en, and fixed turns."""

from .. import english, lexicon
from ..complements import (
    addressed,
    build,
    choose_address,
    choose_tense,
    human,
    pronoun_object,
    random_subject,
    thing_noun,
    time_adverb,
)
from ..fragments import Mot, Pair, Word, aligned
from ..french import conjugate
from ..grammar import (
    Adverb,
    Clitic,
    Context,
    Negation,
    NounPhrase,
    VerbPhrase,
    adverb,
    clause,
    definite,
    gerund,
    infinitive,
    name_subject,
    noun_phrase,
    number,
    pronoun_subject,
    verb_phrase,
    with_object,
    with_pronoun,
)
from ..lexicon import Frame, Verb
from .being import BE, adjective_pair
from .common import ask, say
from .places import at_place
from .verbs import capital_if, person_frame, same_pronoun

FEELINGS = (
    "tired",
    "ill",
    "busy",
    "happy",
    "sad",
    "worried",
    "angry",
    "surprised",
    "nervous",
    "alone",
)
GOOD_FEELINGS = ("happy", "proud", "ready", "calm")


def _feeling(ctx: Context, subject: NounPhrase, words: tuple[str, ...] = FEELINGS) -> VerbPhrase:
    found = [a for a in lexicon.adjectives() if a.en in words]
    return verb_phrase(BE).add(adjective_pair(ctx.pick(found), subject))


def _frame(ctx: Context, *sections: str) -> Frame:
    frame = ctx.pick(lexicon.frames(ctx.pick(sections or ("thing", "intransitive_tail"))))
    return frame if not frame.verb.stative else _frame(ctx, *sections)


# Questions with a question word


def wh_adverb(ctx: Context) -> Pair:
    """`Where are you going?` / `Où vas-tu ?`; `When did he leave?` / `Quand est-ce que...`"""
    choose_address(ctx, 0.12)
    word, fr = ctx.pick(
        (
            ("where", "où"),
            ("when", "quand"),
            ("why", "pourquoi"),
            ("why", "pourquoi"),
            ("how", "comment"),
            ("at1 what1 time1", "à1 quelle1 heure1"),
        )
    )
    subject = random_subject(ctx, 0.8, you=2)
    if word == "how" and ctx.chance(0.7):
        word, fr = "where", "où"
    if word == "where":
        verb, tense = ctx.pick(
            (
                (Verb("go", "aller"), "prog"),
                (Verb("live", "habiter", True), "pres"),
                (Verb("work", "travailler"), "pres"),
                (Verb("be", "être", True), "pres"),
                (Verb("be", "être", True), "past"),
                (Verb("go", "aller"), "past"),
                (Verb("eat", "manger"), "past"),
                (Verb("sleep", "dormir"), "past"),
                (Verb("wait", "attendre"), "prog"),
                (Verb("go", "aller"), "going"),
                (Verb("stay", "rester"), "past"),
                (Verb("go", "aller"), "will"),
            )
        )
        vp = verb_phrase(verb)
        if verb.base == "be" and not subject.pronoun:
            subject = pronoun_subject(5)  # a noun would stand last: see wh_where_is
    elif word == "how":
        vp, tense = verb_phrase(Verb("come back", "revenir")), ctx.pick(("past", "will"))
    elif word == "why":
        kind = ctx.pick(("clitic", "action", "feeling"))
        if kind == "clitic":
            frame, direct = person_frame(ctx)
            vp = pronoun_object(ctx, frame, subject, direct)
            tense = "pres" if frame.verb.stative else ctx.pick(("past", "pres", "will"))
        elif kind == "feeling":
            vp, tense = _feeling(ctx, subject), ctx.pick(("pres", "past"))
        else:
            frame = ctx.pick(lexicon.frames("intransitive"))
            vp = build(ctx, frame, subject)
            tense = "past" if "noprog" in frame.flags else ctx.pick(("prog", "past"))
    else:
        frame = ctx.pick(
            [
                f
                for f in lexicon.frames("intransitive") + lexicon.frames("reflexive")
                if f.verb.en
                in (
                    "leave",
                    "arrive",
                    "come back",
                    "start",
                    "get up",
                    "go to bed",
                    "wake up",
                    "eat",
                    "come",
                )
            ]
        )
        vp, tense = verb_phrase(frame.verb), ctx.pick(("past", "will", "going"))
    fronted = aligned(f"{word} | {fr}")
    return ask(addressed(ctx, clause(ctx, subject, vp, tense, question=True, fronted=fronted)))


def wh_where_is(ctx: Context) -> Pair:
    """`Where is your sister?` / `Où est ta sœur ?`: a noun behind `be` stands last."""
    entry = thing_noun(ctx, "family,thing,clothes,place,animal")
    plural = (
        ctx.chance(0.3) and entry.kind not in ("place", "family") and entry.en_plural != entry.en
    )
    det = (
        "the"
        if entry.kind == "place"
        else "poss"
        if entry.kind == "family"
        else ctx.pick(("the", "poss", "poss"))
    )
    thing = noun_phrase(ctx, entry, det, plural=plural).pair
    past = ctx.chance(0.15)
    if past:
        be = Word("were" if plural else "was", "be")
        mot = Mot("étaient" if plural else "était", [be], "être")
    else:
        be = Word("are" if plural else "is", "be")
        mot = Mot("sont" if plural else "est", [be], "être")
    return ask(aligned("where | où") + Pair([be, *thing.en], [mot, *thing.fr]))


def wh_what(ctx: Context) -> Pair:
    """`What do you want?` / `Qu'est-ce que tu veux ?`; `What is he reading?` / `Que lit-il ?`"""
    choose_address(ctx, 0.1)
    subject = random_subject(ctx, 0.85, you=2)
    verb = ctx.pick(
        (
            Verb("want", "vouloir", True),
            Verb("do", "faire"),
            Verb("eat", "manger"),
            Verb("read", "lire"),
            Verb("drink", "boire"),
            Verb("buy", "acheter"),
            Verb("look for", "chercher"),
            Verb("say", "dire"),
            Verb("see", "voir"),
            Verb("find", "trouver"),
            Verb("write", "écrire"),
            Verb("study", "étudier"),
            Verb("prefer", "préférer", True),
            Verb("choose", "choisir"),
            Verb("sell", "vendre"),
        )
    )
    person = ctx.chance(0.25) and verb.en in ("see", "find", "look for", "choose")
    tense = (
        ctx.pick(("pres", "past"))
        if verb.stative
        else ctx.pick(("past", "prog", "going", "will", "past"))
    )
    if tense == "prog" and verb.en in ("find", "see", "choose"):
        tense = "past"
    word = Word("who" if person else "what")
    fr = "qui" if person else "que"
    pair = clause(
        ctx,
        subject,
        verb_phrase(verb),
        tense,
        question=True,
        fronted=Pair([word], [Mot(fr, [word])]),
    )
    return ask(addressed(ctx, pair))


def wh_who(ctx: Context) -> Pair:
    """`Who saw you?` / `Qui t'a vu ?`: the question word is the subject."""
    word = Word("who")
    subject = NounPhrase(Pair([word], [Mot("qui", [word])]), 2)
    frame, direct = person_frame(ctx)
    tense = (
        ctx.pick(("pres", "past"))
        if frame.verb.stative
        else ctx.pick(("past", "will", "going", "past"))
    )
    if ctx.chance(0.5):
        vp = pronoun_object(ctx, frame, subject, direct)
    else:
        frame = _frame(ctx)
        vp, tense = build(ctx, frame, None), ctx.pick(("past", "past", "going", "will"))
    return ask(clause(ctx, subject, vp, tense))


def wh_how_many(ctx: Context) -> Pair:
    """`How many brothers do you have?` / `Combien de frères est-ce que tu as ?`"""
    kinds, verb = ctx.pick(
        (
            ("person_kin", Verb("have", "avoir", True)),
            ("animal", Verb("have", "avoir", True)),
            ("food", Verb("want", "vouloir", True)),
            ("reading", Verb("have", "avoir", True)),
            ("food", Verb("eat", "manger")),
            ("reading", Verb("read", "lire")),
            ("clothes", Verb("buy", "acheter")),
        )
    )
    entry = thing_noun(ctx, kinds)
    things = noun_phrase(ctx, entry, "none", plural=True)
    subject = random_subject(ctx, 0.9, you=2)
    vp = verb_phrase(verb)
    tense = "pres" if verb.stative else "past"
    if tense == "past":
        vp.agreement = (things.gender, True)
    fronted = aligned("how1 many1 | combien1 de1") + things.pair
    return ask(clause(ctx, subject, vp, tense, question=True, fronted=fronted))


def wh_which(ctx: Context) -> Pair:
    """`Which dress did you choose?` / `Quelle robe est-ce que tu as choisie ?`"""
    kinds, verb = ctx.pick(
        (
            ("clothes", Verb("choose", "choisir")),
            ("clothes", Verb("buy", "acheter")),
            ("reading", Verb("read", "lire")),
            ("film_like", Verb("watch", "regarder")),
            ("clothes", Verb("prefer", "préférer", True)),
            ("drink_mass", Verb("prefer", "préférer", True)),
            ("vehicle_line", Verb("take", "prendre")),
            ("language", Verb("speak", "parler", True)),
        )
    )
    entry = thing_noun(ctx, "clothes" if kinds in ("drink_mass", "language") else kinds)
    if kinds in ("drink_mass", "language"):
        verb = Verb("want", "vouloir", True)
    plural = ctx.chance(0.2)
    thing = noun_phrase(ctx, entry, "none", plural=plural)
    word = Word("which")
    quel = "quelle" if entry.gender == "f" else "quel"
    subject = random_subject(ctx, 0.9, you=2)
    vp = verb_phrase(verb)
    vp.agreement = (entry.gender, plural)
    tense = "pres" if verb.stative else ctx.pick(("past", "past", "going", "will"))
    fronted = Pair(
        [word, *thing.pair.en],
        [Mot(quel + ("s" if plural else ""), [word], "quel"), *thing.pair.fr],
    )
    return ask(clause(ctx, subject, vp, tense, question=True, fronted=fronted))


# Relative clauses


def relative_object(ctx: Context) -> Pair:
    """`The letter that he wrote is long` / `La lettre qu'il a écrite est longue`."""
    kinds, en, fr = ctx.pick(
        (
            ("reading", "read", "lire"),
            ("reading", "write", "écrire"),
            ("clothes", "buy", "acheter"),
            ("clothes", "choose", "choisir"),
            ("film_like", "watch", "regarder"),
            ("thing", "find", "trouver"),
            ("thing", "lose", "perdre"),
            ("vehicle", "buy", "acheter"),
            ("vehicle", "sell", "vendre"),
            ("reading", "receive", "recevoir"),
            ("clothes", "wash", "laver"),
            ("thing", "break", "casser"),
            ("building", "build", "construire"),
            ("animal", "see", "voir"),
            ("furniture", "repair", "réparer"),
            ("reading", "translate", "traduire"),
            ("food", "bring", "apporter"),
        )
    )
    entry = thing_noun(ctx, kinds)
    if en == "build" and entry.en in ("village", "city", "street", "square", "garden"):
        return relative_object(ctx)
    plural = ctx.chance(0.25) and entry.en_plural != entry.en
    thing = noun_phrase(ctx, entry, "the", plural=plural)
    subject = random_subject(ctx, 0.7)
    vp = verb_phrase(Verb(en, fr))
    vp.agreement = (entry.gender, plural)
    adverbs = [time_adverb(ctx.common(lexicon.phrases("past")))] if ctx.chance(0.25) else []
    inner = clause(ctx, subject, vp, "past", adverbs=adverbs)
    whole = NounPhrase(thing.pair + aligned("that | que") + inner, thing.person, thing.gender)
    choices = lexicon.adjectives_for(entry.kind, attributive=False)
    if choices and ctx.chance(0.6):
        tail = adjective_pair(ctx.common(choices), whole)
        return say(
            clause(ctx, whole, verb_phrase(BE).add(tail), ctx.pick(("pres", "pres", "past")))
        )
    outer = ctx.pick(
        (
            Verb("see", "voir"),
            Verb("like", "aimer", True),
            Verb("look for", "chercher"),
            Verb("find", "trouver"),
            Verb("prefer", "préférer", True),
            Verb("forget", "oublier"),
        )
    )
    tense = (
        "pres"
        if outer.stative
        else ctx.pick(("past", "past", "prog" if outer.en == "look for" else "past"))
    )
    return say(clause(ctx, random_subject(ctx, 0.85), with_object(outer, whole), tense))


def relative_subject(ctx: Context) -> Pair:
    """`The woman who lives here is my aunt` / `La femme qui habite ici est ma tante`."""
    entry = ctx.common(
        [n for n in lexicon.nouns("person") if n.en not in ("baby", "lady", "guest", "boss")]
    )
    plural = ctx.chance(0.2)
    person = noun_phrase(ctx, entry, "the", plural=plural)
    who = NounPhrase(person.pair + aligned("who | qui"), person.person, person.gender)
    kind = ctx.pick(("clitic", "thing", "plain", "place"))
    if kind == "clitic":
        frame, direct = person_frame(ctx)
        vp = pronoun_object(ctx, frame, who, direct)
        tense = "pres" if frame.verb.stative else ctx.pick(("pres", "past"))
    elif kind == "place":
        vp, tense = (
            verb_phrase(Verb("live", "habiter", True)).add(
                ctx.pick((aligned("here | ici"), at_place(ctx)))
            ),
            "pres",
        )
        vp = (
            vp
            if vp.fr_tail[0].text in ("ici", "chez", "à", "en")
            else verb_phrase(Verb("live", "habiter", True)).add(aligned("here | ici"))
        )
    else:
        frame = _frame(ctx, "thing" if kind == "thing" else "intransitive_tail")
        vp, tense = build(ctx, frame, None), ctx.pick(("past", "pres"))
    inner = clause(ctx, who, vp, tense)
    whole = NounPhrase(inner, person.person, person.gender)
    if ctx.chance(0.6):
        choices = [
            a
            for a in lexicon.adjectives_for("family", False)
            if a.en not in ("tired", "ill", "short")
        ]
        tail = adjective_pair(ctx.common(choices), whole)
        return say(clause(ctx, whole, verb_phrase(BE).add(tail), "pres"))
    outer = ctx.pick(
        (
            Verb("know", "connaître", True),
            Verb("see", "voir"),
            Verb("meet", "rencontrer"),
            Verb("help", "aider"),
            Verb("love", "aimer", True),
        )
    )
    tense = "pres" if outer.stative else "past"
    return say(clause(ctx, random_subject(ctx, 0.9), with_object(outer, whole), tense))


def relative_where(ctx: Context) -> Pair:
    """`This is the village where I used to live` / `C'est le village où j'habitais`."""
    entry = ctx.common(lexicon.nouns("where_like"))
    place = noun_phrase(ctx, entry, "the").pair
    verb, tense = ctx.pick(
        (
            (Verb("live", "habiter", True), "pres"),
            (Verb("live", "habiter", True), "used"),
            (Verb("work", "travailler"), "pres"),
            (Verb("work", "travailler"), "used"),
            (Verb("eat", "manger"), "past"),
            (Verb("sleep", "dormir"), "past"),
            (Verb("play", "jouer"), "used"),
            (Verb("get married", "se marier"), "past"),
            (Verb("study", "étudier"), "past"),
            (Verb("be born", "naître"), "past"),
        )
    )
    if verb.en in ("be born", "live"):
        entry = ctx.pick(
            [
                n
                for n in lexicon.nouns("where_like")
                if n.en in ("village", "city", "house", "street")
            ]
        )
        place = noun_phrase(ctx, entry, "the").pair
    if verb.en == "be born":
        verb = Verb("live", "habiter", True)
    subject = random_subject(ctx, 0.7)
    this, is_ = Word("this"), Word("is", "be")
    start = Pair([this, is_], [Mot("ce", [this]), Mot("est", [is_], "être")])
    return say(
        start + place + aligned("where | où") + clause(ctx, subject, verb_phrase(verb), tense)
    )


# Subordinate clauses


REASONS = (
    ("cry", "pleurer", "sad alone ill tired"),
    ("smile", "sourire", "happy proud"),
    ("sing", "chanter", "happy"),
    ("shout", "crier", "angry nervous surprised"),
    ("rest", "se reposer", "tired ill"),
    ("go to bed", "se coucher", "tired ill sad"),
    ("sleep", "dormir", "tired ill"),
    ("get bored", "s'ennuyer", "alone"),
    ("leave", "partir", "tired ill busy angry worried"),
    ("dance", "danser", "happy"),
    ("stay", "rester", "ill tired busy sad"),
    ("come back", "revenir", "worried ill tired"),
    ("smoke", "fumer", "nervous worried"),
    ("laugh", "rire", "happy"),
    ("wait", "attendre", "patient calm"),
    ("wash", "se laver", "dirty"),
)


def active_person(ctx: Context) -> tuple[Frame, bool]:
    """Choose a verb with a personal object that tells of an act, not of a state."""
    frame, direct = person_frame(ctx)
    while frame.verb.stative or "noprog" in frame.flags:
        frame, direct = person_frame(ctx)
    return frame, direct


def because(ctx: Context) -> Pair:
    """`She is staying at home because she is ill` / `... parce qu'elle est malade`."""
    subject = random_subject(ctx, 0.7)
    again = same_pronoun(ctx, subject)
    if ctx.chance(0.5):
        en, fr, feelings = ctx.pick(REASONS)
        vp = verb_phrase(Verb(en, fr))
        if en == "stay":
            vp.add(aligned("at1 home2 | à1 la1 maison2"))
        tense = ctx.pick(("past", "past", "prog"))
        first = clause(ctx, subject, vp, tense)
        reason = _feeling(ctx, again, tuple(feelings.split()))
        second = clause(ctx, again, reason, "past" if tense == "past" else "pres")
        return say(first + aligned("because1 | parce1 que1") + second)
    frame, direct = active_person(ctx)
    other = (
        pronoun_subject(2, ctx.pick("mf"))
        if subject.person not in (2, 5)
        else pronoun_subject(ctx.pick((0, 3)))
    )
    target = other.person
    vp = with_pronoun(frame.verb, target, other.gender, direct=direct)
    tense = ctx.pick(("pres", "past")) if frame.verb.stative else ctx.pick(("past", "will", "pres"))
    first = clause(ctx, subject, vp, tense)
    second_tense = "past" if tense == "past" else "pres"
    second = clause(ctx, other, _feeling(ctx, other), second_tense)
    return say(first + aligned("because1 | parce1 que1") + second)


def that_clause(ctx: Context) -> Pair:
    """`I think that he is right` / `Je pense qu'il a raison`."""
    choose_address(ctx, 0.06)
    verb = ctx.pick(
        (
            Verb("think", "penser", True),
            Verb("know", "savoir", True),
            Verb("hope", "espérer", True),
            Verb("say", "dire"),
            Verb("believe", "croire", True),
            Verb("be sure", "être", True),
        )
    )
    subject = random_subject(ctx, 0.85)
    vp = verb_phrase(Verb("be", "être", True) if verb.en == "be sure" else verb)
    if verb.en == "be sure":
        sure = next(a for a in lexicon.adjectives() if a.en == "sure")
        vp.add(adjective_pair(sure, subject))
    if verb.en == "say":
        return _reported(ctx, subject, vp)
    inner, _ = _statement(ctx, ctx.pick(("pres", "past", "will")))
    that = aligned("that | que") if ctx.chance(0.75) or verb.en == "be sure" else None
    if that is None:
        links = inner.en[:0] or list(vp.head)
        that = Pair([], [Mot("que", links)])
    return say(addressed(ctx, clause(ctx, subject, vp, "pres") + that + inner))


def _reported(ctx: Context, subject: NounPhrase, vp: VerbPhrase) -> Pair:
    """`He says that...` in the present, so that the tenses of both languages run alike."""
    inner, _ = _statement(ctx, ctx.pick(("pres", "past", "will")))
    if subject.person in (0, 1, 4):
        subject = pronoun_subject(2, ctx.pick("mf"))
    return say(clause(ctx, subject, vp, "pres") + aligned("that | que") + inner)


def _statement(ctx: Context, tense: str) -> tuple[Pair, NounPhrase]:
    """Return a short clause to put behind `that`, `if` or `when`, and its subject."""
    subject = random_subject(ctx, 0.75)
    kind = ctx.rng.choices(("clitic", "thing", "plain", "feeling", "reflexive"), (4, 3, 2, 3, 1))[0]
    if kind == "feeling":
        return clause(ctx, subject, _feeling(ctx, subject), tense), subject
    if kind == "clitic":
        frame, direct = person_frame(ctx)
        return clause(ctx, subject, pronoun_object(ctx, frame, subject, direct), tense), subject
    section = {"thing": "thing", "plain": "intransitive_tail", "reflexive": "reflexive"}[kind]
    frame = _frame(ctx, section)
    return clause(ctx, subject, build(ctx, frame, subject), tense), subject


CONDITIONS = (
    "if1 it2 rains3 | si1 il2 pleut3",
    "if1 it2 is3 cold4 | si1 il2 fait3 froid4",
    "if1 the2 weather2 is3 nice4 | si1 il2 fait3 beau4",
    "if1 it2 snows3 | si1 il2 neige3",
    "if1 it2 is3 hot4 | si1 il2 fait3 chaud4",
)
PLANS = (
    "rest",
    "go to bed",
    "leave",
    "stay",
    "go out",
    "come back",
    "sleep",
    "work",
    "swim",
    "walk",
)


def if_clause(ctx: Context) -> Pair:
    """`If it rains, we will stay at home` / `S'il pleut, nous resterons à la maison`."""
    kind = ctx.pick(("weather", "feeling", "exchange", "exchange"))
    if kind == "exchange":
        return _exchange(ctx)
    subject = random_subject(ctx, 0.8)
    condition = aligned(ctx.pick(CONDITIONS))
    if kind == "feeling":
        again = same_pronoun(ctx, subject)
        condition = aligned("if | si") + clause(ctx, subject, _feeling(ctx, subject), "pres")
        subject = again
    frames = lexicon.frames("reflexive") + lexicon.frames("intransitive")
    plans = [frame.verb for frame in frames if frame.verb.en in PLANS]
    verb = ctx.pick([*plans, Verb("stay", "rester")])
    vp = verb_phrase(verb)
    if verb.en == "stay":
        vp.add(aligned("at1 home2 | à1 la1 maison2"))
    return say(condition + aligned(", | ,") + clause(ctx, subject, vp, "will"))


def _exchange(ctx: Context) -> Pair:
    """`If you help me, I will thank you` / `Si tu m'aides, je te remercierai`."""
    one, two = ctx.pick(
        ((1, 0), (2, 0), (5, 0), (1, 3), (5, 3), (2, 1), (0, 1), (3, 1), (0, 2), (3, 5))
    )
    genders = [ctx.pick("mf") if person == 2 else "m" for person in (one, two)]
    (first, direct), (second, second_direct) = active_person(ctx), active_person(ctx)
    condition = clause(
        ctx,
        pronoun_subject(one, genders[0]),
        with_pronoun(first.verb, two, genders[1], direct=direct),
        "pres",
    )
    result = clause(
        ctx,
        pronoun_subject(two, genders[1]),
        with_pronoun(second.verb, one, genders[0], direct=second_direct),
        "will",
    )
    return say(aligned("if | si") + condition + aligned(", | ,") + result)


WISHES = (
    "buy",
    "read",
    "learn",
    "cook",
    "visit",
    "paint",
    "clean",
    "study",
    "travel",
    "repair",
    "build",
)
RICHES = (
    "time1 | le1 temps1",
    "money1 | de1 la1 argent1",
    "more1 time2 | plus1 de1 temps2",
    "more1 money2 | plus1 de1 argent2",
)


def if_unreal(ctx: Context) -> Pair:
    """`If I had time, I would help you` / `Si j'avais le temps, je t'aiderais`."""
    subject = random_subject(ctx, 0.85)
    again = same_pronoun(ctx, subject)
    riches = verb_phrase(Verb("have", "avoir", True)).add(aligned(ctx.pick(RICHES)))
    condition = clause(ctx, subject, riches, "past")
    if ctx.chance(0.5):
        frame, direct = active_person(ctx)
        vp = pronoun_object(ctx, frame, again, direct)
    else:
        frames = lexicon.frames("thing") + lexicon.frames("intransitive_tail")
        vp = build(ctx, ctx.pick([f for f in frames if f.verb.en in WISHES]), again)
    result = clause(ctx, again, vp, "would")
    return say(aligned("if | si") + condition + aligned(", | ,") + result)


CARING = (
    "help",
    "call",
    "look for",
    "listen to",
    "phone",
    "talk to",
    "encourage",
    "avoid",
    "look at",
    "wait for",
    "kiss",
    "accompany",
)


def caring_person(ctx: Context) -> tuple[Frame, bool]:
    """Choose a verb for what people do when someone is there, or sad, or tired."""
    frame, direct = person_frame(ctx)
    while frame.verb.en not in CARING:
        frame, direct = person_frame(ctx)
    return frame, direct


def when_clause(ctx: Context) -> Pair:
    """`When he arrived, I was sleeping` / `Quand il est arrivé, je dormais`."""
    first = random_subject(ctx, 0.7)
    second = random_subject(ctx, 0.8)
    if ctx.chance(0.2):
        return _already_done(ctx, first, second)
    if ctx.chance(0.5):
        verb = ctx.pick(
            (
                Verb("arrive", "arriver"),
                Verb("come back", "revenir"),
                Verb("leave", "partir"),
                Verb("come", "venir"),
                Verb("fall", "tomber"),
                Verb("call", "appeler"),
                Verb("fall asleep", "s'endormir"),
                Verb("wake up", "se réveiller"),
            )
        )
        vp = verb_phrase(verb)
        if verb.en == "call":
            vp = pronoun_object(ctx, Frame(verb, "", frozenset()), first, True)
        start = clause(ctx, first, vp, "past")
        frames = [f for f in lexicon.frames("intransitive") if not {"once", "noprog"} & f.flags]
        frame = ctx.pick(frames) if ctx.chance(0.6) else _frame(ctx, "intransitive_tail")
        rest = clause(ctx, second, build(ctx, frame, second), "pastprog")
    else:
        vp = ctx.pick((verb_phrase(BE).add(aligned("here | ici")), _feeling(ctx, first)))
        start = clause(ctx, first, vp, "pres")
        if ctx.chance(0.5):
            frame, direct = caring_person(ctx)
            rest = clause(ctx, second, pronoun_object(ctx, frame, second, direct), "pres")
        else:
            rest = clause(ctx, second, build(ctx, _frame(ctx, "intransitive_tail"), second), "pres")
    if ctx.chance(0.5):
        return say(aligned("when | quand") + start + aligned(", | ,") + rest)
    return say(rest + aligned("when | quand") + start)


COMINGS = {
    "without": ("leave", "arrive", "come back", "go out", "work", "eat", "wait", "help", "win"),
    "to": ("come", "come back", "go out", "wait", "leave", "run", "lie"),
}


def _already_done(ctx: Context, first: NounPhrase, second: NounPhrase) -> Pair:
    """`He had already left when I arrived` / `Il était déjà parti quand je suis arrivé`."""
    done = ctx.pick(
        (
            Verb("leave", "partir"),
            Verb("eat", "manger"),
            Verb("finish", "finir"),
            Verb("go to bed", "se coucher"),
            Verb("get up", "se lever"),
            Verb("fall asleep", "s'endormir"),
            Verb("start", "commencer"),
            Verb("get dressed", "s'habiller"),
        )
    )
    came = ctx.pick(
        (Verb("arrive", "arriver"), Verb("come back", "revenir"), Verb("come", "venir"))
    )
    already = adverb("already | déjà")
    before = clause(ctx, first, verb_phrase(done), "pluperf", adverbs=[already])
    return say(before + aligned("when | quand") + clause(ctx, second, verb_phrase(came), "past"))


def before_doing(ctx: Context) -> Pair:
    """`Call me before leaving` / `She reads before sleeping`: avant de, sans, pour + infinitive."""
    subject = random_subject(ctx, 0.7)
    how = ctx.rng.choices(("before", "without", "to"), (4, 2, 4))[0]
    frame = _frame(ctx, "thing", "intransitive_tail", "reflexive")
    if how != "before":
        frame = ctx.pick([f for f in lexicon.frames("intransitive") if f.verb.en in COMINGS[how]])
    tense = ctx.pick(("past", "will", "past"))
    first = clause(ctx, subject, build(ctx, frame, subject), tense)
    if how == "before":
        verb = ctx.pick(
            (
                Verb("leave", "partir"),
                Verb("go out", "sortir"),
                Verb("sleep", "dormir"),
                Verb("eat", "manger"),
                Verb("go to bed", "se coucher"),
                Verb("come", "venir"),
                Verb("answer", "répondre"),
                Verb("work", "travailler"),
            )
        )
        if verb.en == frame.verb.en:
            return before_doing(ctx)
        word = Word("before")
        inner = gerund(ctx, verb_phrase(verb), subject, "de")
        inner.fr[0].links = [word]
        return say(first + Pair([word], [Mot("avant", [word])]) + inner)
    if how == "without":
        verb = ctx.pick(
            (
                Verb("think", "réfléchir"),
                Verb("speak", "parler"),
                Verb("laugh", "rire"),
                Verb("eat", "manger"),
                Verb("stop", "s'arrêter"),
            )
        )
        if verb.en == frame.verb.en:
            return before_doing(ctx)
        inner = gerund(ctx, verb_phrase(verb), subject, "")
        return say(first + aligned("without | sans") + inner)
    person, direct = person_frame(ctx)
    if person.verb.en not in (
        "help",
        "thank",
        "surprise",
        "protect",
        "encourage",
        "impress",
        "find",
        "see",
        "talk to",
        "answer",
        "meet",
        "join",
    ):
        return before_doing(ctx)
    inner = infinitive(
        ctx, pronoun_object(ctx, person, subject, direct), subject, preposition="pour"
    )
    return say(first + inner)


def two_clauses(ctx: Context) -> Pair:
    """Coordination: `I am tired but I am happy`, `He is reading and she is working`."""
    word = ctx.pick(("and | et", "but | mais", "and | et", "so | donc"))
    if word.startswith("so"):
        again = pronoun_subject(ctx.pick((0, 2, 3)))
        start = clause(ctx, again, _feeling(ctx, again), "pres")
        frame = ctx.pick(
            [
                f
                for f in lexicon.frames("reflexive")
                if f.verb.en in ("rest", "go to bed", "hurry", "calm down", "sit down", "go out")
            ]
        )
        return say(
            start
            + aligned(", | ,")
            + aligned(word)
            + clause(ctx, again, verb_phrase(frame.verb), ctx.pick(("going", "will")))
        )
    if word.startswith("but"):
        return _one_sided(ctx)
    tense = ctx.pick(("prog", "past", "will", "going"))
    sections = ("intransitive", "intransitive_tail")
    frames = [f for s in sections for f in lexicon.frames(s) if not {"once", "noprog"} & f.flags]
    people = random_subject(ctx, 0.6), random_subject(ctx, 0.7)
    left, right = ctx.pick(frames), ctx.pick(frames)
    if left.verb == right.verb or left.verb.stative or right.verb.stative:
        return two_clauses(ctx)
    first, second = (
        clause(ctx, who, build(ctx, frame, who), tense)
        for who, frame in zip(people, (left, right), strict=True)
    )
    return say(first + aligned(word) + second)


def _one_sided(ctx: Context) -> Pair:
    """`I love her but she doesn't love me` / `Je l'aime mais elle ne m'aime pas`."""
    frame, direct = person_frame(ctx)
    one, two = ctx.pick(
        ((0, 2), (2, 0), (0, 5), (5, 0), (1, 2), (2, 1), (3, 2), (2, 3), (3, 5), (0, 1), (1, 0))
    )
    if frame.verb.en in ("love", "thank") and {one, two} == {0, 1}:
        two = 2 if one in (0, 1) else two
    genders = tuple(ctx.pick("mf") if person == 2 else "m" for person in (one, two))
    tense = ctx.pick(("pres", "pres", "past", "will"))
    first = clause(
        ctx,
        pronoun_subject(one, genders[0]),
        with_pronoun(frame.verb, two, genders[1], direct=direct),
        tense,
    )
    second = clause(
        ctx,
        pronoun_subject(two, genders[1]),
        with_pronoun(frame.verb, one, genders[0], direct=direct),
        tense,
        negation="not",
    )
    return say(first + aligned("but | mais") + second)


# y, en and quantities


def there_y(ctx: Context) -> Pair:
    """`I go there every day` / `J'y vais tous les jours`."""
    choose_address(ctx, 0.05)
    subject = random_subject(ctx, 0.85)
    verb = ctx.pick(
        (
            Verb("go", "aller"),
            Verb("go", "aller"),
            Verb("live", "habiter", True),
            Verb("work", "travailler"),
            Verb("stay", "rester"),
            Verb("eat", "manger"),
            Verb("sleep", "dormir"),
            Verb("return", "retourner"),
        )
    )
    vp = verb_phrase(verb)
    word = Word("there")
    vp.en_tail.append(word)
    vp.clitics.append(Clitic("y", [word]))
    tense = (
        ctx.pick(("pres", "used"))
        if verb.stative
        else ctx.pick(("pres", "past", "will", "going", "used", "past"))
    )
    section = {
        "pres": "habit",
        "past": "past",
        "will": "future",
        "going": "future",
        "used": "then",
    }[tense]
    adverbs = (
        [time_adverb(ctx.common(lexicon.phrases(section)))]
        if ctx.chance(0.6) and not verb.stative
        else []
    )
    negation = "" if adverbs or tense == "used" else ctx.pick(("", "", "not", "never", "anymore"))
    if negation == "anymore" and tense != "pres":
        negation = "never"
    question = not negation and ctx.chance(0.2) and subject.person != 0 and tense != "used"
    topic = Pair()
    if ctx.chance(0.35) and not question and ctx.address is None:
        entry = ctx.common(lexicon.nouns("place"))
        kind = ctx.pick(("the", "this"))
        place = noun_phrase(ctx, entry, kind).pair
        mark = aligned("? | ?")
        topic = place + mark
        pair = capital_if(mark, clause(ctx, subject, vp, tense, adverbs=adverbs, negation=negation))
        return say(topic + pair)
    pair = addressed(
        ctx, clause(ctx, subject, vp, tense, adverbs=adverbs, negation=negation, question=question)
    )
    return ask(pair) if question else say(pair)


def some_en(ctx: Context) -> Pair:
    """`I have two of them` / `J'en ai deux`; `He talks about it` / `Il en parle`."""
    subject = random_subject(ctx, 0.85)
    kind = ctx.pick(("count", "count", "about", "want", "need"))
    verb = Verb("have", "avoir", True)
    tense, question, negation = "pres", False, ""
    if kind == "count":
        verb = ctx.pick(
            (
                verb,
                Verb("want", "vouloir", True),
                Verb("buy", "acheter"),
                Verb("eat", "manger"),
                Verb("see", "voir"),
                Verb("sell", "vendre"),
                Verb("find", "trouver"),
                Verb("lose", "perdre"),
            )
        )
        tense = "pres" if verb.stative else ctx.pick(("past", "past", "will", "going"))
        count = ctx.pick(
            (number(ctx), aligned("many1 | beaucoup1"), aligned("several1 | plusieurs1"))
        )
        of, them = Word("of"), Word("them")
        vp = verb_phrase(verb).add(Pair([*count.en, of, them], count.fr))
        vp.clitics.append(Clitic("en", [of, them]))
    elif kind == "want":
        verb = ctx.pick((Verb("want", "vouloir", True), Verb("have", "avoir", True)))
        question = subject.person != 0 and ctx.chance(0.4)
        negation = "" if question else ctx.pick(("", "not"))
        word = Word("any" if negation else "some")
        vp = verb_phrase(verb)
        vp.en_tail.append(word)
        vp.clitics.append(Clitic("en", [word]))
    else:
        verb = Verb("talk about", "parler") if kind == "about" else Verb("need", "avoir", True)
        vp = verb_phrase(verb)
        it = Word("it")
        vp.en_tail.append(it)
        vp.clitics.append(Clitic("en", [*vp.head[1:], it]))
        if kind == "need":
            vp.fr_tail.append(Mot("besoin", list(vp.head)))
        tense = "pres" if kind == "need" else ctx.pick(("pres", "past", "will", "prog"))
        negation = ctx.pick(("", "not", "never" if kind == "about" and tense == "pres" else "not"))
    adverbs: list[Adverb] = []
    if not negation and not question and tense in ("past", "will") and ctx.chance(0.5):
        adverbs = [
            time_adverb(ctx.common(lexicon.phrases("past" if tense == "past" else "future")))
        ]
    elif kind == "about" and tense == "pres" and not negation:
        adverbs = [
            adverb(ctx.pick(("often | souvent", "always | toujours", "sometimes | parfois")))
        ]
    pair = clause(ctx, subject, vp, tense, negation=negation, adverbs=adverbs, question=question)
    return ask(pair) if question else say(pair)


MEASURES = (
    ("a1 kilo2 of3 | un1 kilo2 de3", "food_count"),
    ("a1 bottle2 of3 | une1 bouteille2 de3", "bottled_mass"),
    ("a1 glass2 of3 | un1 verre2 de3", "bottled_mass"),
    ("a1 cup2 of3 | une1 tasse2 de3", "cupped_mass"),
    ("a1 piece2 of3 | un1 morceau2 de3", "food_solid"),
    ("a1 lot1 of1 | beaucoup1 de1", "food_mass"),
    ("a1 little1 | un1 peu1 de1", "food_mass"),
    ("too1 much2 | trop12 de2", "food_mass"),
    ("enough1 | assez1 de1", "abstract_mass"),
    ("a1 lot1 of1 | beaucoup1 de1", "abstract_mass"),
    ("a1 lot1 of1 | beaucoup1 de1", "thing"),
    ("a1 lot1 of1 | beaucoup1 de1", "reading"),
)


def quantity(ctx: Context) -> Pair:
    """`I bought a kilo of apples` / `J'ai acheté un kilo de pommes`."""
    template, kind = ctx.pick(MEASURES)
    entry = ctx.common(lexicon.nouns(kind))
    thing = noun_phrase(
        ctx,
        entry,
        "none",
        plural=not entry.mass and kind not in ("bottled_mass", "cupped_mass", "food_solid"),
    )
    verb = ctx.pick(
        (Verb("buy", "acheter"), Verb("want", "vouloir", True), Verb("bring", "apporter"))
    )
    if kind in ("bottled_mass", "cupped_mass"):
        verb = ctx.pick(
            (Verb("drink", "boire"), Verb("want", "vouloir", True), Verb("order", "commander"))
        )
    if kind in ("food_solid",):
        verb = ctx.pick(
            (Verb("eat", "manger"), Verb("want", "vouloir", True), Verb("cut", "couper"))
        )
    if kind in ("abstract_mass", "thing"):
        verb = Verb("have", "avoir", True)
    subject = random_subject(ctx, 0.8)
    vp = verb_phrase(verb).add(aligned(template) + thing.pair)
    tense = (
        ctx.pick(("pres", "past")) if verb.stative else ctx.pick(("past", "past", "will", "going"))
    )
    question = ctx.chance(0.2) and subject.person != 0
    adverbs: list[Adverb] = []
    if not verb.stative and ctx.chance(0.4):
        adverbs = [
            time_adverb(ctx.common(lexicon.phrases("past" if tense == "past" else "future")))
        ]
    pair = clause(ctx, subject, vp, tense, question=question, adverbs=adverbs)
    return ask(pair) if question else say(pair)


# Turns that the two languages build differently


def missing(ctx: Context) -> Pair:
    """`I miss you` / `Tu me manques`: the object becomes the subject."""
    person, other = ctx.pick(
        (
            (0, 1),
            (0, 2),
            (1, 0),
            (2, 0),
            (2, 1),
            (3, 1),
            (3, 2),
            (5, 0),
            (0, 5),
            (5, 1),
            (1, 2),
            (1, 3),
            (2, 3),
        )
    )
    gender, other_gender = ctx.pick("mf"), ctx.pick("mf")
    misser = pronoun_subject(person, gender if person == 2 else "m")
    miss = Word("miss", "miss")
    if ctx.chance(0.6):
        missed = pronoun_subject(other, other_gender if other == 2 else "m")
        word = Word(
            {0: "me", 1: "you", 3: "us", 5: "them"}.get(
                other, "her" if other_gender == "f" else "him"
            )
        )
        missed.pair = Pair([word], [Mot(missed.pronoun, [word])])
    else:
        missed = name_subject(ctx) if ctx.chance(0.5) else human(ctx, plural=0.3)
    clitic = ("me", "te", "lui", "nous", "vous", "leur")[person]
    tense = ctx.rng.choices(("present", "future"), (4, 1))[0]
    if ctx.chance(0.25) and tense == "present":
        adverbs = aligned(ctx.pick(("a1 lot1 | beaucoup1", "very1 much1 | beaucoup1")))
    else:
        adverbs = Pair()
    auxiliary = [Word("will")] if tense == "future" else []
    miss.text = "misses" if person == 2 and not auxiliary else "miss"
    verb = Mot(conjugate("manquer", tense, missed.person), [*auxiliary, miss], "manquer")
    fr = [*missed.pair.fr, Mot(clitic, list(misser.pair.en)), verb]
    ctx.combinations.add(("manquer", clitic, tense))
    return say(Pair([*misser.pair.en, *auxiliary, miss, *missed.pair.en], fr) + adverbs)


def just_done(ctx: Context) -> Pair:
    """`I have just seen him` / `Je viens de le voir`."""
    subject = random_subject(ctx, 0.8)
    frame, direct = person_frame(ctx)
    if ctx.chance(0.5) or frame.verb.stative:
        frame = _frame(ctx, "thing", "intransitive")
        vp = build(ctx, frame, subject)
    else:
        vp = pronoun_object(ctx, frame, subject, direct)
    have = Word("has" if subject.person == 2 else "have", "have")
    just = Word("just")
    inner = infinitive(ctx, vp, subject, particle="", preposition="de")
    vp.head[0].text = english.past_participle(vp.verb.base)
    inner.fr[0].links = [just]
    if subject.pronoun and ctx.contractions and have.text == "have":
        have.text, have.glue = "'ve", True
    come = Mot(conjugate("venir", "present", subject.person), [have, just], "venir")
    return say(Pair([*subject.pair.en, have, just, *inner.en], [*subject.pair.fr, come, *inner.fr]))


def for_years(ctx: Context) -> Pair:
    """`I have lived here for two years` / `J'habite ici depuis deux ans`."""
    subject = random_subject(ctx, 0.75)
    verb, place = ctx.pick(
        (
            (Verb("live", "habiter", True), True),
            (Verb("work", "travailler"), True),
            (Verb("wait", "attendre"), False),
            (Verb("sleep", "dormir"), False),
            (Verb("know", "connaître", True), False),
            (Verb("study", "étudier"), True),
        )
    )
    have, main = Word("has" if subject.person == 2 else "have", "have"), Word("", verb.base)
    been = [] if verb.en in ("live", "know") else [Word("been", "be")]
    main.text = english.gerund(verb.base) if been else english.past_participle(verb.base)
    if subject.pronoun and ctx.contractions and have.text == "have":
        have.text, have.glue = "'ve", True
    form = Mot(conjugate(verb.infinitive, "present", subject.person), [have, *been, main], verb.fr)
    tail, clitics = Pair(), []
    if verb.en == "know":
        other = 2 if subject.person in (0, 1, 3) else 0
        vp = with_pronoun(verb, other, ctx.pick("mf") if other == 2 else "m")
        tail = Pair(vp.en_tail, [])
        clitics = [Mot(c.text, list(c.links)) for c in vp.clitics]
        ctx.combinations.add(("connaître", clitics[0].text, "present"))
    elif place:
        tail = ctx.pick((aligned("here | ici"), at_place(ctx)))
        if tail.en[0].text == "home" or "chez" in {m.text for m in tail.fr}:
            tail = aligned("here | ici")
    unit = "an1 hour2 | une1 heure2" if verb.en in ("wait", "sleep") and ctx.chance(0.5) else ""
    count = number(ctx)
    units = (
        ("hours | heures",) if verb.en in ("wait", "sleep") else ("years | ans", "months | mois")
    )
    duration = aligned(unit) if unit else count + aligned(ctx.pick(units))
    length = aligned("for | depuis") + duration
    head = Pair([*subject.pair.en, have, *been, main], [*subject.pair.fr, *clitics, form])
    return say(head + tail + length)


def only(ctx: Context) -> Pair:
    """`I only have two sisters` / `Je n'ai que deux sœurs`."""
    subject = random_subject(ctx, 0.8)
    verb, kinds = ctx.pick(
        (
            (Verb("have", "avoir", True), "person_kin,animal,thing"),
            (Verb("want", "vouloir", True), "food"),
            (Verb("eat", "manger"), "food"),
            (Verb("read", "lire"), "reading"),
        )
    )
    entry = thing_noun(ctx, kinds)
    plural = ctx.chance(0.7)
    thing = noun_phrase(ctx, entry, "num" if plural else "a", plural=plural).pair
    word = Word("only")
    vp = verb_phrase(verb)
    vp.add(Pair(thing.en, [Mot("que", [word]), *thing.fr]))
    negation = Negation(middle=[word])
    return say(clause(ctx, subject, vp, "pres" if verb.stative else "past", negation=negation))


def indefinite_subject(ctx: Context) -> Pair:
    """`Nobody knows him` / `Personne ne le connaît`; `Everyone`, `someone`."""
    frame, direct = person_frame(ctx)
    en, fr, negative = ctx.pick(
        (
            ("nobody", ("personne",), True),
            ("nobody", ("personne",), True),
            ("everyone", ("tout", "le", "monde"), False),
            ("someone", ("quelqu'un",), False),
        )
    )
    word = Word(en)
    subject = NounPhrase(Pair([word], [Mot(part, [word]) for part in fr]), 2)
    vp = pronoun_object(ctx, frame, subject, direct)
    tense = (
        ctx.pick(("pres", "past"))
        if frame.verb.stative
        else ctx.pick(("past", "will", "pres", "past"))
    )
    if en == "someone" and tense == "pres":
        tense = "past" if not frame.verb.stative else "pres"
    negation: str | Negation = Negation(subject=[word]) if negative else ""
    if ctx.chance(0.3):
        frame = _frame(ctx, "intransitive")
        vp, tense = build(ctx, frame, None), "past"
    return say(clause(ctx, subject, vp, tense, negation=negation))


def price(ctx: Context) -> Pair:
    """`This coat costs fifty euros` / `Ce manteau coûte cinquante euros`."""
    entry = thing_noun(ctx, "clothes,thing,furniture")
    plural = ctx.chance(0.25) and entry.en_plural != entry.en
    subject = noun_phrase(ctx, entry, ctx.pick(("the", "this")), plural=plural)
    count = ctx.pick(lexicon.names("numbers")).replace(" = ", " | ")
    if " hundred" in count:
        count = "a1 hundred1 | cent1"
    vp = verb_phrase(Verb("cost", "coûter")).add(aligned(count) + aligned("euros | euros"))
    tense = ctx.pick(("pres", "pres", "will")) if subject.person == 2 else "pres"
    return say(clause(ctx, subject, vp, tense))


BODY_CARE = (
    ("wash", "se laver", "hands1 | mains1", "f", True),
    ("wash", "se laver", "feet1 | pieds1", "m", True),
    ("brush", "se brosser", "teeth1 | dents1", "f", True),
    ("wash", "se laver", "hair1 | cheveux1", "m", True),
    ("break", "se casser", "leg1 | jambe1", "f", False),
    ("break", "se casser", "arm1 | bras1", "m", False),
    ("cut", "se couper", "finger1 | doigt1", "m", False),
    ("brush", "se brosser", "hair1 | cheveux1", "m", True),
    ("wash", "se laver", "face1 | visage1", "m", False),
    ("break", "se casser", "nose1 | nez1", "m", False),
)


def body_care(ctx: Context) -> Pair:
    """`She is washing her hands` / `Elle se lave les mains`."""
    subject = random_subject(ctx, 0.75)
    while subject.person in (3, 5):
        subject = random_subject(ctx, 0.75)
    en, fr, part, gender, plural = ctx.pick(BODY_CARE)
    vp = verb_phrase(Verb(en, fr))
    vp.invariable = True
    mine = Word(
        {0: "my", 1: "your", 4: "your"}.get(
            subject.person, "her" if subject.gender == "f" else "his"
        )
    )
    noun = aligned(part)
    vp.add(Pair([mine, *noun.en], [definite([mine], gender, plural), *noun.fr]))
    tense, adverbs = choose_tense(
        ctx, Frame(vp.verb, "", frozenset({"once", "noprog"} if en in ("break", "cut") else ()))
    )
    if en in ("break", "cut"):
        tense, adverbs = "past", [time_adverb(ctx.common(lexicon.phrases("past")))]
    return say(clause(ctx, subject, vp, tense, adverbs=adverbs))


TASKS = (
    "learn",
    "speak",
    "translate",
    "understand",
    "repair",
    "clean",
    "find",
    "build",
    "sell",
    "draw",
    "choose",
    "explain",
    "finish",
    "prepare",
    "write",
    "read",
    "play",
    "cook",
    "drive",
)


def easy_to(ctx: Context) -> Pair:
    """`It is difficult to understand him` / `Il est difficile de le comprendre`."""
    words = (
        "easy | facile",
        "difficult | difficile",
        "important | important",
        "useful | utile",
        "impossible | impossible",
        "possible | possible",
    )
    it, is_ = Word("it"), Word("is", "be")
    if ctx.contractions:
        is_.text, is_.glue = "'s", True
    nobody = pronoun_subject(2)
    if ctx.chance(0.65):
        frame, direct = person_frame(ctx)
        while frame.verb.stative:
            frame, direct = person_frame(ctx)
        inner = pronoun_object(ctx, frame, nobody, direct)
    else:
        frame = ctx.pick([f for f in lexicon.frames("thing") if f.verb.en in TASKS])
        inner = build(ctx, frame, None)
    degree = aligned(ctx.pick(("very | très", "too | trop"))) if ctx.chance(0.25) else Pair()
    adjective = ctx.pick(words)
    if adjective.split()[0] in ("impossible", "possible"):
        degree = Pair()
    start = Pair([it, is_], [Mot("il", [it]), Mot("est", [is_], "être")])
    return say(
        start + degree + aligned(adjective) + infinitive(ctx, inner, nobody, preposition="de")
    )


def quoted(ctx: Context) -> Pair:
    """`She said: “I am tired.”` / `Elle a dit : « Je suis fatiguée. »`, by the gender of she."""
    subject = random_subject(ctx, 0.45)
    while subject.person != 2:
        subject = random_subject(ctx, 0.45)
    said = clause(
        ctx, subject, verb_phrase(Verb(ctx.pick(("say", "say", "answer")), "dire")), "past"
    )
    if said.en[-1].text == "answered":
        said.fr[-1].text = "répondu"
        said.fr[-1].lemma = "répondre"
    me = pronoun_subject(0, subject.gender)
    if ctx.chance(0.5):
        inner = clause(ctx, me, _feeling(ctx, me), "pres")
    else:
        frame, direct = person_frame(ctx)
        inner = clause(
            ctx, me, pronoun_object(ctx, frame, me, direct), ctx.pick(("pres", "will", "going"))
        )
    inner.fr[0].text = inner.fr[0].text[0].upper() + inner.fr[0].text[1:]
    return said + aligned(": | :") + aligned("“ | «") + inner + aligned(". | .") + aligned("” | »")


def two_statements(ctx: Context) -> Pair:
    """A colon or a semicolon between two clauses."""
    if ctx.chance(0.5):
        warning = aligned(
            ctx.pick(("be1 careful1 | attention1", "look1 | regarde1", "listen1 | écoute1"))
        )
        second, _ = _statement(ctx, ctx.pick(("pres", "will", "past")))
        return say(warning + aligned(": | :") + second)
    subject = pronoun_subject(ctx.pick((0, 2, 3)))
    first = clause(ctx, subject, _feeling(ctx, subject), "pres")
    again = pronoun_subject(subject.person)
    frame = ctx.pick(
        [
            f
            for f in lexicon.frames("reflexive")
            if f.verb.en in ("rest", "go to bed", "hurry", "calm down", "sit down")
        ]
        + [
            f
            for f in lexicon.frames("intransitive")
            if f.verb.en in ("sleep", "leave", "go out", "stay", "come back")
        ]
    )
    second = clause(ctx, again, verb_phrase(frame.verb), ctx.pick(("going", "will")))
    return say(first + aligned("; | ;") + second)


def front_time(ctx: Context) -> Pair:
    """`Tomorrow, we will leave` / `Demain, nous partirons`."""
    tense, section = ctx.pick(
        (("past", "past_day"), ("will", "future_day"), ("going", "future_day"), ("pres", "habit"))
    )
    when = aligned(ctx.common(lexicon.phrases(section)))
    subject = random_subject(ctx, 0.75)
    frame = _frame(ctx, "thing", "intransitive_tail", "reflexive", "intransitive")
    if tense == "pres" and "once" in frame.flags:
        return front_time(ctx)
    vp = build(ctx, frame, subject)
    return say(when + aligned(", | ,") + clause(ctx, subject, vp, tense))


def names(ctx: Context) -> Pair:
    """`My brother's name is Paul` / `Mon frère s'appelle Paul`."""
    if ctx.chance(0.4):
        person = ctx.pick((0, 2, 3))
        gender = ctx.pick("mf")
        own = Word({0: "my", 2: "her" if gender == "f" else "his", 3: "my"}[person])
        name, be = Word("name"), Word("is", "be")
        person = 0 if person == 3 else person
        subject = {0: "je", 2: "elle" if gender == "f" else "il"}[person]
        called = Word(ctx.pick(lexicon.names("women" if gender == "f" else "men")))
        forms = {0: ("me", "appelle"), 2: ("se", "appelle")}[person]
        fr = [
            Mot(subject, [own]),
            Mot(forms[0], [own, name]),
            Mot(forms[1], [name, be], "s'appeler"),
            Mot(called.text, [called]),
        ]
        return say(Pair([own, name, be, called], fr))
    owner = human(ctx, plural=0)
    called = Word(ctx.pick(lexicon.names("women" if owner.gender == "f" else "men")))
    mark, name, be = Word("'s", glue=True), Word("name"), Word("is", "be")
    fr = [
        *owner.pair.fr,
        Mot("se", [mark, name]),
        Mot("appelle", [name, be], "s'appeler"),
        Mot(called.text, [called]),
    ]
    return say(Pair([*owner.pair.en, mark, name, be, called], fr))


def mine(ctx: Context) -> Pair:
    """`This book is mine` / `Ce livre est à moi`."""
    entry = thing_noun(ctx, "thing,clothes,reading,vehicle,animal")
    plural = ctx.chance(0.3) and entry.en_plural != entry.en
    subject = noun_phrase(ctx, entry, ctx.pick(("this", "this", "the")), plural=plural)
    owner = ctx.pick(
        (
            "mine1 | à1 moi1",
            "yours1 | à1 toi1",
            "his1 | à1 lui1",
            "hers1 | à1 elle1",
            "ours1 | à1 nous1",
        )
    )
    question = ctx.chance(0.25)
    vp = verb_phrase(BE).add(aligned(owner))
    pair = clause(
        ctx,
        subject,
        vp,
        "pres",
        question=question,
        negation="" if question or ctx.chance(0.7) else "not",
    )
    return ask(pair) if question else say(pair)


def adverb_comparison(ctx: Context) -> Pair:
    """`She runs faster than me` / `Elle court plus vite que moi`."""
    verb, how = ctx.pick(
        (
            (Verb("run", "courir"), "faster1 than2 | plus1 vite1 que2"),
            (Verb("drive", "conduire"), "faster1 than2 | plus1 vite1 que2"),
            (Verb("work", "travailler"), "more1 than2 | plus1 que2"),
            (Verb("eat", "manger"), "less1 than2 | moins1 que2"),
            (Verb("sing", "chanter"), "better1 than2 | mieux1 que2"),
            (Verb("dance", "danser"), "better1 than2 | mieux1 que2"),
            (Verb("work", "travailler"), "as1 much1 as2 | autant1 que2"),
            (Verb("swim", "nager"), "as1 fast2 as3 | aussi1 vite2 que3"),
            (Verb("cook", "cuisiner"), "better1 than2 | mieux1 que2"),
            (Verb("read", "lire"), "more1 than2 | plus1 que2"),
        )
    )
    subject = random_subject(ctx, 0.6)
    people = (
        (0, "me", "moi"),
        (1, "you", "toi"),
        (2, "him", "lui"),
        (3, "us", "nous"),
        (5, "them", "eux"),
    )
    options = [p for p in people if p[0] != subject.person and not {p[0], subject.person} <= {0, 3}]
    if subject.person == 4:
        options = [p for p in options if p[0] != 1]
    if ctx.chance(0.6):
        _, en, fr = ctx.pick(options)
        other = aligned(f"{en} | {fr}")
    else:
        other = human(ctx).pair
    return say(clause(ctx, subject, verb_phrase(verb).add(aligned(how) + other), "pres"))


def negative_reply(ctx: Context) -> Pair:
    """`Yes, I know him` / `Oui, je le connais`; `No, I don't` is left out."""
    yes = ctx.chance(0.5)
    word = aligned("yes | oui" if yes else "no | non") + aligned(", | ,")
    frame, direct = person_frame(ctx)
    subject = random_subject(ctx, 0.95)
    tense = "pres" if frame.verb.stative else ctx.pick(("pres", "past", "will"))
    return say(
        word
        + clause(
            ctx,
            subject,
            pronoun_object(ctx, frame, subject, direct),
            tense,
            negation="" if yes else "not",
        )
    )


FAMILIES = {
    "wh_adverb": (wh_adverb, 3.0),
    "wh_where_is": (wh_where_is, 1.0),
    "wh_what": (wh_what, 1.8),
    "wh_who": (wh_who, 1.5),
    "wh_how_many": (wh_how_many, 0.8),
    "wh_which": (wh_which, 0.8),
    "relative_object": (relative_object, 2.2),
    "relative_subject": (relative_subject, 1.8),
    "relative_where": (relative_where, 0.6),
    "because": (because, 2.0),
    "that_clause": (that_clause, 3.0),
    "if_clause": (if_clause, 2.0),
    "if_unreal": (if_unreal, 1.0),
    "when_clause": (when_clause, 2.0),
    "before_doing": (before_doing, 1.8),
    "two_clauses": (two_clauses, 2.0),
    "there_y": (there_y, 2.2),
    "some_en": (some_en, 2.0),
    "quantity": (quantity, 1.8),
    "missing": (missing, 1.2),
    "just_done": (just_done, 1.4),
    "for_years": (for_years, 1.0),
    "only": (only, 1.0),
    "indefinite_subject": (indefinite_subject, 1.6),
    "price": (price, 0.8),
    "body_care": (body_care, 1.0),
    "easy_to": (easy_to, 1.4),
    "quoted": (quoted, 1.0),
    "two_statements": (two_statements, 0.8),
    "front_time": (front_time, 1.8),
    "names": (names, 0.7),
    "mine": (mine, 0.7),
    "adverb_comparison": (adverb_comparison, 0.8),
    "reply": (negative_reply, 1.5),
}
