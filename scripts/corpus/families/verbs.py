"""Families built round a verb and its objects."""

from .. import lexicon
from ..complements import (
    addressed,
    build,
    choose_address,
    choose_tense,
    human,
    pronoun_object,
    random_subject,
    tense_adverbs,
    thing_noun,
)
from ..fragments import Mot, Pair, Word, aligned
from ..grammar import (
    Adverb,
    Clitic,
    Context,
    NounPhrase,
    VerbPhrase,
    adverb,
    clause,
    clitic_form,
    imperative,
    infinitive,
    noun_phrase,
    object_pronoun,
    pronoun_subject,
    verb_phrase,
    with_object,
    with_pronoun,
    you_subject,
)
from ..lexicon import Frame, Verb
from .common import ask, exclaim, pick_negation, say

SVO_TENSES = (
    ("pres", 8),
    ("past", 5),
    ("will", 3),
    ("going", 3),
    ("perf", 1.5),
    ("used", 1.2),
    ("would", 1),
    ("prog", 1.5),
)


def _svo_tense(ctx: Context, frame: Frame) -> str:
    tense = ctx.rng.choices([t for t, _ in SVO_TENSES], [w for _, w in SVO_TENSES])[0]
    if tense == "prog" and (frame.verb.stative or "noprog" in frame.flags):
        return "pres"
    if tense == "going" and frame.verb.stative:
        return "pres"
    return "used" if tense == "past" and frame.verb.stative and ctx.chance(0.3) else tense


def person_frame(ctx: Context) -> tuple[Frame, bool]:
    direct = ctx.chance(0.84)
    section = "person_direct" if direct else "person_indirect"
    return ctx.common(lexicon.frames(section)), direct


def subject_clitic_verb(ctx: Context) -> Pair:
    """`I see you` / `je te vois`, in every tense."""
    choose_address(ctx, 0.1)
    frame, direct = person_frame(ctx)
    subject = random_subject(ctx, 0.88, you=1.2)
    vp = pronoun_object(ctx, frame, subject, direct)
    tense = _svo_tense(ctx, frame)
    adverbs: list[Adverb] = []
    odd = tense == "pres" and "noprog" in frame.flags and frame.verb.en not in ("see", "hear")
    if ctx.chance(0.28) and tense != "would" and not odd:
        adverbs = tense_adverbs(ctx, tense, frame.verb.stative, once=False)
    negation = pick_negation(ctx, tense) if ctx.chance(0.25) and not adverbs else ""
    if not adverbs and not negation and tense == "pres":
        adverbs = _present_adverb(ctx, frame, vp)
    return say(addressed(ctx, clause(ctx, subject, vp, tense, negation=negation, adverbs=adverbs)))


def _present_adverb(ctx: Context, frame: Frame, vp: VerbPhrase) -> list[Adverb]:
    if not ctx.chance(0.3):
        return []
    degree = frame.verb.en in ("love", "admire", "respect", "adore", "help")
    if degree and ctx.chance(0.5) and frame.verb.en != "adore":
        return [adverb(ctx.pick(lexicon.phrases("end_direct")), en_middle=False)]
    if frame.verb.en in ("know", "recognise") and ctx.chance(0.5):
        return [adverb("well | bien", en_middle=False)]
    words = lexicon.phrases("mid")
    return [adverb(ctx.common(words))]


def short_clitic(ctx: Context) -> Pair:
    """The shortest sentences with an object pronoun, in the present."""
    frame, direct = person_frame(ctx)
    subject = random_subject(ctx, 0.95, you=1.3)
    vp = pronoun_object(ctx, frame, subject, direct)
    negation = pick_negation(ctx, "pres") if ctx.chance(0.3) else ""
    return say(clause(ctx, subject, vp, "pres", negation=negation))


def all_of_you(ctx: Context) -> Pair:
    """`I love you all` / `je vous aime tous`."""
    frame = ctx.common(lexicon.frames("person_direct"))
    subject = pronoun_subject(ctx.pick((0, 0, 2, 3, 5)), "m")
    if subject.person == 2 and ctx.chance(0.5):
        subject = pronoun_subject(2, "f")
    vp = with_pronoun(frame.verb, 4, "m")
    if frame.verb.separable:
        return subject_clitic_verb(ctx)
    everyone = Adverb(aligned("all | tous"), en_middle=False)
    tense = ctx.pick(("pres", "pres", "past", "will", "perf"))
    return say(clause(ctx, subject, vp, tense, adverbs=[everyone]))


def clitic_question(ctx: Context) -> Pair:
    """`Do you know him?` / `Est-ce que tu le connais ?`, and with will, have, are..."""
    choose_address(ctx, 0.15)
    frame, direct = person_frame(ctx)
    subject = random_subject(ctx, 0.85, you=2.5)
    if subject.person == 0:
        subject = you_subject(ctx)
    vp = pronoun_object(ctx, frame, subject, direct)
    tense = _svo_tense(ctx, frame)
    tense = "pres" if tense in ("used", "would") else tense
    negation = "not" if ctx.chance(0.1) and ctx.contractions else ""
    adverbs = [] if negation else tense_adverbs(ctx, tense, frame.verb.stative, once=False)
    if tense == "perf":
        adverbs = [adverb("already | déjà")] if ctx.chance(0.7) else []
    return ask(
        addressed(
            ctx, clause(ctx, subject, vp, tense, negation=negation, adverbs=adverbs, question=True)
        )
    )


def person_object(ctx: Context) -> Pair:
    """`I am waiting for my sister` / `J'attends ma sœur`."""
    choose_address(ctx, 0.06)
    frame, direct = person_frame(ctx)
    subject = random_subject(ctx, 0.7)
    vp = with_object(frame.verb, human(ctx), to="" if direct else "à")
    tense = _svo_tense(ctx, frame)
    odd = tense == "pres" and "noprog" in frame.flags
    adverbs: list[Adverb] = []
    if tense != "would" and not odd:
        adverbs = tense_adverbs(ctx, tense, frame.verb.stative, once=False)
    question = ctx.chance(0.2) and tense not in ("used", "would") and subject.person != 0
    negation = "" if adverbs or question or ctx.chance(0.75) else pick_negation(ctx, tense)
    pair = addressed(
        ctx,
        clause(ctx, subject, vp, tense, negation=negation, adverbs=adverbs, question=question),
    )
    return ask(pair) if question else say(pair)


def thing_object(ctx: Context) -> Pair:
    """`She is reading an interesting book` / `Elle lit un livre intéressant`."""
    choose_address(ctx, 0.06)
    return _action(ctx, ctx.pick(lexicon.frames("thing")))


def plain_action(ctx: Context) -> Pair:
    """Intransitive verbs, with an adverb or a companion."""
    choose_address(ctx, 0.06)
    section = ctx.pick(("intransitive", "intransitive_tail", "intransitive_tail"))
    return _action(ctx, ctx.pick(lexicon.frames(section)))


def reflexive(ctx: Context) -> Pair:
    """`She gets up early` / `Elle se lève tôt`."""
    choose_address(ctx, 0.1)
    return _action(ctx, ctx.pick(lexicon.frames("reflexive")))


def _action(ctx: Context, frame: Frame) -> Pair:
    subject = random_subject(ctx, 0.72)
    tense, adverbs = choose_tense(ctx, frame)
    question = ctx.chance(0.14) and tense != "used" and subject.person != 0
    can_negate = not adverbs and not question and tense != "used"
    negation = pick_negation(ctx, tense) if can_negate and ctx.chance(0.3) else ""
    if "once" in frame.flags and negation not in ("", "yet"):
        negation = "not"
    vp = build(ctx, frame, subject, bool(negation))
    if frame.tail and any(a.fr_middle for a in adverbs) and question and tense == "pres":
        adverbs = []
    pair = addressed(
        ctx,
        clause(ctx, subject, vp, tense, negation=negation, adverbs=adverbs, question=question),
    )
    return ask(pair) if question else say(pair)


def nothing_and_nobody(ctx: Context) -> Pair:
    """`I don't see anything` / `Je ne vois rien`; `nobody` / `personne`."""
    things = (
        Verb("see", "voir"),
        Verb("hear", "entendre"),
        Verb("eat", "manger"),
        Verb("understand", "comprendre"),
        Verb("say", "dire"),
        Verb("do", "faire"),
        Verb("buy", "acheter"),
        Verb("drink", "boire"),
        Verb("find", "trouver"),
        Verb("forget", "oublier"),
        Verb("learn", "apprendre"),
        Verb("win", "gagner"),
        Verb("want", "vouloir", True),
        Verb("know", "savoir", True),
        Verb("lose", "perdre"),
        Verb("read", "lire"),
        Verb("write", "écrire"),
        Verb("change", "changer"),
        Verb("sell", "vendre"),
        Verb("break", "casser"),
        Verb("explain", "expliquer"),
    )
    people = ("see", "hear", "know", "help", "invite", "meet", "recognise", "find", "love")
    subject = random_subject(ctx, 0.85)
    if ctx.chance(0.6):
        verb, kind = ctx.pick(things), ctx.pick(("nothing", "anything", "anything"))
    else:
        frames = [f for f in lexicon.frames("person_direct") if f.verb.en in people]
        verb, kind = ctx.pick(frames).verb, ctx.pick(("nobody", "anyone", "anyone"))
    tenses = ("pres", "past", "used") if verb.stative else ("pres", "past", "past", "perf", "will")
    tense = ctx.pick(tenses)
    if tense == "used":
        tense = "past"
    adverbs = []
    if tense in ("past", "will") and not verb.stative and ctx.chance(0.45):
        adverbs = tense_adverbs(ctx, tense, False, True)
    vp = verb_phrase(verb)
    return say(clause(ctx, subject, vp, tense, negation=kind, adverbs=adverbs))


# Giving, with one or two pronouns


def giving(ctx: Context) -> Pair:
    """`I gave my book to her` / `Je lui ai donné mon livre`; `... à ma sœur`."""
    choose_address(ctx, 0.08)
    frame = ctx.common(lexicon.frames("give"))
    subject = random_subject(ctx, 0.78)
    tense, adverbs = choose_tense(ctx, frame)
    tense = "past" if tense == "used" else tense
    adverbs = [] if any(a.en_middle for a in adverbs) else adverbs
    negation = "not" if ctx.chance(0.18) else ""
    vp = build(ctx, frame, subject, bool(negation))
    preposition = "for" if "for" in frame.flags else "to"
    if ctx.chance(0.65):
        _indirect_pronoun(ctx, vp, subject, preposition)
    else:
        to = Word(preposition)
        person = human(ctx).pair
        vp.add(
            Pair([to, *person.en], [Mot("à" if preposition == "to" else "pour", [to]), *person.fr])
        )
    question = ctx.chance(0.15) and subject.person != 0
    pair = addressed(
        ctx,
        clause(ctx, subject, vp, tense, negation=negation, adverbs=adverbs, question=question),
    )
    return ask(pair) if question else say(pair)


def _indirect_pronoun(
    ctx: Context, vp: VerbPhrase, subject: NounPhrase, preposition: str, double: bool | None = None
) -> None:
    """Add me, you, him... as the receiver: `give me the key`, `give the key to me`."""
    banned = {0: (0, 3), 3: (0, 3), 1: (1,), 4: (1,), 2: (), 5: ()}[subject.person]
    people = [p for p in (0, 0, 1, 1, 2, 2, 3, 5) if p not in banned]
    person = ctx.pick(people)
    gender = "f" if person == 2 and ctx.chance(0.45) else "m"
    if person == 1 and ctx.formal:
        person = 4
    word = object_pronoun(person, gender)
    bare = ctx.chance(0.65) if double is None else double
    bare = bare and vp.verb.en != "explain"
    if bare:
        links = [word]
        vp.en_tail.insert(0, word)
    else:
        to = Word(preposition)
        links = [to, word]
        vp.en_tail += links
    vp.clitics.append(Clitic(clitic_form(person, gender, direct=False), links))


def topic_clitic(ctx: Context) -> Pair:
    """`Your keys? I put them on the table.`: the pronoun takes its antecedent's gender."""
    frames = [
        f for f in lexicon.frames("thing") if f.tail.startswith("{obj") and not f.verb.stative
    ]
    frame = ctx.pick(frames)
    kinds = frame.tail.split()[1].rstrip("}")
    entry = thing_noun(ctx, kinds)
    plural = not entry.mass and ctx.chance(0.35)
    det = "the" if entry.mass else ctx.pick(("the", "poss", "this"))
    topic = noun_phrase(ctx, entry, det, plural=plural)
    subject = random_subject(ctx, 0.9)
    tense, adverbs = choose_tense(ctx, frame)
    negation = pick_negation(ctx, tense) if ctx.chance(0.25) and not adverbs else ""
    if negation in ("yet",) and tense == "pres":
        negation = "not"
    vp = thing_pronoun(frame.verb, topic)
    second = clause(ctx, subject, vp, tense, negation=negation, adverbs=adverbs)
    mark = aligned("? | ?") if ctx.chance(0.5) else aligned(", | ,")
    return say(topic.pair + mark + capital_if(mark, second))


def capital_if(mark: Pair, pair: Pair) -> Pair:
    """Capitalise the sentence that follows a full mark."""
    if mark.en[0].text == "?":
        for first in (pair.en[0], pair.fr[0]):
            first.text = first.text[0].upper() + first.text[1:]
    return pair


def thing_pronoun(verb: Verb, topic: NounPhrase) -> VerbPhrase:
    """Return the verb with it or them for a thing just named."""
    return with_pronoun(verb, topic.person, topic.gender, neuter=True)


def bought_and_used(ctx: Context) -> Pair:
    """`I bought a book and I read it` / `J'ai acheté un livre et je l'ai lu`."""
    pairs = (
        ("find", "trouver", "lose", "perdre", "thing", "but | mais"),
        ("buy", "acheter", "sell", "vendre", "thing,clothes,vehicle", "and | et"),
        ("buy", "acheter", "read", "lire", "reading", "and | et"),
        ("write", "écrire", "send", "envoyer", "reading", "and | et"),
        ("choose", "choisir", "buy", "acheter", "clothes,thing", "and | et"),
        ("find", "trouver", "repair", "réparer", "thing,vehicle", "and | et"),
        ("buy", "acheter", "eat", "manger", "food", "and | et"),
        ("receive", "recevoir", "read", "lire", "reading", "but | mais"),
        ("break", "casser", "repair", "réparer", "thing,furniture", "and | et"),
        ("see", "voir", "buy", "acheter", "clothes,furniture", "and | et"),
        ("borrow", "emprunter", "lose", "perdre", "thing,reading", "and | et"),
        ("buy", "acheter", "wear", "porter", "clothes", "but | mais"),
        ("wash", "laver", "repair", "réparer", "vehicle", "and | et"),
        ("take", "prendre", "hide", "cacher", "thing", "and | et"),
    )
    en1, fr1, en2, fr2, kinds, conjunction = ctx.pick(pairs)
    entry = thing_noun(ctx, kinds)
    plural = ctx.chance(0.25)
    det = ctx.pick(("num", "some")) if plural else "a"
    choices = lexicon.adjectives_for(entry.kind)
    adjective = ctx.common(choices) if choices and det == "a" and ctx.chance(0.3) else None
    thing = noun_phrase(ctx, entry, det, plural=plural, adjective=adjective)
    subject = random_subject(ctx, 0.7)
    first = clause(ctx, subject, with_object(Verb(en1, fr1), thing), "past")
    again = same_pronoun(ctx, subject)
    negation = ctx.pick(("not", "never")) if conjunction.startswith("but") else ""
    if en1 == "find":
        negation = ""
    conjunction = "and | et" if en1 == "find" else conjunction
    second = clause(ctx, again, thing_pronoun(Verb(en2, fr2), thing), "past", negation=negation)
    return say(first + aligned(conjunction) + second)


def same_pronoun(ctx: Context, subject: NounPhrase, neuter: bool = False) -> NounPhrase:
    """Return the pronoun for a subject just named."""
    if subject.person == 1 or subject.person == 4:
        return you_subject(ctx)
    return pronoun_subject(subject.person, subject.gender, neuter)


def two_clitics(ctx: Context) -> Pair:
    """`She gave it to me` / `Elle me l'a donné`; with a named antecedent, its gender."""
    frame = ctx.common(lexicon.frames("give")[:9])
    subject = random_subject(ctx, 0.9)
    kinds = frame.tail.split()[1].rstrip("}")
    entry = thing_noun(ctx, kinds)
    plural = ctx.chance(0.3)
    topic = noun_phrase(ctx, entry, ctx.pick(("the", "poss", "this")), plural=plural)
    named = ctx.chance(0.7)
    vp = thing_pronoun(frame.verb, topic if named else pronoun_subject(5 if plural else 2))
    _indirect_pronoun(ctx, vp, subject, "to", double=False)
    tense, adverbs = choose_tense(ctx, frame)
    tense = "past" if tense == "used" else tense
    adverbs = [] if any(a.en_middle for a in adverbs) or tense == "past" else adverbs
    negation = "not" if ctx.chance(0.2) else ""
    pair = clause(ctx, subject, vp, tense, negation=negation, adverbs=adverbs)
    if not named:
        return say(pair)
    mark = aligned("? | ?") if ctx.chance(0.5) else aligned(", | ,")
    return say(topic.pair + mark + capital_if(mark, pair))


# Wanting, having to, being able to


def modal_infinitive(ctx: Context) -> Pair:
    """`I want to see him` / `Je veux le voir`."""
    choose_address(ctx, 0.08)
    frame = ctx.common(lexicon.frames("modal"))
    subject = random_subject(ctx, 0.78)
    vp = modal_phrase(ctx, frame, subject, inner_phrase(ctx, subject))
    tenses = {"can": ("pres",), "must": ("pres",)}.get(
        frame.verb.en,
        ("pres", "pres", "past") if frame.verb.stative else ("pres", "past", "past", "will"),
    )
    tense = ctx.pick(tenses)
    question = ctx.chance(0.22) and frame.verb.en != "must" and subject.person != 0
    negation = "not" if ctx.chance(0.22) and frame.verb.en not in ("must", "have") else ""
    if negation and frame.verb.en in ("know how", "hope"):
        negation = "" if frame.verb.en == "hope" else "not"
    pair = addressed(
        ctx,
        clause(ctx, subject, vp, tense, negation="" if question else negation, question=question),
    )
    return ask(pair) if question else say(pair)


def inner_phrase(ctx: Context, subject: NounPhrase) -> VerbPhrase:
    """Choose what is wanted, tried or forgotten: any action of the lexicon."""
    kind = ctx.rng.choices(("clitic", "thing", "plain", "reflexive", "go"), (4, 5, 2, 2, 1))[0]
    if kind == "clitic":
        frame, direct = person_frame(ctx)
        while frame.verb.stative:
            frame, direct = person_frame(ctx)
        return pronoun_object(ctx, frame, subject, direct)
    section = {"thing": "thing", "plain": "intransitive_tail", "reflexive": "reflexive"}.get(kind)
    frame = ctx.pick(lexicon.frames(section or "intransitive"))
    while (
        frame.verb.fr in UNWANTED
        or "bien" in frame.tail
        or frame.verb.stative
        or frame.verb.en in ("lose", "break", "get lost", "miss", "receive")
    ):
        frame = ctx.pick(lexicon.frames(section or "intransitive"))
    return build(ctx, frame, subject)


UNWANTED = ("se fâcher", "s'ennuyer", "s'arrêter", "mentir", "ronfler", "tomber")


def modal_phrase(ctx: Context, frame: Frame, subject: NounPhrase, inner: VerbPhrase) -> VerbPhrase:
    """Hang an infinitive on a verb like want, try (de), start (à) or can."""
    parts = frame.tail.split()
    particle = parts[0] if parts else ""
    preposition = parts[1] if len(parts) > 1 else ""
    vp = verb_phrase(frame.verb)
    return vp.add(infinitive(ctx, inner, subject, particle=particle, preposition=preposition))


POLITE = (
    ("could", "pouvoir", ""),
    ("would", "vouloir", "like to"),
    ("can", "pouvoir", ""),
)


def polite_request(ctx: Context) -> Pair:
    """`Could you help me, please?` / `Pourrais-tu m'aider, s'il te plaît ?`"""
    choose_address(ctx, 0.35)
    you = you_subject(ctx)
    frame, direct = person_frame(ctx)
    while "h" not in frame.flags:
        frame, direct = person_frame(ctx)
    if ctx.chance(0.5):
        person, gender = ctx.pick(((0, "m"), (3, "m"), (2, "m"), (2, "f")))
        inner = with_pronoun(frame.verb, person, gender, direct=direct)
    else:
        things = [f for f in lexicon.frames("thing") if "h" in f.flags]
        inner = build(ctx, ctx.pick(things), None)
    word = ctx.pick(("could", "can", "would like"))
    form = {"could": "pourr", "can": "", "would like": "voudr"}[word]
    operator = Word(word.split()[0])
    ending = "iez" if you.person == 4 else "ais"
    text = form + ending if form else ("pouvez" if you.person == 4 else "peux")
    like = [Word("like")] if word == "would like" else []
    rest = infinitive(ctx, inner, you, particle="to" if like else "")
    lemma = "vouloir" if like else "pouvoir"
    verb = Mot(text, [operator, *like], lemma)
    hung = Mot("-" + you.pronoun, list(you.pair.en), you.pronoun)
    pair = Pair([operator, *you.pair.en, *like, *rest.en], [verb, hung, *rest.fr])
    if not like and ctx.chance(0.4):
        template = "please1 | s'il1 vous1 plaît1" if ctx.formal else "please1 | s'il1 te1 plaît1"
        pair = pair + aligned(", | ,") + aligned(template)
        if ctx.address is not None:
            pair = aligned(ctx.address.template) + aligned(", | ,") + pair
        return ask(pair)
    return ask(addressed(ctx, pair))


def would_like(ctx: Context) -> Pair:
    """`I would like some water` / `Je voudrais de l'eau`."""
    subject = random_subject(ctx, 0.85)
    if ctx.chance(0.5):
        frame = Frame(
            Verb("like", "vouloir"), "{obj food,food_mass,drink_mass,thing,clothes}", frozenset()
        )
        vp = build(ctx, frame, None)
    else:
        vp = verb_phrase(Verb("like", "vouloir"))
        vp.add(infinitive(ctx, inner_phrase(ctx, subject), subject))
    pair = clause(ctx, subject, vp, "would")
    if ctx.chance(0.2) and subject.person == 0:
        pair = pair + aligned(", | ,") + aligned("please1 | s'il1 te1 plaît1")
    return say(pair)


# Commands


def command(ctx: Context) -> Pair:
    """`Give me the key!` / `Donne-moi la clé !`, `Don't look at him` / `Ne le regarde pas`."""
    choose_address(ctx, 0.35)
    person = 4 if ctx.formal else ctx.rng.choices((1, 3), (5, 1))[0] if ctx.address is None else 1
    subject = you_subject(ctx) if person != 3 else pronoun_subject(3)
    kind = ctx.rng.choices(("clitic", "thing", "plain", "reflexive", "give"), (5, 5, 2, 2, 3))[0]
    negation = ctx.rng.choices(("", "not", "never"), (7, 3, 0.3))[0]
    vp = _command_phrase(ctx, kind, subject, bool(negation))
    if vp is None:
        return command(ctx)
    negation = "not" if negation and person == 3 else negation
    pair = imperative(ctx, vp, person, negation=negation)
    if not negation and ctx.chance(0.15) and person != 3:
        pair = pair + aligned(", | ,")
        pair = pair + aligned(
            "please1 | s'il1 vous1 plaît1" if person == 4 else "please1 | s'il1 te1 plaît1"
        )
        if person == 4:
            assert ctx.address is not None
            pair = aligned(ctx.address.template) + aligned(", | ,") + pair
        return say(pair)
    pair = addressed(ctx, pair, command=True)
    return exclaim(pair) if ctx.chance(0.45) else say(pair)


def _command_phrase(
    ctx: Context, kind: str, subject: NounPhrase, negated: bool
) -> VerbPhrase | None:
    if kind == "clitic":
        frame, direct = person_frame(ctx)
        if "h" not in frame.flags:
            return None
        people = ((2, "m"), (2, "f"), (5, "m")) + (
            () if subject.person == 3 else ((0, "m"), (0, "m"), (3, "m"))
        )
        person, gender = ctx.pick(people)
        return with_pronoun(frame.verb, person, gender, direct=direct)
    section = {"thing": "thing", "plain": "intransitive_tail", "reflexive": "reflexive"}.get(
        kind, "give"
    )
    frame = ctx.pick([f for f in lexicon.frames(section) if "h" in f.flags])
    vp = build(ctx, frame, subject, negated)
    if kind == "give":
        if subject.person == 3:
            return None
        receiver = ctx.pick(((0, "m"), (0, "m"), (3, "m"), (2, "m"), (2, "f"), (5, "m")))
        word = object_pronoun(*receiver)
        if vp.verb.en == "explain":
            to = Word("to")
            vp.en_tail += [to, word]
            vp.clitics.append(Clitic(clitic_form(*receiver, direct=False), [to, word]))
        else:
            vp.en_tail.insert(0, word)
            vp.clitics.append(Clitic(clitic_form(*receiver, direct=False), [word]))
    return vp


FAMILIES = {
    "subject_clitic_verb": (subject_clitic_verb, 22.0),
    "short_clitic": (short_clitic, 5.0),
    "all_of_you": (all_of_you, 1.2),
    "clitic_question": (clitic_question, 5.0),
    "person_object": (person_object, 5.0),
    "thing_object": (thing_object, 18.0),
    "plain_action": (plain_action, 7.0),
    "reflexive": (reflexive, 4.0),
    "nothing_and_nobody": (nothing_and_nobody, 2.0),
    "giving": (giving, 4.0),
    "topic_clitic": (topic_clitic, 4.0),
    "bought_and_used": (bought_and_used, 2.0),
    "two_clitics": (two_clitics, 3.0),
    "modal_infinitive": (modal_infinitive, 7.0),
    "polite_request": (polite_request, 2.5),
    "would_like": (would_like, 2.0),
    "command": (command, 5.0),
}
