"""The bilingual lexicon as typed entries, read once from the text tables of `lexicon/`."""

from dataclasses import dataclass
from functools import cache

from . import english, french
from .tables import read_sections, read_table

UNCOUNTABLE = "_mass"
ADJECTIVE_KINDS = {"pet": "animal", "opus": "work", "person_kin": "person"}


@dataclass(frozen=True)
class Noun:
    """A noun with both plurals and the French gender."""

    en: str
    en_plural: str
    fr: str
    fr_plural: str
    gender: str
    kind: str

    @property
    def mass(self) -> bool:
        """Say whether the noun is uncountable."""
        return self.kind.endswith(UNCOUNTABLE)


@dataclass(frozen=True)
class Adjective:
    """An adjective: its four French forms, its place, and the noun classes it may describe."""

    en: str
    forms: tuple[str, str, str, str]
    before_vowel: str
    place: str
    kinds: tuple[str, ...]
    short: bool

    def agree(self, gender: str, plural: bool) -> str:
        """Return the French form for a gender and number."""
        return self.forms[2 * plural + (gender == "f")]


@dataclass(frozen=True)
class Verb:
    """A verb pair. `en` may hold a particle: `look for`, or, placed after a pronoun, `turn~off`."""

    en: str
    fr: str
    stative: bool = False

    @property
    def base(self) -> str:
        """Return the English verb without its particles."""
        return self.en.replace("~", " ").split()[0]

    @property
    def particles(self) -> list[str]:
        """Return the English particles: for, at, up..."""
        return self.en.replace("~", " ").split()[1:]

    @property
    def separable(self) -> bool:
        """Say whether a pronoun comes before the particle: `turn it off`."""
        return "~" in self.en

    @property
    def reflexive(self) -> bool:
        """Say whether the French verb is reflexive."""
        return self.fr.startswith(("se ", "s'"))

    @property
    def infinitive(self) -> str:
        """Return the French infinitive without its reflexive pronoun."""
        return self.fr.removeprefix("se ").removeprefix("s'")


@dataclass(frozen=True)
class Frame:
    """A verb with its complements: `tail` is an aligned template whose slots name noun classes."""

    verb: Verb
    tail: str
    flags: frozenset[str]


def _noun(line: str, kind: str) -> Noun:
    english_side, french_side = (side.strip() for side in line.split(" = "))
    en, _, en_plural = english_side.partition("/")
    forms, gender = french_side.rsplit(" ", 1)
    fr, _, fr_plural = forms.partition("/")
    return Noun(
        en,
        en_plural or (en + "s" if en.endswith("o") else english.third_person(en)),
        fr,
        fr_plural or french.pluralise(fr),
        gender,
        kind,
    )


@cache
def nouns(kind: str) -> tuple[Noun, ...]:
    """Return the nouns of a class, the commonest first."""
    return tuple(_noun(line, kind) for line in read_sections("nouns.txt")[kind])


@cache
def noun(en: str) -> Noun:
    """Return the noun with this English singular."""
    for kind in read_sections("nouns.txt"):
        for entry in nouns(kind):
            if entry.en == en:
                return entry
    raise KeyError(en)


def _adjective(row: list[str]) -> Adjective:
    en, _, french_side = (part.strip() for part in row[0].partition(" = "))
    masculine, *others = french_side.split()
    singular, _, plural = masculine.partition("/")
    feminine = others[0] if others else french.feminine(singular)
    forms = (singular, feminine, plural or french.pluralise(singular), feminine + "s")
    short = len(row) > 3 and row[3] == "er"
    return Adjective(
        en, forms, others[1] if len(others) > 1 else "", row[1], tuple(row[2].split()), short
    )


@cache
def adjectives() -> tuple[Adjective, ...]:
    """Return every adjective."""
    return tuple(_adjective(row) for row in read_table("adjectives.txt"))


@cache
def adjectives_for(kind: str, attributive: bool = True) -> tuple[Adjective, ...]:
    """Return the adjectives that suit a noun class, next to the noun or after `be`."""
    kind = ADJECTIVE_KINDS.get(kind, kind)
    return tuple(
        entry
        for entry in adjectives()
        if kind in entry.kinds and not (attributive and entry.place == "none")
    )


@cache
def names(section: str) -> tuple[str, ...]:
    """Return the lines of a section of the table of names."""
    return tuple(read_sections("names.txt")[section])


@cache
def frames(section: str) -> tuple[Frame, ...]:
    """Return the verb frames of a section."""
    rows = [
        [cell.strip() for cell in line.split("|")] for line in read_sections("frames.txt")[section]
    ]
    result = []
    for row in rows:
        flags = frozenset(row[3].split()) if len(row) > 3 else frozenset[str]()
        verb = Verb(row[0], row[1], "stative" in flags)
        result.append(Frame(verb, row[2] if len(row) > 2 else "", flags))
    return tuple(result)


@cache
def phrases(section: str) -> tuple[str, ...]:
    """Return the aligned templates of a section of the table of phrases."""
    return tuple(read_sections("phrases.txt")[section])
