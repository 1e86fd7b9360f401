"""Stories: people move about and carry things; where is one of them, or who has it?

A question needs one, two or three sentences of the story together, its supporting facts, as the
first three tasks of -- Weston et al. 2015, 3. The people, things and sentences are this project's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import ClassVar, NamedTuple

from seq2seq.data.make.contract import Draws, Example, Task, check_least
from seq2seq.errors import UserError

PEOPLE = ("Anna", "Ben", "Clara", "David", "Emma", "Felix")
PLACES = ("attic", "bathroom", "cellar", "garden", "hall", "kitchen", "library", "office")
THINGS = ("apple", "book", "cup", "key", "lamp", "letter")
MOVE = ("went to", "walked to", "hurried to")
TAKE = ("took", "picked up", "grabbed")
DROP = ("dropped", "put down", "left")


@dataclass(frozen=True, kw_only=True)
class Stories(Task):
    """`Anna went to the attic. Ben hurried to the hall. Where is Anna?` -> `attic`.

    Two facts: `Anna took the cup. Anna went to the hall. Where is the cup?` Three: `Where was the
    cup before the hall?` Two questions: `... Where is Ben? Where is Anna?` -> `hall attic`. Who:
    `Anna took the cup. Ben took the key. Who has the cup?` -> `Anna`.
    """

    unit: ClassVar[str] = "sentences"

    shortest: int = 3
    longest: int = 12
    beyond: tuple[int, ...] = (20, 30, 40)
    facts: int = 1
    """Sentences that must be put together for an answer: 1, 2 or 3."""
    questions: int = 1
    """The most questions about a story; how many of them it has is drawn too."""
    who: bool = False
    """Ask who has a thing, of people who take things, also from each other, and go nowhere."""

    def check(self) -> None:
        """Raise UserError if the options don't go together."""
        super().check()
        if self.facts not in (1, 2, 3):
            raise UserError(f"--facts: expected 1, 2 or 3, found {self.facts}")
        if self.who and self.facts != 1:
            raise UserError(f"--facts: expected 1 with --who, found {self.facts}")
        check_least("shortest", self.shortest, self.facts)
        check_least("questions", self.questions, 1)

    @property
    def name(self) -> str:
        """The number of facts, or `who`."""
        return "who" if self.who else str(self.facts)

    def example(self, draws: Draws, length: int) -> Example:
        """Return a story of `length` sentences, with questions that can be answered from it."""
        while True:
            story = _Takings(draws) if self.who else _Story(draws, with_things=self.facts > 1)
            for _ in range(length):
                story.go_on()
            if known := list(story.questions(self.facts)):
                break
        most = min(self.questions, len(known))
        asked = draws.several(draws.between(1, most) if most > 1 else 1, known)
        words = [word for sentence in story.sentences for word in sentence]
        starts = [0, *accumulate(map(len, story.sentences))]
        return Example(
            " ".join([*words, *(word for question in asked for word in question.words)])
            .replace(" .", ".")
            .replace(" ?", "?"),
            " ".join(question.answer for question in asked),
            [
                (starts[question.told] + question.word, place)
                for place, question in enumerate(asked)
            ],
        )


_PLACE = 4  # `Anna went to the attic .`: the word of a sentence that names the place


class _Question(NamedTuple):
    words: list[str]
    answer: str
    told: int
    """The sentence that names the answer."""
    word: int = _PLACE
    """Its word that does."""


class _Stay(NamedTuple):
    """Somebody's stay in a place, from the sentence that says how they came."""

    place: str
    sentence: int


@dataclass
class _Thing:
    """What became of a thing since it was first taken."""

    holder: str | None = None
    taken: int = 0
    """The sentence that says how the holder came to it."""
    stays: list[_Stay] = field(default_factory=list)


class _Story:
    """A story as it is told, and what is the case after each sentence."""

    def __init__(self, draws: Draws, *, with_things: bool = True) -> None:
        self.sentences: list[list[str]] = []
        self._draws = draws
        self._with_things = with_things
        self._people: dict[str, _Stay] = {}
        self._things: dict[str, _Thing] = {}

    def go_on(self) -> None:
        """Tell one more sentence, half of the time about the same person."""
        again = self.sentences and self._draws.below(2)
        person = self.sentences[-1][0] if again else self._draws.one(PEOPLE)
        self._draws.one(self._deeds(person))(person)

    def _deeds(self, person: str) -> Sequence[Callable[[str], None]]:
        if self._with_things and person in self._people:
            return [self._move, *self._dealings(person)]
        return [self._move]

    def _dealings(self, person: str) -> Sequence[Callable[[str], None]]:
        taking = [self._take] if self._in_reach(person) else []
        return taking + ([self._drop] if self._held(person) else [])

    def questions(self, facts: int) -> Iterator[_Question]:
        """Yield every question that needs so many facts."""
        if facts == 1:
            for person, stay in self._people.items():
                yield _Question(["Where", "is", person, "?"], *stay)
        for name, thing in self._things.items():
            if facts == 2:
                yield _Question(["Where", "is", "the", name, "?"], *thing.stays[-1])
            if facts == 3 and len(thing.stays) > 1:
                before, now = thing.stays[-2:]
                words = ["Where", "was", "the", name, "before", "the", now.place, "?"]
                if [stay.place for stay in thing.stays].count(now.place) == 1:
                    yield _Question(words, *before)

    def _move(self, person: str) -> None:
        here = self._people.get(person)
        place = self._draws.one([place for place in PLACES if not here or place != here.place])
        self._people[person] = stay = _Stay(place, len(self.sentences))
        for thing in self._held(person):
            self._things[thing].stays.append(stay)
        self._say(person, self._draws.one(MOVE), place)

    def _take(self, person: str) -> None:
        name = self._draws.one(self._in_reach(person))
        thing = self._things.setdefault(name, _Thing())
        thing.holder, thing.taken = person, len(self.sentences)
        if person in self._people:
            thing.stays = [*thing.stays[:-1], self._people[person]]
        self._say(person, self._draws.one(TAKE), name)

    def _drop(self, person: str) -> None:
        name = self._draws.one(self._held(person))
        self._things[name].holder = None
        self._say(person, self._draws.one(DROP), name)

    def _say(self, person: str, deed: str, noun: str) -> None:
        self.sentences.append([person, *deed.split(), "the", noun, "."])

    def _held(self, person: str) -> list[str]:
        return [name for name, thing in self._things.items() if thing.holder == person]

    def _in_reach(self, person: str) -> list[str]:
        """What lies in a person's place; a thing that nobody has taken yet may lie anywhere."""
        here = self._people[person].place
        return [
            name
            for name in THINGS
            if (thing := self._things.get(name)) is None
            or (thing.holder is None and thing.stays[-1].place == here)
        ]


class _Takings(_Story):
    """A story of people who take and drop things, wherever that is."""

    def questions(self, facts: int) -> Iterator[_Question]:
        """Yield a question for each thing that somebody has."""
        for name, thing in self._things.items():
            if thing.holder is not None:
                yield _Question(["Who", "has", "the", name, "?"], thing.holder, thing.taken, word=0)

    def _deeds(self, person: str) -> Sequence[Callable[[str], None]]:
        return self._dealings(person)

    def _in_reach(self, person: str) -> list[str]:
        held = self._held(person)
        return [name for name in THINGS if name not in held]
