"""Families of to be and to have: descriptions, places, feelings, weather, time, comparison."""

from .. import english, lexicon
from ..complements import (
    addressed,
    choose_address,
    human,
    random_subject,
    thing_noun,
    time_adverb,
)
from ..fragments import Mot, Pair, Word, aligned
from ..grammar import (
    Adverb,
    Context,
    NounPhrase,
    adverb,
    be_form,
    clause,
    definite,
    genitive,
    infinitive,
    name_subject,
    noun_phrase,
    possessive,
    pronoun_subject,
    verb_phrase,
    with_object,
)
from ..lexicon import Adjective, Verb
from .common import ask, exclaim, say
from .places import at_place, city_at, to_place

BE = Verb("be", "être", stative=True)
HAVE = Verb("have", "avoir", stative=True)
DEGREES = ("very | très", "too | trop", "a1 little1 | un1 peu1", "so | si", "really | vraiment")
THINGS = (
    "clothes",
    "thing",
    "vehicle",
    "furniture",
    "reading",
    "opus",
    "building",
    "room",
    "animal",
    "food",
    "place",
    "event",
    "container",
    "street_like",
    "nature_flower",
)


def adjective_pair(adjective: Adjective, subject: NounPhrase) -> Pair:
    """Return a predicate adjective that agrees with its subject."""
    word = Word(adjective.en, adjective.en)
    text = adjective.agree(subject.gender, subject.plural)
    return Pair([word], [Mot(text, [word], adjective.forms[0])])


def described(ctx: Context) -> tuple[NounPhrase, Adjective]:
    """Choose a thing and an adjective that suits it."""
    kind = ctx.pick(THINGS)
    choices = lexicon.adjectives_for(kind, attributive=False)
    while not choices:
        kind = ctx.pick(THINGS)
        choices = lexicon.adjectives_for(kind, attributive=False)
    entry = ctx.common(lexicon.nouns(kind))
    plural = ctx.chance(0.25) and entry.en_plural != entry.en
    det = ctx.pick(("the", "poss", "this"))
    if kind in ("place", "building", "street_like"):
        det = ctx.pick(("the", "this"))
    return noun_phrase(ctx, entry, det, plural=plural), ctx.common(choices)


def be_adjective(ctx: Context) -> Pair:
    """`The red car is too expensive` / `La voiture rouge est trop chère`."""
    choose_address(ctx, 0.08)
    if ctx.chance(0.55):
        subject = random_subject(ctx, 0.7, you=1.6)
        adjective = ctx.common(
            lexicon.adjectives_for("person", attributive=False)
            + lexicon.adjectives_for("feeling", attributive=False)
        )
        if adjective.en == "good":
            return be_adjective(ctx)
        if adjective.en in ("French", "English", "Italian", "German", "Spanish", "American"):
            return say(addressed(ctx, be_clause(ctx, subject, adjective_pair(adjective, subject))))
    else:
        subject, adjective = described(ctx)
    tail = adjective_pair(adjective, subject)
    absolute = adjective.en in (
        "open",
        "closed",
        "broken",
        "ready",
        "free",
        "alone",
        "delicious",
        "modern",
        "empty",
        "full",
        "simple",
        "black",
        "red",
        "blue",
        "green",
        "white",
        "yellow",
        "grey",
        "pink",
        "French",
        "English",
        "Italian",
        "German",
        "Spanish",
        "American",
        "sure",
        "famous",
    )
    degree = ctx.pick(DEGREES) if not absolute and ctx.chance(0.4) else ""
    tail = aligned(degree) + tail if degree else tail
    question = ctx.chance(0.2) and subject.person != 0
    pair = addressed(ctx, be_clause(ctx, subject, tail, question, degree in ("", *DEGREES[:2])))
    return ask(pair) if question else say(pair)


def be_clause(
    ctx: Context, subject: NounPhrase, tail: Pair, question: bool = False, deniable: bool = True
) -> Pair:
    """Say that a subject is, was or will be something."""
    tense = ctx.rng.choices(("pres", "past", "will"), (6, 2.5, 0 if question else 0.8))[0]
    adverbs: list[Adverb] = []
    lemmas = {mot.lemma for mot in tail.fr}
    passing = not lemmas.isdisjoint(a.forms[0] for a in lexicon.adjectives_for("feeling", False))
    negation = ctx.rng.choices(("", "not"), (8, 1.8))[0]
    if question or not deniable:
        negation = ""
    if question:
        pass
    elif not negation and ctx.chance(0.2):
        if tense == "past" and passing:
            adverbs = [
                time_adverb(
                    ctx.pick(
                        (
                            "yesterday | hier",
                            "last1 night2 | hier1 soir2",
                            "this1 morning2 | ce1 matin2",
                            "at1 that2 time3 | à1 cette2 époque3",
                        )
                    )
                )
            ]
        elif tense == "pres" and passing:
            adverbs = [
                adverb(
                    ctx.pick(
                        (
                            "always | toujours",
                            "often | souvent",
                            "still | encore",
                            "sometimes | parfois",
                        )
                    )
                )
            ]
    vp = verb_phrase(BE).add(tail)
    return clause(ctx, subject, vp, tense, negation=negation, adverbs=adverbs, question=question)


def profession(ctx: Context) -> Pair:
    """`She is a doctor` / `Elle est médecin`: no article in French."""
    subject = random_subject(ctx, 0.6)
    while subject.plural:
        subject = random_subject(ctx, 0.6)
    en, fr = ctx.common(lexicon.names("professions")).split(" = ")
    masculine, feminine = fr.split()
    article, word = Word("a"), Word(en, en)
    job = Pair(
        [article, word],
        [Mot(feminine if subject.gender == "f" else masculine, [article, word], masculine)],
    )
    verb = ctx.rng.choices((BE, Verb("become", "devenir")), (4, 1))[0]
    tense = (
        ctx.pick(("pres", "past", "pres")) if verb is BE else ctx.pick(("past", "will", "going"))
    )
    vp = verb_phrase(verb).add(job)
    question = ctx.chance(0.2) and subject.person != 0
    negation = "not" if ctx.chance(0.15) and not question else ""
    if ctx.chance(0.25) and not question and verb is not BE:
        adjuncts = [
            time_adverb(ctx.common(lexicon.phrases("past" if tense == "past" else "future")))
        ]
    else:
        adjuncts = []
    pair = clause(ctx, subject, vp, tense, question=question, negation=negation, adverbs=adjuncts)
    return ask(pair) if question else say(pair)


def wants_to_be(ctx: Context) -> Pair:
    """`My sister wants to become a teacher` / `Ma sœur veut devenir professeure`."""
    subject = random_subject(ctx, 0.5)
    while subject.plural:
        subject = random_subject(ctx, 0.5)
    en, fr = ctx.common(lexicon.names("professions")).split(" = ")
    masculine, feminine = fr.split()
    article, word = Word("a"), Word(en, en)
    inner = verb_phrase(Verb("become", "devenir"))
    inner.add(
        Pair(
            [article, word],
            [Mot(feminine if subject.gender == "f" else masculine, [article, word], masculine)],
        )
    )
    vp = verb_phrase(Verb("want", "vouloir", True)).add(infinitive(ctx, inner, subject))
    return say(clause(ctx, subject, vp, ctx.pick(("pres", "pres", "past"))))


HAVING = (
    "hungry0 | faim0",
    "thirsty0 | soif0",
    "cold0 | froid0",
    "hot0 | chaud0",
    "sleepy0 | sommeil0",
    "right0 | raison0",
    "wrong0 | tort0",
    "scared0 | peur0",
    "lucky0 | de0 la0 chance0",
    "very1 hungry0 | très1 faim0",
    "very1 thirsty0 | très1 soif0",
    "very1 cold0 | très1 froid0",
    "ashamed0 | honte0",
    "very1 scared0 | très1 peur0",
    "very1 hot0 | très1 chaud0",
)


def having_feelings(ctx: Context) -> Pair:
    """`I am hungry` / `J'ai faim`."""
    choose_address(ctx, 0.1)
    subject = random_subject(ctx, 0.75, you=1.5)
    template = ctx.common(HAVING)
    vp = verb_phrase(Verb("be", "avoir", True))
    tail = aligned(template.replace("0", "9"), vp.head)
    state = [w for w in tail.en if w.text != "very"]
    for mot in tail.fr:
        mot.links = [w for w in tail.en if w.text == "very"] if mot.text == "très" else list(state)
    negative = ctx.chance(0.18) and "very" not in template
    if negative and template.startswith("lucky"):
        tail.fr = [Mot("de", list(state)), tail.fr[-1]]
    vp.add(tail)
    question = ctx.chance(0.2) and subject.person != 0 and not negative
    adverbs = []
    if not question and not negative and ctx.chance(0.25):
        adverbs = [adverb(ctx.pick(("always | toujours", "often | souvent", "still | encore")))]
    tense = ctx.pick(("pres", "pres", "pres", "past"))
    pair = addressed(
        ctx,
        clause(
            ctx,
            subject,
            vp,
            tense,
            negation="not" if negative else "",
            question=question,
            adverbs=adverbs,
        ),
    )
    return ask(pair) if question else say(pair)


ADULTS = frozenset(
    noun.en
    for kind in ("family", "person")
    for noun in lexicon.nouns(kind)
    if noun.en
    not in ("son", "daughter", "child", "boy", "baby", "brother", "sister", "cousin", "friend")
)


def age(ctx: Context) -> Pair:
    """`My brother is ten years old` / `Mon frère a dix ans`."""
    subject = random_subject(ctx, 0.5)
    vp = verb_phrase(Verb("be", "avoir", True))
    years = aligned("years1 old1 | ans1") if ctx.chance(0.8) else Pair()
    adult = not subject.pronoun and subject.pair.en[-1].lemma in ADULTS
    numbers = ctx.pick(lexicon.names("numbers")[12:16] if adult else lexicon.names("numbers")[:16])
    count = aligned(numbers.replace(" = ", " | "))
    if not years.en:
        years = Pair([], [Mot("ans", list(count.en), "an")])
    vp.add(count + years)
    return say(clause(ctx, subject, vp, ctx.pick(("pres", "pres", "pres", "past", "will"))))


def be_somewhere(ctx: Context) -> Pair:
    """`Your keys are on the table` / `Tes clés sont sur la table`."""
    choose_address(ctx, 0.05)
    if ctx.chance(0.5):
        subject = random_subject(ctx, 0.6)
        place = at_place(ctx)
    else:
        entry = thing_noun(ctx, "thing,clothes,reading,pet")
        plural = ctx.chance(0.3) and entry.en_plural != entry.en
        subject = noun_phrase(ctx, entry, ctx.pick(("the", "poss")), plural=plural)
        place = thing_place(ctx)
    question = ctx.chance(0.2) and subject.person != 0
    vp = verb_phrase(BE).add(place)
    tense = ctx.pick(("pres", "pres", "past"))
    negation = "not" if ctx.chance(0.18) and not question else ""
    pair = addressed(ctx, clause(ctx, subject, vp, tense, negation=negation, question=question))
    return ask(pair) if question else say(pair)


PLACING = (
    ("on | sur", "furniture_top"),
    ("under | sous", "furniture_top"),
    ("in | dans", "container_in"),
    ("in | dans", "room"),
    ("behind | derrière", "houseparts_near"),
    ("in front of | devant", "houseparts_near"),
    ("near1 | près1 de1", "houseparts_near"),
    ("next to1 | à1 côté1 de1", "furniture_top"),
    ("in | dans", "room"),
)


def thing_place(ctx: Context) -> Pair:
    """Return on the table, in the kitchen, behind the door..."""
    preposition, kind = ctx.pick(PLACING)
    template = {
        "in front of | devant": "in1 front1 of1 | devant1",
        "next to1 | à1 côté1 de1": "next1 to1 | à1 côté1 de1",
    }.get(preposition, preposition)
    entry = ctx.common(lexicon.nouns(kind))
    det = "poss" if kind == "container_in" and ctx.chance(0.5) else "the"
    return aligned(template) + noun_phrase(ctx, entry, det).pair


def there_is(ctx: Context) -> Pair:
    """`There are three books on the table` / `Il y a trois livres sur la table`."""
    tense = ctx.rng.choices(("pres", "past"), (4, 1))[0]
    negated = ctx.chance(0.2)
    small = ctx.chance(0.6)
    kinds = "thing,food,clothes,reading,pet" if small else "shop_like,place,person"
    entry = thing_noun(ctx, kinds)
    plural = ctx.chance(0.5)
    if negated:
        det = "some" if plural else "a"
    else:
        det = ctx.pick(("num", "some", "many")) if plural else ctx.pick(("a", "a", "another"))
    adjectives = [a for a in lexicon.adjectives_for(entry.kind) if a.place == "after"]
    adjective = ctx.common(adjectives) if adjectives and ctx.chance(0.2) else None
    thing = noun_phrase(ctx, entry, det, plural=plural, adjective=adjective, negated=negated)
    place = (
        thing_place(ctx)
        if small
        else aligned("in1 | dans1")
        + noun_phrase(ctx, ctx.common(lexicon.nouns("town")), ctx.pick(("the", "this"))).pair
    )
    there, be = Word("there"), Word(be_form(5 if plural else 2, tense == "past"), "be")
    marks = [Word("n't", "not", True) if ctx.contractions else Word("not")] if negated else []
    verb = Mot("avait" if tense == "past" else "a", [be], "avoir")
    question = not negated and ctx.chance(0.2)
    if question:
        en = [be, there, *thing.pair.en, *place.en]
        ask_fr = [Mot("est", [be]), Mot("-ce", [be]), Mot("que", [be])]
        fr = [*ask_fr, Mot("il", [there]), Mot("y", [there]), verb, *thing.pair.fr, *place.fr]
        return ask(Pair(en, fr))
    ne = [Mot("ne", list(marks))] if negated else []
    pas = [Mot("pas", list(marks))] if negated else []
    fr = [Mot("il", [there]), *ne, Mot("y", [there]), verb, *pas, *thing.pair.fr, *place.fr]
    return say(Pair([there, be, *marks, *thing.pair.en, *place.en], fr))


def presenting(ctx: Context) -> Pair:
    """`This is my brother` / `C'est mon frère`; `Here is the key` / `Voici la clé`."""
    plural = ctx.chance(0.25)
    kinds = "family,person,thing,reading,vehicle,animal,clothes"
    entry = thing_noun(ctx, kinds)
    plural = plural and entry.en_plural != entry.en
    choices = lexicon.adjectives_for(entry.kind)
    adjective = ctx.common(choices) if choices and ctx.chance(0.25) else None
    det = "poss" if entry.kind == "family" else ctx.pick(("the", "poss", "poss"))
    if entry.kind != "family" and ctx.chance(0.35):
        det = "some" if plural else "a"
    thing = noun_phrase(ctx, entry, det, plural=plural, adjective=adjective)
    if ctx.chance(0.35) and det not in ("a", "some"):
        start = aligned("here1 are1 | voici1" if plural else "here1 is1 | voici1")
        return say(start + thing.pair)
    first = Word(ctx.pick(("these", "those")) if plural else ctx.pick(("this", "that", "it")))
    be = Word("are" if plural else "is", "be")
    verb = "sont" if plural else "est"
    if ctx.chance(0.18) and det not in ("a", "some"):
        nots = [Word("n't", "not", True) if ctx.contractions else Word("not")]
        fr = [
            Mot("ce", [first]),
            Mot("ne", list(nots)),
            Mot(verb, [be], "être"),
            Mot("pas", list(nots)),
        ]
        return say(Pair([first, be, *nots, *thing.pair.en], fr + thing.pair.fr))
    if ctx.chance(0.2):
        fr = [Mot("est", [be], "être"), Mot("-ce", [be]), Mot("que", [be])]
        fr += [Mot("ce", [first]), Mot(verb, [be], "être")]
        return ask(Pair([be, first, *thing.pair.en], fr + thing.pair.fr))
    fr = [Mot("ce", [first], "ce"), Mot(verb, [be], "être")]
    return say(Pair([first, be, *thing.pair.en], fr + thing.pair.fr))


def belonging(ctx: Context) -> Pair:
    """`Paul's car is red` / `La voiture de Paul est rouge`."""
    owner = (
        name_subject(ctx)
        if ctx.chance(0.6)
        else noun_phrase(ctx, ctx.common(lexicon.nouns("family")), "poss")
    )
    kind = ctx.pick(("vehicle", "clothes", "thing", "animal", "building_own", "family_plain"))
    entry = ctx.common(lexicon.nouns(kind))
    thing = genitive(
        owner, entry, plural=ctx.chance(0.25) and kind not in ("family_plain", "building_own")
    )
    mapped = {"building_own": "building", "family_plain": "person"}.get(kind, kind)
    choices = lexicon.adjectives_for(mapped, attributive=False)
    tail = adjective_pair(ctx.common(choices), thing)
    return say(be_clause(ctx, thing, tail, question=False))


WEATHER = (
    "it1 is2 cold3 | il1 fait2 froid3",
    "it1 is2 hot3 | il1 fait2 chaud3",
    "the1 weather1 is2 nice3 | il1 fait2 beau3",
    "the1 weather1 is2 bad3 | il1 fait2 mauvais3",
    "it1 is2 raining3 | il1 pleut23",
    "it1 is2 snowing3 | il1 neige23",
    "it1 is2 windy3 | il1 y1 a2 du3 vent3",
    "it1 is2 foggy3 | il1 y1 a2 du3 brouillard3",
    "it1 was2 cold3 | il1 faisait2 froid3",
    "it1 was2 hot3 | il1 faisait2 chaud3",
    "it1 was2 raining3 | il1 pleuvait23",
    "it1 was2 snowing3 | il1 neigeait23",
    "it1 rained3 | il1 a3 plu3",
    "it1 snowed3 | il1 a3 neigé3",
    "it1 will2 rain3 | il1 pleuvra23",
    "it1 will2 be2 cold3 | il1 fera2 froid3",
    "it1 will2 be2 hot3 | il1 fera2 chaud3",
    "it1 is2 going2 to2 rain3 | il1 va2 pleuvoir3",
    "it1 is2 going2 to2 snow3 | il1 va2 neiger3",
    "it1 often4 rains3 | il1 pleut3 souvent4",
    "it1 is2 very4 cold3 | il1 fait2 très4 froid3",
    "it1 is2 too4 hot3 | il1 fait2 trop4 chaud3",
    "it1 will2 snow3 | il1 neigera23",
    "the1 sun2 is3 shining3 | le1 soleil2 brille3",
)


def weather(ctx: Context) -> Pair:
    """`It is raining in Paris` / `Il pleut à Paris`."""
    template = ctx.pick(WEATHER)
    pair = aligned(template)
    english_words = template.split("|")[0]
    place = city_at(ctx) if ctx.chance(0.55) else Pair()
    section = "now"
    if "was" in english_words or "rained" in english_words or "snowed" in english_words:
        section = "past_day"
    elif "will" in english_words or "going" in english_words:
        section = "future_day"
    elif "often" in english_words:
        section = "seasonal"
    else:
        section = "today"
    when = aligned(ctx.pick(lexicon.phrases(section))) if ctx.chance(0.65) else Pair()
    return say(pair + place + when)


def clock(ctx: Context) -> Pair:
    """`The train leaves at half past eight` / `Le train part à huit heures et demie`."""
    if ctx.chance(0.3):
        it, be = Word("it"), Word("is", "be")
        if ctx.contractions:
            be.text, be.glue, be.lemma = "'s", True, "be"
        start = Pair([it, be], [Mot("il", [it]), Mot("est", [be], "être")])
        return say(start + time_of_day(ctx))
    time = aligned("at | à") + time_of_day(ctx)
    if ctx.chance(0.4):
        opening = {
            "shop": "magasin",
            "museum": "musée",
            "bank": "banque",
            "post office": "poste",
            "library": "bibliothèque",
            "restaurant": "restaurant",
            "bakery": "boulangerie",
        }
        entry = lexicon.noun(ctx.pick(sorted(opening)))
        verb = ctx.pick((Verb("open", "ouvrir"), Verb("close", "fermer")))
        subject = noun_phrase(ctx, entry, "the")
    elif ctx.chance(0.5):
        subject = noun_phrase(
            ctx, ctx.pick(lexicon.nouns("vehicle_line")), ctx.pick(("the", "poss", "this"))
        )
        verb = ctx.pick((Verb("leave", "partir"), Verb("arrive", "arriver")))
    else:
        subject = random_subject(ctx, 0.8)
        verb = ctx.pick(
            (
                Verb("get up", "se lever"),
                Verb("arrive", "arriver"),
                Verb("go to bed", "se coucher"),
                Verb("leave", "partir"),
                Verb("wake up", "se réveiller"),
                Verb("come back", "revenir"),
            )
        )
    vp = verb_phrase(verb).add(time)
    tense = ctx.rng.choices(("pres", "past", "will", "going"), (5, 3, 2, 1))[0]
    section = {"pres": "habit", "past": "past", "will": "future", "going": "future"}[tense]
    when = [
        time_adverb(
            ctx.pick([p for p in lexicon.phrases(section) if "ago" not in p and "hour" not in p])
        )
    ]
    return say(clause(ctx, subject, vp, tense, adverbs=when if ctx.chance(0.2) else []))


HOURS = (
    "one | une",
    "two | deux",
    "three | trois",
    "four | quatre",
    "five | cinq",
    "six | six",
    "seven | sept",
    "eight | huit",
    "nine | neuf",
    "ten | dix",
    "eleven | onze",
)


def time_of_day(ctx: Context) -> Pair:
    """Return eight o'clock, half past nine, a quarter to two, noon..."""
    if ctx.chance(0.08):
        return aligned(ctx.pick(("noon | midi", "midnight | minuit")))
    en, fr = ctx.pick(HOURS).split(" | ")
    unit = "heure" if en == "one" else "heures"
    return aligned(
        ctx.pick(
            (
                f"{en}1 o'clock2 | {fr}1 {unit}2",
                f"half2 past3 {en}1 | {fr}1 {unit}1 et3 demie2",
                f"a2 quarter2 past3 {en}1 | {fr}1 {unit}1 et3 quart2",
                f"a2 quarter2 to3 {en}1 | {fr}1 {unit}1 moins3 le2 quart2",
                f"ten2 past3 {en}1 | {fr}1 {unit}1 dix23",
                f"twenty2 to3 {en}1 | {fr}1 {unit}1 moins3 vingt2",
            )
        )
    )


def date(ctx: Context) -> Pair:
    """`My birthday is on 3 May` / `Mon anniversaire est le 3 mai`."""
    month_en, month_fr = ctx.pick(lexicon.names("months")).split(" = ")
    day = ctx.rng.randrange(2, 29)
    number_word, month = Word(str(day), "0"), Word(month_en, month_en)
    on = Word("on")
    event = ctx.pick(
        (
            "birthday1 | anniversaire1",
            "exam1 | examen1",
            "wedding1 | mariage1",
            "interview1 | entretien1",
        )
    )
    noun_pair = aligned(event)
    if ctx.chance(0.5):
        name = name_subject(ctx)
        mark = Word("'s", glue=True)
        subject = NounPhrase(
            Pair(
                [*name.pair.en, mark, *noun_pair.en],
                [definite([mark], "m", False), *noun_pair.fr, Mot("de", [mark]), *name.pair.fr],
            ),
            2,
        )
    else:
        owner, person = ctx.pick((("my", 0), ("your", 1), ("his", 2), ("her", 2)))
        subject = NounPhrase(possessive(owner, person, "m", False) + noun_pair, 2)
    tail = Pair(
        [on, number_word, month],
        [Mot("le", [on]), Mot(str(day), [number_word], "0"), Mot(month_fr, [month])],
    )
    tail.fr[0].text = "le"
    return say(clause(ctx, subject, verb_phrase(BE).add(tail), "pres"))


def comparison(ctx: Context) -> Pair:
    """`My brother is taller than me` / `Mon frère est plus grand que moi`."""
    people = ctx.chance(0.65)
    if people:
        subject = random_subject(ctx, 0.5)
        choices = lexicon.adjectives_for("family", attributive=False)
        choices = tuple(a for a in choices if a.en not in ("tired", "ill"))
        other = ctx.rng.choices(("pronoun", "name", "noun"), (3, 2, 2))[0]
        if other == "pronoun":
            options = [
                p
                for p in (0, 1, 2, 3, 5)
                if p != subject.person and not (p in (0, 3) and subject.person in (0, 3))
            ]
            person = ctx.pick(options)
            word = Word(("me", "you", "him", "us", "you", "them")[person])
            second = Pair(
                [word], [Mot(("moi", "toi", "lui", "nous", "vous", "eux")[person], [word])]
            )
        else:
            second = (name_subject(ctx) if other == "name" else human(ctx)).pair
            if second.en[-1].text == subject.pair.en[-1].text:
                return comparison(ctx)
    else:
        subject, _ = described(ctx)
        kind = lexicon.noun(subject.pair.en[-1].lemma).kind
        choices = lexicon.adjectives_for(kind, attributive=False)
        choices = tuple(a for a in choices if a.short or a.en in COMPARABLE)
        second = noun_phrase(
            ctx,
            ctx.common(lexicon.nouns(kind)),
            ctx.pick(("this", "poss")),
            plural=subject.person == 5,
        ).pair
        if not choices or second.en[-1].text == subject.pair.en[-1].text:
            return comparison(ctx)
    adjective = ctx.common(choices)
    tail = compared(ctx, adjective, subject) + second
    negation = "not" if ctx.chance(0.15) else ""
    tense = ctx.pick(("pres", "pres", "past"))
    return say(clause(ctx, subject, verb_phrase(BE).add(tail), tense, negation=negation))


COMPARABLE = (
    "expensive",
    "interesting",
    "difficult",
    "important",
    "modern",
    "comfortable",
    "useful",
    "dangerous",
    "famous",
    "beautiful",
)


def compared(ctx: Context, adjective: Adjective, subject: NounPhrase) -> Pair:
    """Return taller than / plus grand que, as tall as / aussi grand que, less ... than."""
    base = adjective_pair(adjective, subject)
    how = ctx.rng.choices(("more", "as", "less"), (5, 3, 1.2))[0]
    if how == "as":
        return aligned("as | aussi") + base + aligned("as | que")
    if how == "less":
        return aligned("less | moins") + base + aligned("than | que")
    if adjective.short:
        word = base.en[0]
        word.text = english.comparative(adjective.en)
        if adjective.en == "good":
            mot = base.fr[0]
            mot.text = {
                "bon": "meilleur",
                "bonne": "meilleure",
                "bons": "meilleurs",
                "bonnes": "meilleures",
            }[mot.text]
            return base + aligned("than | que")
        return Pair(base.en, [Mot("plus", [word]), *base.fr]) + aligned("than | que")
    return aligned("more | plus") + base + aligned("than | que")


def superlative(ctx: Context) -> Pair:
    """`It is the best restaurant in the city` / `C'est le meilleur restaurant de la ville`."""
    table = (
        ("the best {n}", "meilleur", "before"),
        ("the most expensive {n}", "cher", "after"),
        ("the most beautiful {n}", "beau", "before"),
        ("the biggest {n}", "grand", "before"),
        ("the oldest {n}", "vieux", "before"),
        ("the smallest {n}", "petit", "before"),
    )
    english_side, lemma, place = ctx.pick(table)
    entry = ctx.common(lexicon.nouns(ctx.pick(("place", "shop_like", "building"))))
    feminine = {
        "meilleur": "meilleure",
        "cher": "chère",
        "beau": "belle",
        "grand": "grande",
        "vieux": "vieille",
        "petit": "petite",
    }[lemma]
    if entry.en in ("city", "village", "office", "flat"):
        return superlative(ctx)
    words = [Word(w) for w in english_side.split()[:-1]]
    the, degree = words[0], words[1:]
    noun = noun_phrase(ctx, entry, "none").pair
    text = feminine if entry.gender == "f" else lemma
    liaison = {"beau": "bel", "vieux": "vieil"}.get(text, "")
    adjective = [Mot(text, degree[-1:], lemma, before_vowel=liaison)]
    plus = [] if lemma == "meilleur" else [Mot("plus", degree[:1])]
    le = definite([the], entry.gender, False)
    again = Mot(le.text, [the], "le")
    fr = (
        [le, *plus, *adjective, *noun.fr]
        if place == "before"
        else [le, *noun.fr, again, *plus, *adjective]
    )
    where = noun_phrase(ctx, ctx.pick(lexicon.nouns("town")), "the").pair
    in_word = Word("in")
    if ctx.chance(0.5):
        start = Pair([Word("it"), Word("is", "be")])
        if ctx.contractions:
            start.en[1].text, start.en[1].glue = "'s", True
        start.fr = [Mot("ce", start.en[:1], "ce"), Mot("est", start.en[1:], "être")]
    else:
        start = Pair([Word("this"), Word("is", "be")])
        start.fr = [Mot("ce", start.en[:1], "ce"), Mot("est", start.en[1:], "être")]
    return say(
        start
        + Pair([the, *degree, *noun.en], fr)
        + Pair([in_word, *where.en], [Mot("de", [in_word]), *where.fr])
    )


def hurting(ctx: Context) -> Pair:
    """`My head hurts` / `J'ai mal à la tête`."""
    person = ctx.pick((0, 0, 1, 2, 3))
    entry = ctx.pick([n for n in lexicon.nouns("body") if n.en not in ("hair", "face", "mouth")])
    en, fr_subject = ("my", "your", "his", "our")[person], ("je", "tu", "il", "nous")[person]
    feminine = person == 2 and ctx.chance(0.5)
    if feminine:
        en, fr_subject = "her", "elle"
    plural = entry.en in (
        "foot",
        "eye",
        "leg",
        "tooth",
        "knee",
        "ear",
        "finger",
        "shoulder",
    ) and ctx.chance(0.5)
    owner = Word(en)
    noun = noun_phrase(ctx, entry, "none", plural=plural).pair
    past = ctx.chance(0.2)
    hurt = Word("hurt" if plural or past else "hurts", "hurt")
    forms = {0: "ai", 1: "as", 2: "a", 3: "avons"}
    if past:
        return hurting(ctx)
    when = ctx.pick(
        (
            Pair(),
            Pair(),
            aligned("today | aujourd'hui"),
            aligned("this1 morning2 | ce1 matin2"),
            aligned("a1 lot1 | beaucoup1"),
            aligned("this1 evening2 | ce1 soir2"),
        )
    )
    if when.fr and when.fr[0].text == "beaucoup":
        when = Pair()
    fr = [
        Mot(fr_subject, [owner]),
        Mot(forms[person], [hurt], "avoir"),
        Mot("mal", [hurt]),
        Mot("à", [hurt]),
        definite([owner], entry.gender, plural),
        *noun.fr,
    ]
    return say(Pair([owner, *noun.en, hurt], fr) + when)


def looks(ctx: Context) -> Pair:
    """`She has blue eyes` / `Elle a les yeux bleus`."""
    subject = random_subject(ctx, 0.6)
    feature = ctx.pick(
        (
            "blue1 eyes2 | les2 yeux2 bleus1",
            "green1 eyes2 | les2 yeux2 verts1",
            "black1 eyes2 | les2 yeux2 noirs1",
            "long1 hair2 | les2 cheveux2 longs1",
            "short1 hair2 | les2 cheveux2 courts1",
            "black1 hair2 | les2 cheveux2 noirs1",
            "grey1 hair2 | les2 cheveux2 gris1",
            "white1 hair2 | les2 cheveux2 blancs1",
            "red1 cheeks2 | les2 joues2 rouges1",
            "cold1 hands2 | les2 mains2 froides1",
            "cold1 feet2 | les2 pieds2 froids1",
        )
    )
    vp = verb_phrase(HAVE).add(aligned(feature))
    return say(clause(ctx, subject, vp, ctx.pick(("pres", "pres", "past"))))


def liking_because(ctx: Context) -> Pair:
    """`This film is as interesting as the book`... short judgements with `it`."""
    kind = ctx.pick(("work", "reading", "clothes", "place"))
    entry = ctx.common(lexicon.nouns(kind))
    det = ctx.pick(("the", "this"))
    subject = noun_phrase(ctx, entry, det)
    know = Verb("like", "aimer", True) if ctx.chance(0.6) else Verb("prefer", "préférer", True)
    liked = noun_phrase(ctx, entry, det)
    first = clause(ctx, random_subject(ctx, 0.8), with_object(know, liked), "pres")
    it = pronoun_subject(2, subject.gender, neuter=True)
    choices = lexicon.adjectives_for(kind, attributive=False)
    good = [
        a
        for a in choices
        if a.en
        not in (
            "French",
            "English",
            "Italian",
            "German",
            "Spanish",
            "American",
            "French",
            "English",
            "Italian",
            "German",
            "Spanish",
            "American",
            "bad",
            "boring",
            "expensive",
            "noisy",
            "strange",
            "dirty",
            "difficult",
            "closed",
        )
    ]
    reason = clause(
        ctx,
        it,
        verb_phrase(BE).add(aligned("very | très") + adjective_pair(ctx.pick(good), subject)),
        "pres",
    )
    return say(first + aligned("because1 | parce1 que1") + reason)


def city_life(ctx: Context) -> Pair:
    """Living, going and being in cities and countries: à, en, au."""
    subject = random_subject(ctx, 0.75)
    verb, mode = ctx.pick(
        (
            (Verb("live", "habiter", True), "at"),
            (Verb("work", "travailler"), "at"),
            (Verb("go", "aller"), "to"),
            (Verb("be", "être", True), "at"),
            (Verb("travel", "voyager"), "at_country"),
            (Verb("come back", "revenir"), "from"),
            (Verb("arrive", "arriver"), "at"),
            (Verb("stay", "rester"), "at"),
        )
    )
    vp = verb_phrase(verb).add(to_place(ctx, mode))
    tense = ctx.pick(
        ("pres", "past", "pres") if verb.stative else ("pres", "past", "will", "going")
    )
    if verb.fr in ("arriver", "revenir") and tense == "pres":
        tense = "past"
    section = {"past": "past", "will": "future", "going": "future", "pres": "habit"}[tense]
    adverbs = (
        []
        if verb.stative or ctx.chance(0.4)
        else [time_adverb(ctx.common(lexicon.phrases(section)))]
    )
    question = ctx.chance(0.2) and subject.person != 0
    negation = "not" if ctx.chance(0.15) and not adverbs and not question else ""
    pair = clause(ctx, subject, vp, tense, adverbs=adverbs, question=question, negation=negation)
    return ask(pair) if question else say(pair)


def exclamation(ctx: Context) -> Pair:
    """`What a beautiful dress!` / `Quelle belle robe !`"""
    kind = ctx.pick(
        ("clothes", "nature", "building", "animal", "work", "reading", "place", "vehicle")
    )
    entry = ctx.common(lexicon.nouns(kind))
    choices = [a for a in lexicon.adjectives_for(kind) if a.place == "before"]
    adjective = ctx.pick(choices)
    noun = noun_phrase(ctx, entry, "none", adjective=adjective).pair
    words = [Word("what"), Word("a")]
    quel = Mot("quelle" if entry.gender == "f" else "quel", list(words), "quel")
    return exclaim(Pair([*words, *noun.en], [quel, *noun.fr]))


def greeting(ctx: Context) -> Pair:
    """Set expressions, alone or with a name."""
    pair = aligned(ctx.pick(lexicon.phrases("set")))
    if ctx.chance(0.85):
        name = name_subject(ctx).pair
        pair = pair + aligned(", | ,") + name
    if pair.en[0].text == "How" or (pair.en[0].text == "What" and pair.en[1].text != "a"):
        pair.en[0].text = pair.en[0].text
        return ask(_lower_start(pair))
    return exclaim(_lower_start(pair))


def _lower_start(pair: Pair) -> Pair:
    """Store the first word in lower case: capitals are added when the sentence is written."""
    pair.en[0].text = pair.en[0].text[0].lower() + pair.en[0].text[1:]
    pair.fr[0].text = pair.fr[0].text[0].lower() + pair.fr[0].text[1:]
    return pair


FAMILIES = {
    "be_adjective": (be_adjective, 8.0),
    "profession": (profession, 1.8),
    "wants_to_be": (wants_to_be, 0.7),
    "having_feelings": (having_feelings, 2.0),
    "age": (age, 1.0),
    "be_somewhere": (be_somewhere, 3.0),
    "there_is": (there_is, 2.5),
    "presenting": (presenting, 2.0),
    "belonging": (belonging, 2.0),
    "weather": (weather, 1.5),
    "clock": (clock, 2.0),
    "date": (date, 0.8),
    "comparison": (comparison, 3.0),
    "superlative": (superlative, 0.7),
    "hurting": (hurting, 0.5),
    "looks": (looks, 0.7),
    "liking_because": (liking_because, 1.2),
    "city_life": (city_life, 3.5),
    "exclamation": (exclamation, 0.5),
    "greeting": (greeting, 0.6),
}
