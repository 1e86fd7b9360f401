"""Pictures -> patches of pixels. They are read by Pillow (the extra `images`)."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from seq2seq.bounds import Frequencies
from seq2seq.data.sources.contract import FileReader, Grid, Scale, existing_file
from seq2seq.errors import UserError
from seq2seq.extras import MissingPackageError, install_hint

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

_CHANNELS = {"rgb": "RGB", "grey": "L"}
_MOST = 100_000_000  # pixels: what is decoded, before it is made smaller, takes 400 MB


class ImageReader(FileReader):
    """A picture, cut into square patches, left to right and top to bottom.

    One whose longer side has more than `pixels` is made smaller, in proportion. What is transparent
    is white.
    """

    kind = "image"

    def __init__(
        self,
        *,
        patch: Annotated[int, Field(ge=1, le=4096)] = 8,
        pixels: Annotated[int, Field(ge=1, le=4096)] = 64,
        colour: Literal["rgb", "grey"] = "rgb",
        frequencies: Frequencies = 4,
    ) -> None:
        super().__init__()
        self.patch = patch
        self.pixels = pixels
        self.colour: Literal["rgb", "grey"] = colour
        self.frequencies = frequencies

    def read(self, name: str) -> Grid:
        """Return rows, columns and channels, from 0 (black) to 1."""
        pixels = np.asarray(open_picture(name, self.pixels, self.colour), np.float32)
        grid = pixels / np.float32(255)
        return grid if grid.ndim == 3 else grid[:, :, None]

    def cell(self, axes: int) -> tuple[int, ...]:
        """Return the patch, a square."""
        return self.patch, self.patch

    def usual(self) -> Scale:
        """Return a scale of two axes, and of three channels or one."""
        return Scale.unknown(2, len(_CHANNELS[self.colour]))


def open_picture(name: str, pixels: int, colour: str) -> Image:
    """Return the picture, upright, at most `pixels` wide and high; UserError if it can't be read.

    A file with several frames is refused: a moving picture is an array of four axes.
    """
    try:
        from PIL import Image
    except ImportError:
        raise MissingPackageError(
            f"{name}: a picture needs Pillow: {install_hint('images')}"
        ) from None
    path = existing_file(name)
    try:
        # Of sizes, bounded below, and of damage: what can't be shown is an error.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path) as picture:
                return _shrunk(name, picture, pixels, colour)
    except UserError:
        raise
    except Image.DecompressionBombError:
        raise UserError(f"{name}: expected at most {_MOST:,} pixels, found more") from None
    except Exception as error:  # a damaged picture raises almost anything
        strange = "cannot identify" in str(error)
        reason = "it is none that Pillow knows" if strange else str(error) or type(error).__name__
        raise UserError(f"{name}: cannot be read as a picture: {reason}") from None


def _shrunk(name: str, picture: ImageFile, pixels: int, colour: str) -> Image:
    """The picture, once it is known to be one that may be decoded."""
    from PIL import Image, ImageOps

    if picture.format == "EPS":  # a program, which Pillow has Ghostscript run
        raise ValueError("it is a PostScript program; save it as PNG")
    width, height = picture.size
    if width * height > _MOST:
        raise UserError(
            f"{name}: expected at most {_MOST:,} pixels, found {width:,} x {height:,}; make it "
            "smaller"
        )
    frames: int = getattr(picture, "n_frames", 1)
    if frames > 1:
        raise UserError(
            f"{name}: expected one picture, found {frames} frames; data.source_kind "
            "array reads moving pictures"
        )
    picture.draft(_CHANNELS[colour], (pixels, pixels))  # a JPEG is decoded smaller at once
    upright = ImageOps.exif_transpose(picture)
    plain = _opaque(upright)
    if max(plain.size) > pixels:
        plain.thumbnail((pixels, pixels), Image.Resampling.BOX)
    return plain.convert(_CHANNELS[colour])


def _opaque(picture: Image) -> Image:
    """The picture in 8 bits, on white where it is transparent."""
    from PIL import Image

    if picture.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(picture) // 257).astype(np.uint8))
    if picture.mode in ("I", "F"):
        raise ValueError("32-bit pixels; save it with 8 or 16 bits, or use data.source_kind array")
    if picture.has_transparency_data:
        seen = picture.convert("RGBA")
        white = Image.new("RGBA", seen.size, "white")
        return Image.alpha_composite(white, seen).convert("RGB")
    return picture if picture.mode in ("L", "RGB") else picture.convert("RGB")
