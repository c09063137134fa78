"""Files of recipes: the card of a module and the keys that say how it is made; slips are refused with their lines."""

from common.config.kits import shipped_kits
from common.config.tree import children, to_plain
from common.config.types import describe_value
from common.config.yaml import read_file
from common.errors import ConfigError
from common.hub.archive import checked_parts
from common.hub.card import Card, check_card
from common.suggest import did_you_mean


def recipe_paths(kits=None, folder="hub"):
    """The files of the recipes of all kits (list[Path]); the module has the name of its file.

    Args:
        kits (list[Path]): folders of kits; those that are shipped when None.
        folder (str): of the recipes in a kit.
    """
    return [path for kit in (shipped_kits() if kits is None else kits) for path in sorted((kit / folder).glob("*.yml"))]


def read_recipe_file(path, kinds, required, check=lambda tree, making: []):
    """Reads a recipe.

    Args:
        path (Path): of the file.
        kinds (dict[str, type]): the keys that say how the module is made; all others are those of a card.
        required (Iterable[str]): of these keys, those that must be there.
        check (Callable): (tree, making) -> further problems (list[str]).

    Returns:
        tuple[Card, dict]: the card without its files, and the keys that say how the module is made.

    Raises:
        ConfigError: a key is missing or not known, or a value is of another kind; with its line.
    """
    tree = read_file(path)
    card, making, problems = {}, {}, []
    for key, value, place in children(tree):
        if key not in kinds:
            card[key] = (value, place)
        elif not isinstance(value, kinds[key]):
            problems.append(f"{place}: '{key}' cannot be {describe_value(value)}")
        else:
            making[key] = to_plain(value)
    problems += missing_keys(tree, tree.place, required)
    problems += check(tree, making) + check_card(card, tree.place, kinds)
    if problems:
        raise ConfigError("\n".join(problems))
    return Card(**{key: to_plain(value) for key, (value, _) in card.items()}), making


def missing_keys(tree, place, required):
    """The problems of keys that are missing (list[str])."""
    return [f"{place}: '{key}' is missing" for key in required if key not in tree]


def check_parts(tree, kinds, required):
    """The problems of the `parts` of a recipe (list[str]), each a mapping with keys of these kinds."""
    problems = []
    for _, part, place in children(tree["parts"]):
        if not isinstance(part, dict):
            problems.append(f"{place}: a part is a mapping, not {describe_value(part)}")
            continue
        problems += missing_keys(part, place, required)
        for key, value, at in children(part):
            if key not in kinds:
                problems.append(f"{at}: '{key}' is not a key of a part{did_you_mean(key, kinds)}")
            elif not isinstance(value, kinds[key]):
                problems.append(f"{at}: '{key}' cannot be {describe_value(value)}")
    return problems


def write_members(members, folder):
    """Writes files of an archive, {path inside: bytes}, below a folder (Path): {name of the file: Path}."""
    files = {}
    for inside, data in members.items():
        path = folder.joinpath(*checked_parts(inside))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        files[path.name] = path
    return files
