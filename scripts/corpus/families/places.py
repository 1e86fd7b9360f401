"""Places with their French prepositions: à, au, en, chez, dans, de."""

from .. import lexicon
from ..complements import human
from ..fragments import Mot, Pair, Word, aligned
from ..grammar import Context, definite, name_subject, noun_phrase

HOME = {"at": "at1 home2 | à1 la1 maison2", "to": "home1 | à1 la1 maison1", "from": ""}


def _country(ctx: Context, mode: str) -> Pair:
    english_side, _, rest = ctx.common(lexicon.names("countries")).partition(" = ")
    name, gender = rest.split()
    preposition = Word({"to": "to", "from": "from"}.get(mode, "in"))
    country = Word(english_side)
    mot = Mot(name, [country])
    if mode == "from":
        fr = [Mot("de", [preposition])]
        fr += [definite([preposition], gender, False)] if gender == "m" else []
    else:
        fr = [Mot("en" if gender == "f" else "au", [preposition])]
    return Pair([preposition, country], [*fr, mot])


def _city(ctx: Context, mode: str) -> Pair:
    english_side, _, name = ctx.common(lexicon.names("cities")).partition(" = ")
    preposition = Word({"to": "to", "from": "from"}.get(mode, "in"))
    words = [Word(part, english_side) for part in english_side.split()]
    mots = [Mot(part, words, name) for part in name.split()]
    return Pair([preposition, *words], [Mot("de" if mode == "from" else "à", [preposition]), *mots])


def city_at(ctx: Context) -> Pair:
    """Return in Paris / à Paris, in Italy / en Italie."""
    return _city(ctx, "at") if ctx.chance(0.65) else _country(ctx, "at")


def to_place(ctx: Context, mode: str) -> Pair:
    """Return a city or country behind in, to or from."""
    if mode == "at_country":
        return _country(ctx, "at")
    return _city(ctx, mode) if ctx.chance(0.55) else _country(ctx, mode)


def town_place(ctx: Context, mode: str) -> Pair:
    """Return at the station / à la gare, to the market / au marché, from school / de l'école."""
    entry = ctx.common(lexicon.nouns("place"))
    preposition = Word(mode)
    fr = Mot("de" if mode == "from" else "à", [preposition])
    if entry.en in ("school", "church"):
        noun = noun_phrase(ctx, entry, "generic").pair
    else:
        noun = noun_phrase(ctx, entry, "the").pair
    return Pair([preposition, *noun.en], [fr, *noun.fr])


def someones_home(ctx: Context, mode: str) -> Pair:
    """Return at Paul's house / chez Paul, to my aunt's house / chez ma tante."""
    owner = name_subject(ctx) if ctx.chance(0.5) else human(ctx, plural=0)
    preposition, mark, house = Word(mode), Word("'s", glue=True), Word("house")
    return Pair(
        [preposition, *owner.pair.en, mark, house],
        [Mot("chez", [preposition, mark, house]), *owner.pair.fr],
    )


def at_place(ctx: Context, mode: str = "at") -> Pair:
    """Return any place to be at or go to."""
    kind = ctx.rng.choices(("town", "home", "someone", "city", "room"), (6, 1.5, 2, 2, 1.5))[0]
    if kind == "town":
        return town_place(ctx, mode)
    if kind == "someone" and mode != "from":
        return someones_home(ctx, mode)
    if kind == "home" and mode != "from":
        return aligned(HOME[mode])
    if kind == "room" and mode == "at":
        return aligned("in | dans") + noun_phrase(ctx, ctx.pick(lexicon.nouns("room")), "the").pair
    return to_place(ctx, mode)
