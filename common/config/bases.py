"""A configuration laid over its bases: `_base_:` names one file or several, which may have bases themselves.

Mappings merge, all else replaces, later bases lie over earlier ones and the file over all of them; a node whose `type`
changes is replaced.  Every key keeps the file and line where it was written.
"""

from pathlib import Path

from common.config import kits
from common.config.tree import Items, Node, mentioned, merge
from common.config.yaml import read_file, shown
from common.errors import ConfigError

KEYS = ("_base_", "_BASE_")


def read_with_bases(file, default_kit=None, tree=None):
    """A configuration merged with all its bases.

    Args:
        file (Path): absolute.
        default_kit (str | Path): the kit in use, tried for bases that are not beside the file.
        tree (Node): what the file would hold; it is read when None.

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
    """Notes that `slim:` is of the kit it was written in, where the configuration is one of another kit.

    Args:
        tree (Node): of the configuration.
        beside (Path | None): the kit in which the file lies.
        folder (Path): the kit of the configuration.
    """
    slim = tree.get("slim")
    if isinstance(slim, Node) and "kit" not in slim and beside not in (None, folder):
        slim.set("kit", beside.name if beside.parent == kits.ROOT else str(beside), slim.place)


def _read(file, used, default_kit, chain, tree=None):
    """The tree of a file over its bases; `chain` holds the files that led here, the file itself last."""
    tree = read_file(file) if tree is None else tree
    used |= mentioned(tree)
    keys = [key for key in KEYS if key in tree]
    if len(keys) > 1:
        raise ConfigError(f"{tree.places[keys[1]]}: both _base_ and _BASE_ are written; keep one")
    if not keys:
        return tree
    place, names = tree.places[keys[0]], tree.pop(keys[0])
    result = None
    for name in names if isinstance(names, Items) else [names]:
        if not isinstance(name, str):
            raise ConfigError(f"{place}: {keys[0]} is {name!r}; it takes the path of a file, or a list of them")
        base = kits.find_base(name, file, [*kits_of(tree, file), default_kit], place)
        if base in chain:
            circle = " -> ".join(shown(path) for path in (*chain[chain.index(base) :], base))
            raise ConfigError(f"{place}: the bases form a circle: {circle}")
        below = _read(base, used, default_kit, (*chain, base))
        _claim(below, kits.kit_above(base), kits.kit_above(file), place)
        result = below if result is None else merge(result, below)
    return tree if result is None else merge(result, tree)


def _claim(below, owner, here, place):
    """A base in another kit is a configuration of that kit, and so is what lies over it.

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
