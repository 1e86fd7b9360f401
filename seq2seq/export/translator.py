"""The translator of an exported model.

The folder that `seq2seq export` writes, and all that it needs:

    export.json  tokenizer/  encoder.onnx  step.onnx
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from seq2seq.config import DecodingConfig, revise
from seq2seq.data.tokenizer import BOS, EOS, PAD, UNK, Tokenizers
from seq2seq.errors import UserError
from seq2seq.export.network import ENCODER, STEP, Network
from seq2seq.machine.sealed import check_files, read_sealed_json
from seq2seq.search.arrays import NumpyArrays
from seq2seq.search.beam import beam_search
from seq2seq.search.hypothesis import Hypothesis
from seq2seq.search.loop import Request
from seq2seq.translation.careful import batch_size, carefully
from seq2seq.translation.reading import Source
from seq2seq.translation.texts import TextSettings, TextTranslator, longest
from seq2seq.translation.translation import Translation

SETTINGS = "export.json"
FORMAT = 2
SUMS = "files"
"""The setting that holds the sha256 of every other file of the folder."""


class LightTranslator(TextTranslator):
    """One exported model. It searches as `Translator` does; it doesn't draw."""

    def __init__(self, network: Network, tokenizers: Tokenizers, settings: TextSettings) -> None:
        """Take the settings of the run that was exported."""
        super().__init__(tokenizers, settings)
        self._network = network

    @property
    def has_attention(self) -> bool:
        """Whether the model has attention weights."""
        return self._network.has_attention

    def stream(
        self,
        texts: str | Iterable[str],
        options: DecodingConfig | None = None,
        *,
        ahead: int | None = None,
        waits: Callable[[], bool] | None = None,
    ) -> Iterator[Translation]:
        """Yield the translation of each text, in order: see `TextTranslator.stream`.

        Raises UserError if `options` ask for samples, for another precision than the model's, or
        for workers.
        """
        options = options or self.options
        if options.sample:
            raise UserError("decoding.sample: an exported model only searches; draw with its run")
        if options.precision != "fp32":
            raise UserError(
                f"decoding.precision {options.precision}: an exported model has its own, "
                "8 bits if exported so; use its run"
            )
        if options.workers is not None and options.workers > 1:
            raise UserError(
                f"decoding.workers {options.workers}: an exported model decodes in one process"
            )

        def search(sources: Sequence[Source]) -> list[list[Hypothesis]]:
            request = Request(
                max_lengths=[longest(len(source.ids), options) for source in sources],
                bos=BOS,
                eos=EOS,
                forbidden=(PAD, BOS, UNK),
                min_length=options.min_length,
                no_repeat_ngram=options.no_repeat_ngram,
            )
            return beam_search(
                self._network.step,
                self._network.encode(*self._padded(sources)),
                request,
                arrays=NumpyArrays(),
                beam=options.beam,
                n_best=options.n_best,
                length_penalty=options.length_penalty,
            )

        return self._searched(
            texts,
            carefully(search, options),
            options=options,
            size=batch_size(options),
            ahead=ahead,
            waits=waits,
        )

    def __repr__(self) -> str:
        """Return what it is and how it searches, on one line."""
        return f"LightTranslator({self._searching()}, on cpu, exported)"


def find_export(folders: Sequence[Path]) -> Path | None:
    """Return the exported model among `folders`, if one is; UserError if it is not the only one."""
    exports = [folder for folder in folders if (folder / SETTINGS).is_file()]
    if exports and len(folders) > 1:
        raise UserError(f"{exports[0]}: an exported model can't be in an ensemble; name its run")
    return exports[0] if exports else None


def load(folder: str | Path, *, checkpoint: str = "best", device: str = "auto") -> LightTranslator:
    """Return the translator of an exported model.

    Raises UserError naming the file that isn't as it was written, or for another checkpoint or
    device than the model has.
    """
    folder = Path(folder)
    if checkpoint != "best":
        raise UserError(
            f"{folder}: an exported model has one checkpoint, found checkpoint {checkpoint!r}; "
            "leave it out, or name its run"
        )
    if device not in ("auto", "cpu"):
        raise UserError(
            f"{folder}: an exported model runs on the CPU, found device {device!r}; leave it out, "
            "or name its run"
        )
    settings = _read_settings(folder)
    return LightTranslator(Network(folder), Tokenizers.load(folder / "tokenizer"), settings)


def _read_settings(folder: Path) -> TextSettings:
    path = folder / SETTINGS
    try:
        stored: dict[str, Any] = read_sealed_json(path)
        if (found := stored.get("format")) != FORMAT:
            raise UserError(
                f"{path}: expected format {FORMAT}, found {found!r}: export it again, with the "
                "checksums of this version"
            )
        read_sealed_json(path, required=True)
        _check_sums(folder, stored[SUMS])
        return TextSettings(
            options=revise(DecodingConfig(), dict(stored["decoding"])),
            source_end=bool(stored["source_end"]),
            max_length=int(stored["max_length"]),
            language=str(stored.get("source", "")),
            scripts=frozenset(map(str, stored.get("scripts", ()))),
        )
    except FileNotFoundError:
        raise UserError(f"{folder}: not an exported model (it has no {SETTINGS})") from None
    except UserError:
        raise
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise UserError(f"{path}: damaged: {error}") from None


def _check_sums(folder: Path, sums: dict[str, str]) -> None:
    """Raise DamagedError unless the files of the folder are those that were exported."""
    check_files(folder, sums)
    needed = {ENCODER, STEP, *(f"tokenizer/{file.name}" for file in folder.glob("tokenizer/*"))}
    if unknown := sorted(needed - {*sums}):
        raise UserError(f"{folder / unknown[0]}: not a file of this export; export it again")
