"""Files of fitted transforms (vocabularies, statistics), which are part of every checkpoint and export.

A transform with such a file names it in its key `file`.  The copy beside the weights keeps the file's name.
"""

from pathlib import Path

from common.errors import ConfigError
from common.log import logger
from common.weights import checkpoint

SPLITS = ("train", "eval", "test", "infer")


def learned_files(config, split):
    """{name: Path} of the existing files of the fitted transforms of a split.

    Raises:
        ConfigError: two files have the same name.
    """
    found = {}
    for _, file in file_keys(config, split) if split else ():
        path = Path(file)
        if path.name in found and found[path.name] != path:
            raise ConfigError(
                f"{config.place(f'data.{split}.transforms')}: two transforms have files named {path.name}"
            )
        if path.is_file():
            found[path.name] = path
    return found


def check_unchanged(config, folder):
    """Checks that the files of fitted transforms equal those of the checkpoint (its folder, a Path) to resume from.

    Raises:
        ConfigError: a file differs, so that ids would have another meaning.
    """
    for path, beside in changed_files(config, folder):
        raise ConfigError(
            f"{path}: differs from the file in this run's checkpoint, {beside}\n"
            "  fix: restore it from the checkpoint, or start over with --overwrite"
        )


def warn_of_changes(config, weights):
    """Warns if training starts from weights (a path) whose files of fitted transforms differ."""
    for path, beside in changed_files(config, folder_of(weights)):
        logger.warning(
            "%s differs from %s: its ids have another meaning than those that the weights were trained on; "
            "replace the first file by the second to use the same ids",
            *(path, beside),
        )


def changed_files(config, folder):
    """(file, file of the checkpoint in `folder`) of the fitted transforms of the training data that differ."""
    pairs = [(path, folder / name) for name, path in learned_files(config, "train").items()]
    return [pair for pair in pairs if pair[1].is_file() and pair[0].read_bytes() != pair[1].read_bytes()]


def adopt_files(config, weights):
    """Sets the files of the transforms to those beside the weights (a path), where they exist."""
    folder = folder_of(weights)
    for split in SPLITS:
        for key, file in file_keys(config, split):
            beside = folder / Path(file).name
            if beside.is_file():
                config.set(key, str(beside))


def folder_of(weights):
    """The folder (Path) of the weights at a path."""
    place = checkpoint.find_weights(weights)
    return place.parent if place.is_file() else place


def file_keys(config, split):
    """(dotted path, value) of the `file` keys of the transforms of a split."""
    if not config.get(f"data.{split}", None):
        return []
    keys = [f"data.{split}.transforms.{i}.file" for i in range(len(config.get(f"data.{split}.transforms", None) or []))]
    return [(key, config.get(key, None)) for key in keys if isinstance(config.get(key, None), str)]
