"""Phrase builders: noun phrases, verb phrases and clauses, in both languages at once.

Every builder returns aligned words, so that a sentence's alignment is known by construction.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from . import english, french, lexicon
from .fragments import Mot, Pair, Word, aligned
from .lexicon import Adjective, Noun, Verb

T = TypeVar("T")

# Persons 0-5: I, you (tu), he/she, we, you (vous), they.
SUBJECT_EN = ("I", "you", "he", "we", "you", "they")
OBJECT_EN = ("me", "you", "him", "us", "you", "them")
POSSESSIVE_EN = ("my", "your", "his", "our", "your", "their")
SUBJECT_FR = ("je", "tu", "il", "nous", "vous", "ils")
REFLEXIVE_FR = ("me", "te", "se", "nous", "vous", "se")
POSSESSIVE_FR = (
    ("mon", "ma", "mes"),
    ("ton", "ta", "tes"),
    ("son", "sa", "ses"),
    ("notre", "notre", "nos"),
    ("votre", "votre", "vos"),
    ("leur", "leur", "leurs"),
)
ETRE_VERBS = frozenset(
    [
        "aller",
        "venir",
        "revenir",
        "partir",
        "arriver",
        "entrer",
        "rentrer",
        "sortir",
        "monter",
        "descendre",
        "tomber",
        "rester",
        "naître",
        "mourir",
        "devenir",
        "retourner",
    ]
)
CLITIC_RANK = {
    "me": 0,
    "te": 0,
    "se": 0,
    "nous": 0,
    "vous": 0,
    "le": 1,
    "la": 1,
    "les": 1,
    "lui": 2,
    "leur": 2,
    "y": 3,
    "en": 4,
}
FRENCH_TENSE = {
    "pres": "present",
    "prog": "present",
    "past": "pc",
    "perf": "pc",
    "pastprog": "imperfect",
    "used": "imperfect",
    "will": "future",
    "going": "proche",
    "would": "conditional",
    "pluperf": "pluperfect",
}
MODALS = ("can", "must")


@dataclass(frozen=True)
class Address:
    """Who `you` is: `formal` is vous; `pair` is the vocative that shows it."""

    template: str
    formal: bool
    gender: str = "m"
    plural: bool = False


@dataclass
class Context:
    """What one sentence shares: its random generator, its style, its (verb, clitic, tense)s."""

    rng: random.Random
    contractions: bool = True
    address: Address | None = None
    combinations: set[tuple[str, str, str]] = field(default_factory=set)

    def pick(self, items: Sequence[T]) -> T:
        """Choose evenly."""
        return items[self.rng.randrange(len(items))]

    def common(self, items: Sequence[T]) -> T:
        """Choose with Zipf-like weights: the first items are the commonest."""
        weights = [1 / (rank + 6) for rank in range(len(items))]
        return self.rng.choices(items, weights)[0]

    def chance(self, probability: float) -> bool:
        """Say yes with a probability."""
        return self.rng.random() < probability

    @property
    def formal(self) -> bool:
        """Say whether `you` is vous."""
        return self.address is not None and self.address.formal


@dataclass
class NounPhrase:
    """A noun phrase and what agrees with it. `pronoun` holds the French subject pronoun if any."""

    pair: Pair
    person: int
    gender: str = "m"
    pronoun: str = ""
    many: bool | None = None  # the number of a vous, which may be one person

    @property
    def plural(self) -> bool:
        """Say whether what agrees with the phrase is plural."""
        return self.person >= 3 if self.many is None else self.many


@dataclass(frozen=True)
class Clitic:
    """A French object pronoun and the English words it renders."""

    text: str
    links: list[Word]


@dataclass
class VerbPhrase:
    """A verb with its complements; `head` holds the English words that the verb itself renders."""

    verb: Verb
    head: list[Word]
    en_tail: list[Word] = field(default_factory=list)
    fr_tail: list[Mot] = field(default_factory=list)
    clitics: list[Clitic] = field(default_factory=list)
    agreement: tuple[str, bool] | None = None  # of a direct object before the verb
    fr_middle: list[Mot] = field(default_factory=list)  # beaucoup, bien: beside the verb
    invariable: bool = False  # the reflexive pronoun is not a direct object

    def add(self, pair: Pair) -> "VerbPhrase":
        """Append complements."""
        self.en_tail += pair.en
        self.fr_tail += pair.fr
        return self


# Pronouns and noun phrases


def pronoun_subject(person: int, gender: str = "m", neuter: bool = False) -> NounPhrase:
    """Return a subject pronoun; a feminine `they` or `it` needs an antecedent in the sentence."""
    en, fr = SUBJECT_EN[person], SUBJECT_FR[person]
    if person in (2, 5) and gender == "f":
        en = "she" if person == 2 else "they"
        fr = "elle" if person == 2 else "elles"
    if person == 2 and neuter:
        en = "it"
    word = Word(en, "you" if en == "you" else "")
    return NounPhrase(Pair([word], [Mot(fr, [word])]), person, gender, fr)


def you_subject(ctx: Context) -> NounPhrase:
    """Return the subject `you`, in the person, gender and number of the sentence's address."""
    if ctx.address is None:
        return pronoun_subject(1)
    subject = pronoun_subject(4 if ctx.formal else 1, ctx.address.gender)
    subject.many = ctx.address.plural
    return subject


def name_subject(ctx: Context) -> NounPhrase:
    """Return a first name as a noun phrase."""
    gender = ctx.pick("mf")
    name = ctx.pick(lexicon.names("men" if gender == "m" else "women"))
    word = Word(name, name)
    return NounPhrase(Pair([word], [Mot(name, [word], name)]), 2, gender)


def owner_person(subject: NounPhrase) -> tuple[str, int]:
    """Return the English possessive that refers to a subject, and its person."""
    if subject.person == 2 and subject.gender == "f":
        return "her", 2
    return POSSESSIVE_EN[subject.person], subject.person


def possessive(en: str, person: int, gender: str, plural: bool) -> Pair:
    """Return my/mon, her/sa, ... for a noun of this gender and number."""
    word = Word(en)
    forms = POSSESSIVE_FR[person]
    text = forms[2] if plural else forms[gender == "f"]
    liaison = forms[0] if not plural and gender == "f" else ""
    return Pair([word], [Mot(text, [word], forms[0], before_vowel=liaison)])


def definite(links: list[Word], gender: str, plural: bool) -> Mot:
    """Return le, la or les."""
    text = "les" if plural else "la" if gender == "f" else "le"
    return Mot(text, links, "le", article=True)


def determiner(ctx: Context, det: str, entry: Noun, plural: bool, owner: NounPhrase | None) -> Pair:
    """Return a determiner pair; the indefinite ones are completed by `noun_phrase`."""
    gender = entry.gender
    if det == "the":
        word = Word("the")
        return Pair([word], [definite([word], gender, plural)])
    if det == "this":
        en = ctx.pick(("these", "those") if plural else ("this", "that"))
        word = Word(en)
        text = "ces" if plural else "cette" if gender == "f" else "ce"
        liaison = "cet" if text == "ce" else ""
        return Pair([word], [Mot(text, [word], "ce", before_vowel=liaison)])
    if det == "poss":
        en, person = owner_person(owner) if owner is not None else random_owner(ctx)
        if entry.en in ("husband", "wife") and (person >= 2 or owner is not None):
            en, person = ("her" if entry.en == "husband" else "his"), 2
        return possessive(en, person, gender, plural)
    if det == "a":
        word = Word("a")
        return Pair([word], [Mot("une" if gender == "f" else "un", [word], "un")])
    if det == "another":
        word = Word("another")
        return Pair(
            [word], [Mot("une" if gender == "f" else "un", [word], "un"), Mot("autre", [word])]
        )
    if det == "each":
        return aligned(ctx.pick(("each | chaque", "every | chaque")))
    if det == "many":
        return aligned(
            ctx.pick(
                (
                    "several | plusieurs",
                    "a few | quelques",
                    "many1 | beaucoup1 de1",
                    "a1 lot1 of1 | beaucoup1 de1",
                    "too1 many2 | trop12 de2",
                )
            )
        )
    if det == "all":
        word, the = Word("all"), Word("the")
        text = "toutes" if gender == "f" else "tous"
        return Pair([word, the], [Mot(text, [word], "tout"), definite([the], gender, True)])
    if det == "num":
        return number(ctx)
    raise ValueError(f"no such determiner: {det}")


def number(ctx: Context, limit: int = 11) -> Pair:
    """Return a number of at least two."""
    en, fr = ctx.common(lexicon.names("numbers")[:limit]).split(" = ")
    return aligned(f"{en} | {fr}")


def random_owner(ctx: Context) -> tuple[str, int]:
    """Choose a possessor; plain `your` is `ton`, or `votre` where the sentence is formal."""
    person = ctx.rng.choices((0, 1, 2, 3, 5), (5, 4, 3, 2, 2))[0]
    if person == 1 and ctx.formal:
        person = 4
    en = "her" if person == 2 and ctx.chance(0.5) else POSSESSIVE_EN[person]
    return en, person


def noun_phrase(
    ctx: Context,
    entry: Noun,
    det: str,
    *,
    plural: bool = False,
    adjective: Adjective | None = None,
    owner: NounPhrase | None = None,
    negated: bool = False,
) -> NounPhrase:
    """Build determiner + adjective + noun. `some`, `bare`, `a` become `de` where negated."""
    noun_word = Word(entry.en_plural if plural else entry.en, entry.en)
    noun_words = [Word(part, entry.en) for part in noun_word.text.split()]
    noun_mots = [
        Mot(part, noun_words, entry.fr)
        for part in (entry.fr_plural if plural else entry.fr).split()
    ]
    en, fr = list(noun_words), list(noun_mots)
    if adjective is not None:
        word = Word(adjective.en, adjective.en)
        text = adjective.agree(entry.gender, plural)
        singular_m = entry.gender == "m" and not plural
        mot = Mot(text, [word], adjective.forms[0], adjective.before_vowel if singular_m else "")
        en = [word, *en]
        fr = [mot, *fr] if adjective.place == "before" else [*fr, mot]
    if det in ("some", "bare"):
        start = _partitive(ctx, det, entry, plural, adjective, negated, noun_words)
    elif det == "generic":
        start = Pair([], [definite(noun_words, entry.gender, plural)])
    elif det == "none":
        start = Pair()
    elif det == "a" and negated:
        word = Word("a")
        start = Pair([word], [Mot("de", [word])])
    else:
        start = determiner(ctx, det, entry, plural, owner)
    return NounPhrase(start + Pair(en, fr), 5 if plural else 2, entry.gender)


def _partitive(
    ctx: Context,
    det: str,
    entry: Noun,
    plural: bool,
    adjective: Adjective | None,
    negated: bool,
    noun_words: list[Word],
) -> Pair:
    """Return some/any or nothing in English, and du, de la, des or de in French."""
    words = [] if det == "bare" else [Word("any" if negated else "some")]
    links = words or noun_words
    before = adjective is not None and adjective.place == "before"
    if negated or (plural and before):
        return Pair(words, [Mot("de", links)])
    if plural:
        return Pair(words, [Mot("des", links, "un")])
    return Pair(words, [Mot("de", links), definite(links, entry.gender, False)])


def join(first: NounPhrase, second: NounPhrase, word: str = "and | et") -> NounPhrase:
    """Coordinate two noun phrases."""
    gender = "f" if first.gender == second.gender == "f" else "m"
    return NounPhrase(first.pair + aligned(word) + second.pair, 5, gender)


def genitive(owner: NounPhrase, entry: Noun, plural: bool = False) -> NounPhrase:
    """Return `Paul's car` / `la voiture de Paul`."""
    mark = Word("'s", glue=True)
    noun_words = [
        Word(part, entry.en) for part in (entry.en_plural if plural else entry.en).split()
    ]
    text = entry.fr_plural if plural else entry.fr
    fr = [definite([mark], entry.gender, plural)]
    fr += [Mot(part, noun_words, entry.fr) for part in text.split()]
    fr += [Mot("de", [mark]), *owner.pair.fr]
    return NounPhrase(
        Pair([*owner.pair.en, mark, *noun_words], fr), 5 if plural else 2, entry.gender
    )


# Verb phrases


def verb_phrase(verb: Verb) -> VerbPhrase:
    """Return a bare verb; its particles, if they cannot be moved, come first in its tail."""
    head = [Word(verb.base, verb.base)] + [Word(p) for p in verb.particles]
    tail = [] if verb.separable else head[1:]
    return VerbPhrase(verb, head, list(tail))


def with_object(verb: Verb, thing: NounPhrase, *, to: str = "") -> VerbPhrase:
    """Add a noun object, direct, or behind `to` (`à`), which English may leave out."""
    vp = verb_phrase(verb)
    if verb.separable:
        vp.en_tail += vp.head[1:]
    prepositions = [Mot(to, vp.head[1:] or vp.head)] if to else []
    return vp.add(Pair(list(thing.pair.en), [*prepositions, *thing.pair.fr]))


def object_pronoun(person: int, gender: str = "m", neuter: bool = False) -> Word:
    """Return me, you, him, her, it, us or them."""
    if person == 2:
        return Word(
            "it" if neuter else "her" if gender == "f" else "him",
            "her_obj" if gender == "f" and not neuter else "",
        )
    return Word(OBJECT_EN[person])


def clitic_form(person: int, gender: str, direct: bool) -> str:
    """Return the French clitic of a person."""
    if person in (0, 1, 3, 4):
        return REFLEXIVE_FR[person]
    if direct:
        return ("la" if gender == "f" else "le") if person == 2 else "les"
    return "lui" if person == 2 else "leur"


def with_pronoun(
    verb: Verb,
    person: int,
    gender: str = "m",
    *,
    direct: bool = True,
    neuter: bool = False,
    many: bool | None = None,
) -> VerbPhrase:
    """Add a pronoun object, which French puts before the verb."""
    vp = verb_phrase(verb)
    word = object_pronoun(person, gender, neuter)
    vp.en_tail.append(word)
    if verb.separable:
        vp.en_tail += vp.head[1:]
    links = [word] if direct else [*vp.head[1:], word]
    vp.clitics.append(Clitic(clitic_form(person, gender, direct), links))
    if direct:
        vp.agreement = (gender, person >= 3 if many is None else many)
    return vp


# Negation and adverbs


@dataclass
class Negation:
    """The two halves of a French negation and the English words they come from."""

    operator: list[Word] = field(default_factory=list)  # not / n't, after the auxiliary
    middle: list[Word] = field(default_factory=list)  # never, no longer
    object: list[Word] = field(default_factory=list)  # nothing, anyone, in the object's place
    end: list[Word] = field(default_factory=list)  # anymore, yet
    second: list[Mot] = field(default_factory=list)  # pas, jamais, plus, rien
    after: list[Mot] = field(default_factory=list)  # personne, behind the participle
    subject: list[Word] = field(default_factory=list)  # nobody, as the subject

    @property
    def ne(self) -> Mot:
        """Return the first half, linked to the English negative word."""
        own = self.operator or self.middle or self.object or self.subject
        return Mot("ne", list(own))


def negate(ctx: Context, kind: str) -> Negation | None:
    """Return a negation: not, never, no longer, anymore, yet, nothing, anything, nobody, anyone."""
    if not kind:
        return None
    negation = Negation()
    if kind in ("not", "anymore", "yet", "anything", "anyone"):
        negation.operator = [Word("n't", "not", glue=True) if ctx.contractions else Word("not")]
    if kind == "not":
        negation.second = [Mot("pas", list(negation.operator))]
    elif kind == "never":
        negation.middle = [Word("never")]
        negation.second = [Mot("jamais", list(negation.middle))]
    elif kind == "no longer":
        negation.middle = [Word("no"), Word("longer")]
        negation.second = [Mot("plus", list(negation.middle))]
    elif kind == "anymore":
        negation.end = [Word("anymore")]
        negation.second = [Mot("plus", list(negation.end))]
    elif kind == "yet":
        negation.end = [Word("yet")]
        negation.second = [Mot("pas", list(negation.operator)), Mot("encore", list(negation.end))]
    elif kind in ("nothing", "anything"):
        negation.object = [Word(kind)]
        negation.second = [Mot("rien", list(negation.object))]
    elif kind in ("nobody", "anyone"):
        negation.object = [Word(kind)]
        negation.after = [Mot("personne", list(negation.object))]
    return negation


@dataclass
class Adverb:
    """An adverb beside the verb: where English and where French put it."""

    pair: Pair
    en_middle: bool = True
    fr_middle: bool = True


def adverb(template: str, *, en_middle: bool = True, fr_middle: bool = True) -> Adverb:
    return Adverb(aligned(template), en_middle, fr_middle)


# English verb groups


@dataclass
class Group:
    """English verb words (the operator first), and what French's first and second verbs link to."""

    words: list[Word]
    finite: list[Word]
    second: list[Word] = field(default_factory=list)


def be_form(person: int, past: bool = False) -> str:
    if past:
        return "was" if person in (0, 2) else "were"
    return ("am", "are", "is", "are", "are", "are")[person]


def _finite_form(base: str, person: int, past: bool) -> str:
    if base == "be":
        return be_form(person, past)
    if past:
        return english.past(base)
    if base in MODALS or person != 2:
        return base
    return english.third_person(base)


def english_group(person: int, vp: VerbPhrase, tense: str, support: bool, question: bool) -> Group:
    """Conjugate the English verb; `support` asks for an auxiliary (do, if there is no other)."""
    head, main, base = vp.head, vp.head[0], vp.verb.base
    if tense in ("pres", "past", "used"):
        return _simple_group(person, vp, tense, support, question)
    if tense in ("prog", "pastprog"):
        be = Word(be_form(person, tense == "pastprog"), "be")
        main.text = english.gerund(base)
        return Group([be, main], [be, *head])
    if tense in ("perf", "pluperf"):
        have = Word("had" if tense == "pluperf" else "has" if person == 2 else "have", "have")
        main.text = english.past_participle(base)
        return Group([have, main], [have], list(head))
    main.text = base
    if tense == "going":
        be, going, to = Word(be_form(person), "be"), Word("going", "go"), Word("to")
        return Group([be, going, to, main], [be, going, to], list(head))
    auxiliary = Word(tense)  # will, would
    return Group([auxiliary, main], [auxiliary, *head])


def _simple_group(person: int, vp: VerbPhrase, tense: str, support: bool, question: bool) -> Group:
    head, main, base = vp.head, vp.head[0], vp.verb.base
    main.text = base
    second = list(head) if french_tense(vp.verb, tense) == "pc" else []
    if support and base != "be" and base not in MODALS:
        do = Word("did" if tense != "pres" else "does" if person == 2 else "do", "do")
        used = [Word("use"), Word("to")] if tense == "used" else []
        finite = [do] if second and not question else [*used, *head]
        return Group([do, *used, main], finite, second)
    if tense == "used":
        used = [Word("used", "use"), Word("to")]
        return Group([*used, main], [*used, *head])
    main.text = _finite_form(base, person, tense == "past")
    return Group([main], list(head), second)


def _contract_operator(subject: NounPhrase, operator: Word) -> None:
    """Glue 'm, 's, 're, 've, 'll or 'd to a pronoun subject."""
    short = {"am": "'m", "is": "'s", "are": "'re", "have": "'ve", "will": "'ll", "would": "'d"}
    if subject.pronoun and operator.text in short:
        operator.lemma = operator.lemma or operator.text
        operator.text, operator.glue = short[operator.text], True


def _glue_not(operator: Word, negation: Negation | None) -> None:
    """Write can't, won't, cannot; and keep `am not` apart."""
    if negation is None or not negation.operator:
        return
    word = negation.operator[0]
    if operator.text == "am" or operator.text == "'m":
        word.text, word.glue = "not", False
    elif word.text == "n't" and operator.text in ("can", "will"):
        operator.lemma = operator.text
        operator.text = {"can": "ca", "will": "wo"}[operator.text]
    elif word.text == "not" and operator.text == "can":
        word.glue = True


# French verb groups


def french_tense(verb: Verb, tense: str) -> str:
    """Return the French tense of an English one: a stative simple past is an imparfait."""
    return "imperfect" if tense == "past" and verb.stative else FRENCH_TENSE[tense]


def _participle(vp: VerbPhrase, subject: NounPhrase, links: list[Word]) -> Mot:
    """Return the past participle, agreeing with the subject or a preceding direct object."""
    lemma = vp.verb.infinitive
    gender, plural = "m", False
    if lemma in ETRE_VERBS or (vp.verb.reflexive and not vp.invariable):
        gender, plural = subject.gender, subject.plural
    elif vp.agreement is not None:
        gender, plural = vp.agreement
    return Mot(french.participle(lemma, gender, plural), links, vp.verb.fr)


def all_clitics(vp: VerbPhrase, person: int) -> list[Clitic]:
    """Return the clitics in French order, the reflexive one among them."""
    own = [Clitic(REFLEXIVE_FR[person], vp.head)] if vp.verb.reflexive else []
    return sorted([*own, *vp.clitics], key=lambda clitic: CLITIC_RANK[clitic.text])


def _clitic_mots(clitics: list[Clitic]) -> list[Mot]:
    return [Mot(clitic.text, list(clitic.links)) for clitic in clitics]


def record(ctx: Context, vp: VerbPhrase, tense: str) -> None:
    """Note which (verb, clitic, tense) combinations the sentence shows."""
    for clitic in vp.clitics:
        if not vp.verb.reflexive:
            ctx.combinations.add((vp.verb.fr, clitic.text, tense))


@dataclass
class FrenchGroup:
    """The French verb cut where other words may come in."""

    before: list[Mot]
    finite: Mot
    after: list[Mot]


def french_group(
    subject: NounPhrase, vp: VerbPhrase, tense: str, group: Group, negation: Negation | None
) -> FrenchGroup:
    """Conjugate the French verb with its clitics and the first half of its negation."""
    person = subject.person
    clitics = _clitic_mots(all_clitics(vp, person))
    ne = [negation.ne] if negation else []
    lemma = vp.verb.infinitive
    if tense == "proche":
        finite = Mot(french.conjugate("aller", "present", person), group.finite, "aller")
        return FrenchGroup(ne, finite, [*clitics, Mot(lemma, group.second, vp.verb.fr)])
    if tense in ("pc", "pluperfect"):
        auxiliary = "être" if lemma in ETRE_VERBS or vp.verb.reflexive else "avoir"
        own_tense = "present" if tense == "pc" else "imperfect"
        finite = Mot(french.conjugate(auxiliary, own_tense, person), group.finite, auxiliary)
        return FrenchGroup([*ne, *clitics], finite, [_participle(vp, subject, group.second)])
    finite = Mot(french.conjugate(lemma, tense, person), group.finite, vp.verb.fr)
    return FrenchGroup([*ne, *clitics], finite, [])


# Clauses


def _place_english(
    subject: NounPhrase, group: Group, negation: Negation | None, middle: list[Word], inverted: bool
) -> list[Word]:
    operator, rest = group.words[0], group.words[1:]
    marks = negation.operator if negation else []
    early = (negation.middle if negation else []) + middle
    attached = [mark for mark in marks if mark.glue]
    loose = [mark for mark in marks if not mark.glue]
    if inverted:
        return [operator, *attached, *subject.pair.en, *loose, *early, *rest]
    simple = (not rest and operator.lemma not in ("be", *MODALS)) or operator.text == "used"
    if simple and not marks:
        return [*subject.pair.en, *early, operator, *rest]
    return [*subject.pair.en, operator, *marks, *early, *rest]


def clause(
    ctx: Context,
    subject: NounPhrase,
    vp: VerbPhrase,
    tense: str,
    *,
    negation: str | Negation = "",
    adverbs: Sequence[Adverb] = (),
    question: bool = False,
    fronted: Pair | None = None,
    subject_gap: bool = False,
) -> Pair:
    """Build a whole clause.

    `question` inverts English; French inverts a pronoun (not je) behind be, have, can, will...,
    and says est-ce que elsewhere. `fronted` is a question word; `subject_gap` leaves the inverted
    order out because the question word is the subject.
    """
    neg = negate(ctx, negation) if isinstance(negation, str) else negation
    support = question or bool(neg and neg.operator)
    if tense == "past" and not support and not adverbs and _past_hidden(subject, vp):
        tense = "perf"  # `I read it` could be either tense: say `I have read it`
    tense_fr = french_tense(vp.verb, tense)
    record(ctx, vp, tense_fr)
    group = english_group(subject.person, vp, tense, support, question)
    operator = group.words[0]
    _glue_not(operator, neg)
    contractible = not question and not (neg and neg.operator and neg.operator[0].glue)
    if contractible and ctx.contractions and (len(group.words) > 1 or vp.verb.base == "be"):
        _contract_operator(subject, operator)

    middle_en = [w for a in adverbs if a.en_middle for w in a.pair.en]
    end_en = [w for a in adverbs if not a.en_middle for w in a.pair.en]
    middle_fr = [m for a in adverbs if a.fr_middle for m in a.pair.fr]
    end_fr = [m for a in adverbs if not a.fr_middle for m in a.pair.fr]
    en = _place_english(subject, group, neg, middle_en, question and not subject_gap)
    object_en = neg.object if neg else []
    en += [*object_en, *vp.en_tail, *(neg.end if neg else []), *end_en]

    parts = french_group(subject, vp, tense_fr, group, neg)
    second = [*(neg.second if neg else []), *middle_fr, *vp.fr_middle]
    tail = [*parts.after, *(neg.after if neg else []), *vp.fr_tail, *end_fr]
    if not question or subject_gap:
        fr = [*subject.pair.fr, *parts.before, parts.finite, *second, *tail]
    elif operator.lemma != "do" and subject.pronoun and subject.pronoun != "je":
        hanging = _hang(parts.finite.text, subject)
        fr = [*parts.before, parts.finite, hanging, *second, *tail]
    else:
        ask = [Mot("est", [operator], "être"), Mot("-ce", [operator]), Mot("que", [operator])]
        fr = [*ask, *subject.pair.fr, *parts.before, parts.finite, *second, *tail]
    if fronted is not None:
        en, fr = [*fronted.en, *en], [*fronted.fr, *fr]
    return Pair(en, fr)


def _past_hidden(subject: NounPhrase, vp: VerbPhrase) -> bool:
    """Say whether the English simple past looks like the present: I read, they cut."""
    base = vp.verb.base
    return base not in ("be", *MODALS) and subject.person != 2 and english.past(base) == base


def _hang(finite: str, subject: NounPhrase) -> Mot:
    """Return the inverted subject pronoun, with its t between vowels: `-t-il`."""
    joint = "-t-" if finite[-1] in "aeé" and subject.pronoun[0] in "aeiou" else "-"
    return Mot(joint + subject.pronoun, list(subject.pair.en), subject.pronoun)


def infinitive(
    ctx: Context,
    vp: VerbPhrase,
    subject: NounPhrase,
    *,
    particle: str = "to",
    preposition: str = "",
    negated: bool = False,
) -> Pair:
    """Return an infinitive clause: `to see him` / `(de) le voir`; `particle` may be empty."""
    record(ctx, vp, "infinitive")
    main = vp.head[0]
    main.text = vp.verb.base
    to = [Word(particle)] if particle else []
    nots = [Word("not")] if negated else []
    links = list(vp.head) if preposition or not to else [*to, *vp.head]
    clitics = _clitic_mots(all_clitics(vp, subject.person))
    fr = [Mot(preposition, list(to) or list(vp.head))] if preposition else []
    fr += [Mot("ne", list(nots)), Mot("pas", list(nots))] if negated else []
    fr += [*vp.fr_middle, *clitics, Mot(vp.verb.infinitive, links, vp.verb.fr), *vp.fr_tail]
    return Pair([*nots, *to, main, *vp.en_tail], fr)


def gerund(ctx: Context, vp: VerbPhrase, subject: NounPhrase, preposition: str) -> Pair:
    """Return `before eating`'s second half: -ing in English, `de` + infinitive in French."""
    pair = infinitive(ctx, vp, subject, particle="", preposition=preposition)
    vp.head[0].text = english.gerund(vp.verb.base)
    return pair


def imperative(ctx: Context, vp: VerbPhrase, person: int, *, negation: str = "") -> Pair:
    """Return a command: `donne-le-moi`, `ne le touche pas`; person 3 is `let's`."""
    main, base, lemma = vp.head[0], vp.verb.base, vp.verb.infinitive
    main.text = base
    record(ctx, vp, "imperative")
    start: list[Word] = []
    if person == 3:
        start = [Word("let"), Word("'s", "us", glue=True)]
    links = [*start, *vp.head]
    form = Mot(french.imperative(lemma, person), links, vp.verb.fr)
    clitics = all_clitics(vp, person)
    if not negation:
        fr = [*_affirmative(form, clitics), *vp.fr_middle, *vp.fr_tail]
        return Pair([*start, main, *vp.en_tail], fr)
    neg = negate(ctx, negation)
    assert neg is not None
    en: list[Word]
    if person == 3:
        neg.operator = [Word("not")]
        neg.second = [Mot("pas", list(neg.operator))]
        en = [*start, *neg.operator, main]
    elif neg.operator:
        en = [Word("do"), *neg.operator, main]
    else:
        en = [*neg.middle, main]
    fr = [neg.ne, *_clitic_mots(clitics), form, *neg.second, *vp.fr_middle, *neg.after, *vp.fr_tail]
    return Pair([*en, *neg.object, *vp.en_tail, *neg.end], fr)


def _affirmative(form: Mot, clitics: list[Clitic]) -> list[Mot]:
    """Hang the clitics on an imperative: direct before indirect, moi and toi for me and te."""
    order = sorted(clitics, key=lambda c: (c.text not in ("le", "la", "les"), CLITIC_RANK[c.text]))
    if order and order[0].text in ("y", "en") and form.text[-1] in "ae":
        form.text += "s"
    strong = {"me": "moi", "te": "toi"}
    hung = [Mot("-" + strong.get(c.text, c.text), list(c.links), c.text) for c in order]
    return [form, *hung]
