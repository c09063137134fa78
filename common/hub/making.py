"""Makes an exported model from a configuration and the weights that a package carries, as a recipe says."""

from pathlib import Path

from common.config import load_config
from common.config.overrides import assignments, flatten
from common.files import read_lines
from common.hub.trainable import export_module
from common.text.characters import BLANK
from common.text.vocabulary import SPACE

VOCABULARY = "characters.txt"  # beside the members of the package, with the space


def configured(kit, making, files, **changes):
    """The configuration of a model with the settings of its recipe (Config).

    Args:
        kit (Path): the folder of the kit.
        making (dict): config, weights, names, labels, characters, settings, see `common.hub.recipe`.
        files (str | Path): the folder with the members of the package.
        **changes: keys of the configuration.

    Raises:
        DataError: a file of names or characters is missing.
    """
    settings = {key: in_files(value, files) for key, value in making.get("settings", {}).items()}
    if "labels" in making:
        changes["labels"] = read_lines(kit / making["labels"])
    if "characters" in making:
        known = read_lines(kit / in_files(making["characters"], files))
        changes["labels"] = [BLANK, *known, *([] if SPACE in known else [SPACE])]
        changes["vocab"] = str(Path(files) / VOCABULARY)
    return load_config(kit / making["config"], assignments(flatten({**settings, **changes})))


def in_files(value, files):
    """A setting with the folder of the members in place of `{files}`."""
    return value.replace("{files}", str(files)) if isinstance(value, str) else value


def export_model(kit, making, files, work, folder):
    """Converts the weights of a package, exports them, and proves that the export predicts as the model in memory.

    Args:
        kit (Path): the folder of the kit.
        making (dict): see :func:`configured`.
        files (Path): the folder with the members of the package.
        work (Path): a new folder for what is needed in between.
        folder (Path): the export.

    Raises:
        ConfigError: the weights are not those of the configuration.
    """
    work.mkdir()
    weights, config = files / making["weights"], configured(kit, making, files)
    if "characters" in making:
        names = config.get("labels")[1:]
        (files / VOCABULARY).write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
    if making.get("names"):
        from common.build.foreign import rename_foreign
        from common.weights.read_foreign import read_foreign
        from common.weights.safetensors import encode_arrays, write_atomically

        arrays = rename_foreign(config, making["names"], read_foreign(weights))
        weights = work / "weights.safetensors"
        write_atomically(weights, encode_arrays(arrays))
    run = configured(kit, making, files, weights=str(weights), output_dir=str(work / "run"))
    export_module(run, folder, making.get("trainable", False))
