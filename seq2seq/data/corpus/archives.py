"""The corpus in a .zip: two files of one name, as OPUS packs them, or one file of both sides."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from seq2seq.data.corpus.kinds import kind_of
from seq2seq.data.languages import same_language
from seq2seq.data.readers.streams import Zipped, bare_name, members
from seq2seq.errors import UserError

_PAPERS = ("readme", "license", "licence", "_about", "about", "credits", "copying", "changelog")


def corpus_inside(archive: Path, languages: tuple[str, str]) -> list[Zipped]:
    """Return the two files of one name, or the one table, memory or test set, in a .zip.

    Raises UserError, listing what is in it, if there is none or more than one.
    """
    names = [name for name in members(archive) if not is_paper(name)]
    pairs = _aligned(names, languages)
    if len(pairs) == 1:
        return [Zipped(archive, name) for name in pairs[0]]
    whole = [name for name in names if kind_of(Path(name).name) not in (None, "zip", "xml")]
    texts = [name for name in names if Path(name).suffix.lower() == ".txt"]
    for alone in (whole, texts if not whole else []):
        if not pairs and len(alone) == 1:
            return [Zipped(archive, alone[0])]
    listed = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
    ends = " and ".join(f".{language}" for language in languages)
    raise UserError(
        f"{archive}: expected one corpus (two files ending in {ends}, or one table or .tmx), "
        f"found {listed or 'no file'}; unpack it, and name the files"
    )


def side_inside(archive: Path, language: str) -> Zipped:
    """Return the one file of a .zip that is in a language; UserError if there is not just one."""
    names = [name for name in members(archive) if not is_paper(name)]
    named = [n for n in names if same_language(Path(bare_name(Path(n))).suffix[1:], language)]
    chosen = named if len(names) > 1 else names
    if len(chosen) != 1:
        raise UserError(
            f"{archive}: expected one file in {language}, found {', '.join(names[:8]) or 'none'}"
        )
    return Zipped(archive, chosen[0])


def is_paper(name: str) -> bool:
    """Whether a file beside a corpus describes it, by its name: README, LICENSE."""
    return Path(name).name.casefold().startswith(_PAPERS)


def _aligned(names: Sequence[str], languages: tuple[str, str]) -> list[tuple[str, str]]:
    """The files of the source's language, each with the file of the target's and its name."""
    sides: list[dict[str, str]] = [{}, {}]
    for name in names:
        path = Path(name)
        bare = path.with_name(bare_name(path))
        for side, language in zip(sides, languages, strict=True):
            if bare.suffix and same_language(bare.suffix[1:], language):
                side[str(bare.with_suffix(""))] = name
    return [(name, sides[1][stem]) for stem, name in sides[0].items() if stem in sides[1]]
