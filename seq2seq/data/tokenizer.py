"""Sentences <-> ids of pieces, with SentencePiece, and which pieces spell which word.

No piece crosses the end of a word (`seq2seq.data.words`). SentencePiece knows only spaces, so a
text is cut into words here, in training and in use alike, and each word is spelt on its own: the
map from pieces to words is then known, not guessed, and a spelling never depends on its neighbours.
In a script without spaces, what is cut off and spelt is a whole run of it, or no piece could be
longer than a character; there the words shown are characters, those that share a piece being one.
Of kind `word` what is spelt on its own is one piece, of kind `char` every character is.

Every text is cleaned first (`seq2seq.data.text`), a source's as a source. With `normalization:
identity` a cleaned text comes back from `decode(encode(text))`, U+202F included. Characters that
the training text never had become UNK (one a run), shown as `⁇`. There is no byte fallback: the
rows of 256 bytes would hardly be trained, while a source word with an UNK can take the place of the
target word that attends to it (`decoding.keep`, `seq2seq.translation.keep`).
"""

from __future__ import annotations

import io
import logging
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate, chain, takewhile
from pathlib import Path
from typing import NamedTuple

import sentencepiece

from seq2seq.config import TokenizerConfig
from seq2seq.data.sources import Features, FileReader, read_model
from seq2seq.data.text import clean_source, clean_target
from seq2seq.data.words import split_words, unit_spans, word_spans
from seq2seq.errors import UserError
from seq2seq.machine.input import check_file
from seq2seq.machine.interruption import interruptible

PAD, UNK, BOS, EOS = 0, 1, 2, 3
UNKNOWN = "⁇"
_SPECIAL = ["<pad>", "<unk>", "<s>", "</s>"]
_SPACE = "▁"
_BOUNDARY = "\ufdd0"  # marks the end of a word in training text: Unicode will never assign it
_FRAGMENT = 2  # words
_CACHED_TOKENS = 50_000
_READER = "source.json"  # what a reader of files keeps, in the place of source.model

logger = logging.getLogger(__name__)


class WordPieces(NamedTuple):
    """A word and the indices of the pieces that spell it, in order."""

    word: str
    pieces: tuple[int, ...]


def join_tokens(words: Sequence[WordPieces], text: str) -> list[WordPieces]:
    """Return what white space separates in `text`, each with the pieces of the words in it.

    `words` are those of `text`, in order. A word has no white space within and each other character
    of a cleaned text is in one word, so a token is always a run of whole words.
    """
    rest = iter(words)
    tokens = []
    for token in text.split():
        pieces: list[int] = []
        missing = len(clean_source(token).replace(" ", ""))
        while missing:
            word, indices = next(rest)
            pieces += indices
            missing -= len(word)
        tokens.append(WordPieces(token, tuple(pieces)))
    return tokens


def split_pieces(words: Sequence[WordPieces]) -> list[WordPieces]:
    """Return the words of the text itself: each of those that share a piece with all of its pieces.

    `words` are what a `Tokenizer` shows.
    """
    return [WordPieces(word, shown.pieces) for shown in words for word in _split_unit(shown.word)]


class Tokenizer:
    """One SentencePiece model, and how texts are cleaned for it: as those of one side."""

    def __init__(self, model: bytes, clean: Callable[[str], str] = clean_target) -> None:
        self.model = model
        self._clean = clean
        self._spell = sentencepiece.SentencePieceProcessor(model_proto=model)
        count = len(self._spell)
        self._pieces: list[str] = self._spell.id_to_piece(list(range(count)))
        surfaces = [piece.replace(_SPACE, " ") for piece in self._pieces]
        self._surfaces = ["", UNKNOWN, "", "", *surfaces[EOS + 1 :]]
        self._token_ids = lru_cache(_CACHED_TOKENS)(self._spell_token)
        self._unit_ids = lru_cache(_CACHED_TOKENS)(self._spell_unit)
        self._token_words = lru_cache(_CACHED_TOKENS)(self._divide_token)

    def __len__(self) -> int:
        """The size of the vocabulary, special pieces included."""
        return len(self._pieces)

    @property
    def is_faithful(self) -> bool:
        """Whether spelling adds no space of its own, as a model that lost its last bytes does."""
        return self._pieces[: EOS + 1] == _SPECIAL and self._spell.normalize("a") == "a"

    def encode(self, text: str) -> list[int]:
        """Return the ids of the pieces of `text`, without BOS or EOS; [] for a blank text."""
        return list(chain.from_iterable(map(self._token_ids, text.split(" "))))

    def units(self, ids: Iterable[int]) -> list[str]:
        """Return what is spelt on its own of the text of `ids`, each with the space before it."""
        tokens = self.decode(ids).split(" ")
        return [unit for token in tokens for unit in _units(token, self._clean)]

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text that `ids` spell; PAD, BOS and EOS spell nothing."""
        return "".join(self._surfaces[id_] for id_ in ids).removeprefix(" ")

    def pieces(self, ids: Iterable[int]) -> list[str]:
        """Return the pieces themselves, as SentencePiece writes them (`▁` is a space)."""
        return [self._pieces[id_] for id_ in ids]

    def source_words(self, text: str) -> list[WordPieces]:
        """Return the words of `text` with the indices of their pieces in `encode(text)`.

        The words are those of the cleaned text, in scripts without spaces those that share a piece
        being one; every piece belongs to exactly one of them. A word that the normalization erases
        has no piece.
        """
        words, first = [], 0
        for token in text.split(" "):
            for word, pieces in self._token_words(token):
                words.append(WordPieces(word, tuple(first + piece for piece in pieces)))
            first += len(self._token_ids(token))
        return words

    def target_words(self, ids: Sequence[int]) -> list[WordPieces]:
        """Return the words of `decode(ids)` with the indices of the pieces that spell them.

        A piece belongs to the word in which its first visible character stands; a piece of spaces
        alone to the word after it, else to the last. PAD, BOS and EOS belong to none. In scripts
        without spaces words that share a piece are one; in others a word has no piece if a model
        spelt it inside the piece of the word before.
        """
        surfaces = [self._surfaces[id_] for id_ in ids]
        ends = accumulate(map(len, surfaces))
        places = {
            index: end - len(surface.lstrip())
            for index, (surface, end) in enumerate(zip(surfaces, ends, strict=True))
            if surface
        }
        return _divide("".join(surfaces), places)

    def _spell_token(self, token: str) -> tuple[int, ...]:
        return tuple(chain.from_iterable(map(self._unit_ids, _units(token, self._clean))))

    def _spell_unit(self, unit: str) -> tuple[int, ...]:
        # A unit a call: SentencePiece starts threads for every list, 121 µs against 3.
        return tuple(self._spell.encode(unit))

    def _divide_token(self, token: str) -> list[WordPieces]:
        """The words shown of a run of characters between spaces, its pieces counted from 0."""
        places: list[int] = []
        offset = 0
        units = _units(token, self._clean)
        for unit in units:
            places += [offset + place for place in self._places(unit)]
            offset += len(unit)
        return _divide("".join(units), dict(enumerate(places)))

    def _places(self, unit: str) -> list[int]:
        """Where in `unit` each of its pieces begins."""
        ids = self._unit_ids(unit)
        if len(ids) < 2 or unit.isascii():  # its pieces part no words
            return [0] * len(ids)
        pieces: list[str] = self._spell.encode(unit, out_type=str)  # what is unknown as it stands
        begins = list(accumulate(map(len, pieces[:-1]), initial=0))
        if "".join(pieces).replace(_SPACE, " ") == unit:
            return begins
        starts = [0, *[start for start, _ in word_spans(unit)][1:]]
        words = [unit[start:end] for start, end in zip(starts, [*starts[1:], None], strict=True)]
        normal = list(accumulate((len(self._spell.normalize(word)) for word in words), initial=0))
        return [starts[bisect_right(normal, begin, hi=len(starts)) - 1] for begin in begins]


class Tokenizers(NamedTuple):
    """The tokenizers of the two sides; of one and the same model if they share a vocabulary.

    Where sources are not text, what reads their files stands in the place of a tokenizer.
    """

    input: Tokenizer | FileReader
    target: Tokenizer

    @property
    def source(self) -> Tokenizer:
        """The tokenizer of the source; UserError where sources are files."""
        if isinstance(self.input, FileReader):
            raise UserError(
                f"this needs text on the source's side, and sources are files ({self.input.kind})"
            )
        return self.input

    @property
    def joint(self) -> bool:
        """Whether both sides share one vocabulary."""
        return self.input.model is self.target.model

    @property
    def sizes(self) -> tuple[int | Features, int]:
        """What a model is built for: the sizes of the vocabularies, or of a source's features."""
        size = self.input.size if isinstance(self.input, FileReader) else len(self.input)
        return size, len(self.target)

    def save(self, folder: Path) -> None:
        """Write joint.model, or source.model and target.model, into `folder`, made if need be.

        Where sources are not text, source.json takes the place of source.model.
        """
        folder.mkdir(parents=True, exist_ok=True)
        if isinstance(self.input, FileReader):
            (folder / _READER).write_bytes(self.input.model)
            (folder / "target.model").write_bytes(self.target.model)
        elif self.joint:
            (folder / "joint.model").write_bytes(self.source.model)
        else:
            (folder / "source.model").write_bytes(self.source.model)
            (folder / "target.model").write_bytes(self.target.model)

    @classmethod
    def load(cls, folder: Path) -> Tokenizers:
        """Return what `save` wrote; UserError naming the file that is missing or damaged."""
        if (folder / "joint.model").exists():
            return cls.sharing(_load(folder / "joint.model"))
        if (folder / _READER).exists():
            return cls(read_model(folder / _READER), _load(folder / "target.model"))
        source = _load(folder / "source.model", clean_source)
        return cls(source, _load(folder / "target.model"))

    @classmethod
    def sharing(cls, target: Tokenizer) -> Tokenizers:
        """Return the tokenizers of two sides that share the vocabulary of `target`."""
        return cls(Tokenizer(target.model, clean_source), target)


def train_tokenizers(
    sources: Iterable[str], targets: Iterable[str], config: TokenizerConfig
) -> Tokenizers:
    """Return tokenizers learnt from the sentences; the same sentences give the same bytes.

    Holds every sentence in memory: hand it a sample of a large corpus. A text too small for
    `vocab_size` pieces gives as many as it has, with a warning. Raises UserError if `vocab_size` is
    less than the text's characters (kinds bpe and unigram), or if there is no text.
    """
    source_units = _units_of_all(sources, clean_source)
    if config.joint:
        both = chain(source_units, _units_of_all(targets, clean_target))
        return Tokenizers.sharing(Tokenizer(_train(both, config, "text")))
    source = Tokenizer(_train(source_units, config, "source"), clean_source)
    return Tokenizers(source, train_target_tokenizer(targets, config))


def train_target_tokenizer(targets: Iterable[str], config: TokenizerConfig) -> Tokenizer:
    """Return a tokenizer learnt from target sentences alone, as `train_tokenizers` does."""
    return Tokenizer(_train(_units_of_all(targets, clean_target), config, "target"))


def _load(path: Path, clean: Callable[[str], str] = clean_target) -> Tokenizer:
    check_file(path)
    try:
        model = path.read_bytes()
        if not model:  # SentencePiece would take it for no model being given
            raise UserError(f"{path}: not a SentencePiece model: the file is empty")
        tokenizer = Tokenizer(model, clean)
    except FileNotFoundError:
        raise UserError(f"{path}: no such tokenizer file") from None
    except (OSError, RuntimeError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not a SentencePiece model: {error}") from None
    if not tokenizer.is_faithful:
        raise UserError(f"{path}: not a SentencePiece model that this program wrote, or damaged")
    return tokenizer


# --- words ---------------------------------------------------------------------------------------


def _units_of_all(texts: Iterable[str], clean: Callable[[str], str]) -> Iterator[str]:
    return chain.from_iterable(_units(token, clean) for text in texts for token in text.split(" "))


@lru_cache(_CACHED_TOKENS)
def _units(token: str, clean: Callable[[str], str]) -> tuple[str, ...]:
    """The units of a run of characters between spaces, cleaned, each with the white space before.

    What is clean token by token is the text, cleaned, at a fraction of the cost: tokens come again.
    """
    return tuple(chain.from_iterable(map(_token_units, clean(token).split(" "))))


def _token_units(token: str) -> tuple[str, ...]:
    """The units of a clean token; none if it is white space alone."""
    ends = [end for _, end in unit_spans(token)]
    if not ends:
        return ()
    ends[-1] = len(token)
    first, *others = (token[start:end] for start, end in zip([0, *ends], ends, strict=False))
    return (f" {first}", *others)


def _split_unit(unit: str) -> list[str]:
    """The words of a unit or of a part of one; `qu'`, which is not one on its own, is one here."""
    return split_words(unit) if len(list(unit_spans(unit))) == 1 else [unit]


def _divide(text: str, places: Mapping[int, int]) -> list[WordPieces]:
    """The words of `text` with their pieces; `places` says where each piece begins to be seen.

    Where no piece begins between two words of a unit, they are one.
    """
    cuts = {start for start, _ in unit_spans(text)}.union(places.values())
    spans: list[tuple[int, int]] = []
    for start, end in word_spans(text):
        if start in cuts:
            spans.append((start, end))
        else:
            spans[-1] = (spans[-1][0], end)
    owned: list[list[int]] = [[] for _ in spans]
    word = 0
    for piece, place in places.items():
        while word < len(spans) - 1 and spans[word][1] <= place:
            word += 1
        if spans:
            owned[word].append(piece)
    return [
        WordPieces(text[start:end], tuple(pieces))
        for (start, end), pieces in zip(spans, owned, strict=True)
    ]


# --- training ------------------------------------------------------------------------------------


def _fragments(units: Iterable[str]) -> Iterator[str]:
    """Training text, a few units a line, with their ends marked.

    Whole sentences would do for BPE. The unigram trainer proposes only pieces that are followed by
    different things: with the mark after every word it would never propose a whole word. Lines
    that end anywhere give each word two followers, the mark and the line's end.
    """
    fragment: list[str] = []
    for unit in units:
        fragment.append(unit)
        if len(fragment) == _FRAGMENT:
            yield _BOUNDARY.join(fragment)
            fragment = []
    if fragment:
        yield _BOUNDARY.join(fragment)


def _train(units: Iterable[str], config: TokenizerConfig, side: str) -> bytes:
    model = io.BytesIO()
    merges = config.kind in ("bpe", "unigram")  # the others need no marks, and take none
    text = _fragments(units) if merges else units
    try:
        interruptible(
            lambda interrupted: sentencepiece.SentencePieceTrainer.train(
                sentence_iterator=takewhile(lambda _: not interrupted.is_set(), text),
                model_writer=model,
                model_type=config.kind,
                vocab_size=config.vocab_size,
                hard_vocab_limit=False,
                character_coverage=config.character_coverage,
                normalization_rule_name=config.normalization,
                pretokenization_delimiter=_BOUNDARY if merges else "",
                split_by_unicode_script=False,  # the word is the only boundary
                add_dummy_prefix=False,  # a unit brings the space before it
                remove_extra_whitespaces=False,
                pad_id=PAD,
                unk_id=UNK,
                bos_id=BOS,
                eos_id=EOS,
                num_threads=2,  # a constant: the number is part of the model's bytes
                minloglevel=2,
            )
        )
    except RuntimeError as error:
        raise _explained(error, config, side) from None
    size = len(Tokenizer(model.getvalue()))
    if size < config.vocab_size:
        logger.warning(
            "tokenizer.vocab_size is %d, but the %s has fewer different pieces; the vocabulary has "
            "%d",
            config.vocab_size,
            side,
            size,
        )
    return model.getvalue()


def _explained(error: RuntimeError, config: TokenizerConfig, side: str) -> UserError:
    too_small = re.search(r"required_chars\. \d+ vs (\d+)", str(error))
    if too_small:
        return UserError(
            f"tokenizer.vocab_size: expected at least {too_small[1]}, the different characters of "
            f"the {side} and 4 special pieces, found {config.vocab_size}"
        )
    if "sentences_.empty()" in str(error):
        return UserError(f"tokenizer: expected text to learn pieces from, found no {side}")
    return UserError(f"tokenizer: SentencePiece could not be trained on the {side}: {error}")
