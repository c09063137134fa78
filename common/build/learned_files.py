"""Files that belong to a model: what its transforms learned travels with every checkpoint and every export.

A transform that keeps what it learned names it in its key `file`.  The copy beside the weights has the file's own name.
"""

from pathlib import Path

from common.errors import ConfigError
from common.log import logger
from common.weights import checkpoint

SPLITS = ("train", "eval", "test", "infer")


def learned_files(config, split):
    """{name: Path} of the files that the transforms of a split learned, as far as they are there.

    Raises:
        ConfigError: two of them have one name.
    """
    found = {}
    for _, file in file_keys(config, split) if split else ():
        path = Path(file)
        if path.name in found and found[path.name] != path:
            raise ConfigError(f"{config.place(f'data.{split}.transforms')}: two files are named {path.name}")
        if path.is_file():
            found[path.name] = path
    return found


def check_unchanged(config, folder):
    """Refuses to go on with a checkpoint (its folder, a Path) whose transforms had learned something else.

    Raises:
        ConfigError: a file is not what it was: numbers that stood for one thing would stand for another.
    """
    for path, beside in changed_files(config, folder):
        raise ConfigError(
            f"{path}: is not what this run began with, which is {beside}\n"
            "  fix: copy that one back, or train anew with --overwrite"
        )


def warn_of_changes(config, weights):
    """Says so where training begins from weights (a path) whose transforms had learned something else."""
    for path, beside in changed_files(config, folder_of(weights)):
        logger.warning(
            "%s differs from %s: its numbers stand for other things than the weights learned; "
            "a copy of the second in the place of the first would make them mean the same",
            *(path, beside),
        )


def changed_files(config, folder):
    """(file, that of a checkpoint in `folder`) of what the transforms of the training data learned, if they differ."""
    pairs = [(path, folder / name) for name, path in learned_files(config, "train").items()]
    return [pair for pair in pairs if pair[1].is_file() and pair[0].read_bytes() != pair[1].read_bytes()]


def adopt_files(config, weights):
    """Has every transform read the file beside these weights (a path), where there is one."""
    folder = folder_of(weights)
    for split in SPLITS:
        for key, file in file_keys(config, split):
            beside = folder / Path(file).name
            if beside.is_file():
                config.set(key, str(beside))


def folder_of(weights):
    """The folder (Path) of weights that a path names."""
    place = checkpoint.find_weights(weights)
    return place.parent if place.is_file() else place


def file_keys(config, split):
    """(dotted path, value) of the key `file` of each transform of a split that has one."""
    if not config.get(f"data.{split}", None):
        return []
    keys = [f"data.{split}.transforms.{i}.file" for i in range(len(config.get(f"data.{split}.transforms", None) or []))]
    return [(key, config.get(key, None)) for key in keys if isinstance(config.get(key, None), str)]
