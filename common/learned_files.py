"""Files that belong to a model: what its transforms learned travels with every checkpoint and every export.

A transform that keeps what it learned names it in its key `file`.  The copy beside the weights has the file's own name.
"""

from pathlib import Path

from common import checkpoint
from common.errors import ConfigError

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
    for name, path in learned_files(config, "train").items():
        if (folder / name).is_file() and (folder / name).read_bytes() != path.read_bytes():
            raise ConfigError(
                f"{path}: is not what this run began with, which is {folder / name}\n"
                "  fix: copy that one back, or train anew with --overwrite"
            )


def adopt_files(config, weights):
    """Has every transform read the file beside these weights (a path), where there is one."""
    place = checkpoint.find_weights(weights)
    folder = place.parent if place.is_file() else place
    for split in SPLITS:
        for key, file in file_keys(config, split):
            beside = folder / Path(file).name
            if beside.is_file():
                config.set(key, str(beside))


def file_keys(config, split):
    """(dotted path, value) of the key `file` of each transform of a split that has one."""
    if not config.get(f"data.{split}", None):
        return []
    keys = [f"data.{split}.transforms.{i}.file" for i in range(len(config.get(f"data.{split}.transforms", None) or []))]
    return [(key, config.get(key, None)) for key in keys if isinstance(config.get(key, None), str)]
