"""Inheritance between configuration files: `_base_:` names one file or several, which may have bases themselves.

Mappings are merged, all other values replaced; later bases override earlier ones, and the file overrides all of them.
A node whose `type` changes is replaced as a whole.  Every key keeps the file and line where it was written.
"""

from pathlib import Path

from common.config import kits
from common.config.tree import Items, Node, merge, referenced_keys
from common.config.yaml import display_path, read_file
from common.errors import ConfigError

KEYS = ("_base_", "_BASE_")


def read_with_bases(file, default_kit=None, tree=None):
    """Reads a configuration and merges it with all its bases.

    Args:
        file (Path): absolute.
        default_kit (str | Path): the kit in use, tried for bases that are not beside the file.
        tree (Node): the contents of the file; read from it when None.

    Returns:
        Node: the merged tree.
        set[str]: the top-level keys that a reference in any of the files names.

    Raises:
        ConfigError: a file is missing or not YAML, or the bases form a circle.
    """
    used = set()
    return _read(file, used, default_kit, (file,), tree), used


def kits_of(tree, file):
    """The kits in use (list[Path]): the one that a configuration names by `kit:`, then the one its file lies in."""
    named = [kits.ROOT / str(tree["kit"]), Path(str(tree["kit"]))] if tree.get("kit") else []
    return [folder for folder in (*named, kits.kit_above(file)) if folder is not None and kits.is_kit(folder)]


def name_methods(tree, beside, folder):
    """Sets `slim.kit` to the kit that the file lies in, where the configuration belongs to another kit.

    Args:
        tree (Node): the configuration.
        beside (Path | None): the kit in which the file lies.
        folder (Path): the kit that the configuration belongs to.
    """
    slim = tree.get("slim")
    if isinstance(slim, Node) and "kit" not in slim and beside not in (None, folder):
        slim.set("kit", beside.name if beside.parent == kits.ROOT else str(beside), slim.place)


def _read(file, used, default_kit, chain, tree=None):
    """The tree of a file over its bases; `chain` holds the files that led here, the file itself last."""
    tree = read_file(file) if tree is None else tree
    used |= referenced_keys(tree)
    keys = [key for key in KEYS if key in tree]
    if len(keys) > 1:
        raise ConfigError(f"{tree.places[keys[1]]}: both _base_ and _BASE_ are given; keep one")
    if not keys:
        return tree
    place, names = tree.places[keys[0]], tree.pop(keys[0])
    result = None
    for name in names if isinstance(names, Items) else [names]:
        if not isinstance(name, str):
            raise ConfigError(f"{place}: {keys[0]} is {name!r}; it takes the path of a file, or a list of them")
        base = kits.find_base(name, file, [*kits_of(tree, file), default_kit], place)
        if base in chain:
            circle = " -> ".join(display_path(path) for path in (*chain[chain.index(base) :], base))
            raise ConfigError(f"{place}: the bases form a circle: {circle}")
        below = _read(base, used, default_kit, (*chain, base))
        _claim(below, kits.kit_above(base), kits.kit_above(file), place)
        result = below if result is None else merge(result, below)
    return tree if result is None else merge(result, tree)


def _claim(below, owner, here, place):
    """Sets `kit` where a base lies in another kit: the configuration that inherits from it belongs to that kit.

    Args:
        below (Node): the merged tree of the base.
        owner (Path | None): the kit in which the base lies.
        here (Path | None): the kit in which the file over it lies.
        place (str): where the base was named.
    """
    if owner in (None, here):
        return
    if "kit" not in below:
        below.set("kit", str(owner), place)
    name_methods(below, owner, (kits.ROOT / Path(str(below["kit"]))).resolve())
