"""The recipes and the corpus that come with the package."""

import logging
from pathlib import Path

from seq2seq.errors import UserError, did_you_mean

logger = logging.getLogger(__name__)

_PACKAGE = Path(__file__).resolve().parent
_ROOT = _PACKAGE / "bundled" if (_PACKAGE / "bundled").is_dir() else _PACKAGE.parent
"""An installed wheel contains configs/ and data/; a checkout has them beside the package."""
_CONFIGS = _ROOT / "configs"


def find_recipe(path: Path) -> Path:
    """Return `path`, or the bundled recipe of that name where there is no such file here.

    So `--config configs/demo.yaml` and `--config demo` mean the demo from any folder, whatever
    folders are in it. Where both are files, one here and a bundled one, the log says which it is.
    """
    bundled = bundled_recipe(path)
    if path.exists() and not path.is_dir():
        if bundled and not path.samefile(bundled):
            logger.info(
                "configuration: the file %s in this folder, not the bundled recipe of that name",
                path,
            )
        return path
    if bundled is not None:
        here = path.with_suffix(".yaml")
        if here.is_file() and not here.samefile(bundled):
            logger.warning(
                "configuration: the bundled recipe %s, not the file %s in this folder", path, here
            )
        return bundled
    if path.is_dir():
        inside = path / "config.yaml"
        hint = f"; the configuration of this run is {inside}" if inside.exists() else ""
        raise UserError(f"{path}: expected a configuration file, found a folder{hint}")
    names = [f"{name}.yaml" for name in bundled_names()]
    beside = [file.name for file in path.parent.glob("*.yaml")]
    hint = did_you_mean(str(path.with_suffix(".yaml")), [*beside, *names])
    hint = hint or f"; bundled recipes: {', '.join(names)}"
    raise UserError(f"{path}: no such configuration file{hint}")


def bundled_names() -> list[str]:
    """Return the names of the bundled recipes, as `--config` takes them."""
    files = sorted(_CONFIGS.rglob("*.yaml"))
    return [file.relative_to(_CONFIGS).with_suffix("").as_posix() for file in files]


def bundled_recipe(path: Path) -> Path | None:
    """Return the bundled recipe that `demo`, `demo.yaml` or `configs/demo.yaml` names, if any."""
    inside = path.relative_to("configs") if path.parts[:1] == ("configs",) else path
    if not inside.name:
        return None
    recipe = _CONFIGS / inside.with_suffix(".yaml")
    return recipe if not path.is_absolute() and ".." not in path.parts and recipe.exists() else None
