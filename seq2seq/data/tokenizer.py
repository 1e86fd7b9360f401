"""Sentences <-> ids of pieces, with SentencePiece, and which pieces spell which word.

No piece crosses the end of a word (`seq2seq.data.words`). SentencePiece knows only spaces, so a
text is cut into words here, in training and in use alike, and each word is spelt on its own: the
map from pieces to words is then known, not guessed, and a spelling never depends on its neighbours.

A run of spaces counts as one, and those at either end as none; with `normalization: identity` any
other text comes back from `decode(encode(text))` as it was, U+202F included. Characters that the
training text never had become UNK (one a run), shown as `⁇`. There is no byte fallback: the rows of
256 bytes would hardly be trained, while one UNK aligned to a source word can be replaced by it.
"""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain, takewhile
from pathlib import Path
from typing import NamedTuple

import sentencepiece

from seq2seq.config import TokenizerConfig
from seq2seq.data.words import word_spans
from seq2seq.errors import UserError
from seq2seq.interruption import interruptible

PAD, UNK, BOS, EOS = 0, 1, 2, 3
UNKNOWN = "⁇"
_SPECIAL = ["<pad>", "<unk>", "<s>", "</s>"]
_SPACE = "▁"
_BOUNDARY = "\ufdd0"  # marks the end of a word in training text: Unicode will never assign it
_FRAGMENT = 2  # words
_CACHED_TOKENS = 50_000

logger = logging.getLogger(__name__)


class WordPieces(NamedTuple):
    """A word and the indices of the pieces that spell it, in order."""

    word: str
    pieces: tuple[int, ...]


def join_tokens(words: Sequence[WordPieces], text: str) -> list[WordPieces]:
    """Return what white space separates in `text`, each with the pieces of the words in it.

    `words` are those of `text`, in order. A word has no white space within and each other character
    is in one word, so a token is always a run of whole words.
    """
    rest = iter(words)
    tokens = []
    for token in text.split():
        pieces: list[int] = []
        missing = len(token)
        while missing:
            word, indices = next(rest)
            pieces += indices
            missing -= len(word)
        tokens.append(WordPieces(token, tuple(pieces)))
    return tokens


class Tokenizer:
    """One SentencePiece model, which serves one side of the corpus or both."""

    def __init__(self, model: bytes) -> None:
        self.model = model
        self._spell = sentencepiece.SentencePieceProcessor(model_proto=model)
        count = len(self._spell)
        self._pieces: list[str] = self._spell.id_to_piece(list(range(count)))
        surfaces = [piece.replace(_SPACE, " ") for piece in self._pieces]
        self._surfaces = ["", UNKNOWN, "", "", *surfaces[EOS + 1 :]]
        self._token_ids = lru_cache(_CACHED_TOKENS)(self._spell_token)
        self._unit_ids = lru_cache(_CACHED_TOKENS)(self._spell_unit)

    def __len__(self) -> int:
        """The size of the vocabulary, special pieces included."""
        return len(self._pieces)

    @property
    def is_faithful(self) -> bool:
        """Whether spelling adds no space of its own, as a model that lost its last bytes does."""
        return self._pieces[: EOS + 1] == _SPECIAL and self._spell.normalize("a") == "a"

    def encode(self, text: str) -> list[int]:
        """Return the ids of the pieces of `text`, without BOS or EOS; [] for a blank text."""
        return list(chain.from_iterable(self._token_ids(token) for token in text.split(" ")))

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text that `ids` spell; PAD, BOS and EOS spell nothing."""
        return "".join(self._surfaces[id_] for id_ in ids).removeprefix(" ")

    def pieces(self, ids: Iterable[int]) -> list[str]:
        """Return the pieces themselves, as SentencePiece writes them (`▁` is a space)."""
        return [self._pieces[id_] for id_ in ids]

    def source_words(self, text: str) -> list[WordPieces]:
        """Return the words of `text` with the indices of their pieces in `encode(text)`.

        The words are those of `split_words(text)`; every piece belongs to exactly one of them. A
        word that the normalization erases has no piece.
        """
        words, first = [], 0
        for unit in _units(text):
            end = first + len(self._unit_ids(unit))
            words.append(WordPieces(unit.strip(), tuple(range(first, end))))
            first = end
        return words

    def target_words(self, ids: Sequence[int]) -> list[WordPieces]:
        """Return the words of `decode(ids)` with the indices of the pieces that spell them.

        A piece belongs to the word in which its first visible character stands; a piece of spaces
        alone to the word after it, else to the last. PAD, BOS and EOS belong to none. A word has no
        piece if a model spelt it inside the piece of the word before.
        """
        surfaces = [self._surfaces[id_] for id_ in ids]
        text = "".join(surfaces)
        spans = list(word_spans(text))
        owned: list[list[int]] = [[] for _ in spans]
        word = offset = 0
        for index, surface in enumerate(surfaces):
            start = offset + len(surface) - len(surface.lstrip())
            offset += len(surface)
            while word < len(spans) - 1 and spans[word][1] <= start:
                word += 1
            if surface and spans:
                owned[word].append(index)
        return [
            WordPieces(text[start:end], tuple(indices))
            for (start, end), indices in zip(spans, owned, strict=True)
        ]

    def _spell_token(self, token: str) -> tuple[int, ...]:
        return tuple(chain.from_iterable(map(self._unit_ids, _token_units(token))))

    def _spell_unit(self, unit: str) -> tuple[int, ...]:
        # A unit a call: SentencePiece starts threads for every list, 121 µs against 3.
        return tuple(self._spell.encode(unit))


class Tokenizers(NamedTuple):
    """The tokenizers of the two sides; one and the same object if they share a vocabulary."""

    source: Tokenizer
    target: Tokenizer

    @property
    def joint(self) -> bool:
        """Whether both sides share one vocabulary."""
        return self.source is self.target

    def save(self, folder: Path) -> None:
        """Write joint.model, or source.model and target.model, into `folder`, made if need be."""
        folder.mkdir(parents=True, exist_ok=True)
        if self.joint:
            (folder / "joint.model").write_bytes(self.source.model)
        else:
            (folder / "source.model").write_bytes(self.source.model)
            (folder / "target.model").write_bytes(self.target.model)

    @classmethod
    def load(cls, folder: Path) -> Tokenizers:
        """Return what `save` wrote; UserError naming the file that is missing or damaged."""
        if (folder / "joint.model").exists():
            tokenizer = _load(folder / "joint.model")
            return cls(tokenizer, tokenizer)
        return cls(_load(folder / "source.model"), _load(folder / "target.model"))


def train_tokenizers(
    sources: Iterable[str], targets: Iterable[str], config: TokenizerConfig
) -> Tokenizers:
    """Return tokenizers learnt from the sentences; the same sentences give the same bytes.

    Holds every sentence in memory: hand it a sample of a large corpus. A text too small for
    `vocab_size` pieces gives as many as it has, with a warning. Raises UserError if `vocab_size` is
    less than the text's characters, or if there is no text.
    """
    if config.joint:
        tokenizer = _train(chain(sources, targets), config, "text")
        return Tokenizers(tokenizer, tokenizer)
    return Tokenizers(_train(sources, config, "source"), _train(targets, config, "target"))


def _load(path: Path) -> Tokenizer:
    try:
        model = path.read_bytes()
        if not model:  # SentencePiece would take it for no model being given
            raise UserError(f"{path}: not a SentencePiece model: the file is empty")
        tokenizer = Tokenizer(model)
    except FileNotFoundError:
        raise UserError(f"{path}: no such tokenizer file") from None
    except (OSError, RuntimeError) as error:
        raise UserError(f"{path}: not a SentencePiece model: {error}") from None
    if not tokenizer.is_faithful:
        raise UserError(f"{path}: not a SentencePiece model of this program, or cut off")
    return tokenizer


# --- words ---------------------------------------------------------------------------------------


def _units(text: str) -> Iterator[str]:
    """The words of `text`, each with the white space before it: joined, they are the text again."""
    return chain.from_iterable(_token_units(token) for token in text.split(" "))


@lru_cache(_CACHED_TOKENS)
def _token_units(token: str) -> tuple[str, ...]:
    """The units of a run of characters between spaces; none if it is white space alone."""
    ends = [end for _, end in word_spans(token)]
    if not ends:
        return ()
    ends[-1] = len(token)
    first, *others = (token[start:end] for start, end in zip([0, *ends], ends, strict=False))
    return (f" {first}", *others)


# --- training ------------------------------------------------------------------------------------


def _fragments(sentences: Iterable[str]) -> Iterator[str]:
    """Training text, a few words a line, with their ends marked.

    Whole sentences would do for BPE. The unigram trainer proposes only pieces that are followed by
    different things: with the mark after every word it would never propose a whole word. Lines
    that end anywhere give each word two followers, the mark and the line's end.
    """
    units = chain.from_iterable(map(_units, sentences))
    fragment: list[str] = []
    for unit in units:
        fragment.append(unit)
        if len(fragment) == _FRAGMENT:
            yield _BOUNDARY.join(fragment)
            fragment = []
    if fragment:
        yield _BOUNDARY.join(fragment)


def _train(sentences: Iterable[str], config: TokenizerConfig, side: str) -> Tokenizer:
    model = io.BytesIO()
    try:
        interruptible(
            lambda interrupted: sentencepiece.SentencePieceTrainer.train(
                sentence_iterator=takewhile(
                    lambda _: not interrupted.is_set(), _fragments(sentences)
                ),
                model_writer=model,
                model_type=config.kind,
                vocab_size=config.vocab_size,
                hard_vocab_limit=False,
                character_coverage=config.character_coverage,
                normalization_rule_name=config.normalization,
                pretokenization_delimiter=_BOUNDARY,
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
    tokenizer = Tokenizer(model.getvalue())
    if len(tokenizer) < config.vocab_size:
        logger.warning(
            "tokenizer.vocab_size is %d, but the %s has only %d different pieces",
            config.vocab_size,
            side,
            len(tokenizer),
        )
    return tokenizer


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
