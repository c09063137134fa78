"""Weights by the name they were published under: the index of a kit, and what it takes to use an entry.

A kit lists what it knows in `pretrained.csv`, one line a set of weights:

    name      what `pretrained:` and `weights:` may say
    address   where the file is
    sha256    of the file; empty where its publisher gives none, then that of the first download is kept and held to
    licence   of the weights
    labels    a file of the kit with the class names, one a line, in the order of the classes
    family    which names its file uses, see `OfficialNames` of the kit; empty where they are ours
    settings  keys of `configs/<name>.yml` that the model of these weights needs otherwise: `model.backbone.x=true`
    top1, top5  published accuracy in percent
"""

import csv
import dataclasses
import os
import re
from pathlib import Path
from urllib.parse import urlsplit

from common.config import load_config, namespace
from common.errors import ConfigError, EnvironmentProblem
from common.log import logger
from common.suggest import did_you_mean
from common.system import runtime
from common.weights import checkpoint

INDEX = "pretrained.csv"
COLUMNS = ("name", "address", "sha256", "licence", "labels", "family", "settings", "top1", "top5")
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,95}")


@dataclasses.dataclass(frozen=True)
class Published:
    """One line of the index.

    Args:
        kit (Path): the kit that lists it.
        name (str): what a configuration says.
        address (str): https.
        sha256 (str): in hexadecimal, or empty.
        licence (str): of the weights.
        labels (str): a file of the kit, or empty.
        family (str): of the names in the file, or empty where they are ours.
        settings (str): `key=value`, separated by blanks, that the model needs.
        top1 (str): published accuracy in percent, or empty.
        top5 (str): the same of five guesses.
    """

    kit: Path
    name: str
    address: str
    sha256: str
    licence: str
    labels: str
    family: str
    settings: str
    top1: str
    top5: str

    def check_settings(self, config):
        """Refuses a configuration whose model lacks a setting that these weights need.

        Raises:
            ConfigError: it names what to add.
        """
        for setting in self.settings.split():
            key, _, value = setting.partition("=")
            if str(config.get(key, None)).lower() != value.lower():
                raise ConfigError(f"{self.name}: these weights are of a model with {setting}; add -o {self.settings}")

    def class_names(self):
        """The names of its classes (list[str]), None where the index knows none."""
        if not self.labels:
            return None
        return (self.kit / self.labels).read_text(encoding="utf-8").splitlines()

    def path(self):
        """The file, fetched if it is not here, and as it was when it was published or first came.

        Raises:
            EnvironmentProblem: it cannot be fetched, or has changed since.
        """
        from common.weights.download import Remote, fetch, home

        target = home() / "weights" / self.name / Path(urlsplit(self.address).path).name
        if not target.is_file():
            logger.info("%s: fetching %s (%s)", self.name, self.address, self.licence)
        local = bool(os.environ.get("KIT_ALLOW_LOCAL"))  # a mirror in one's own network
        fetch(Remote(self.address, (urlsplit(self.address).hostname,), self.sha256 or None, local), target)
        return self.held_to(target)

    def held_to(self, target):
        """The file, if its checksum is that of the index or of the first download."""
        from common.weights.download import sha256_of

        note, found = target.with_name(f"{target.name}.sha256"), sha256_of(target)
        if not self.sha256 and not note.is_file():
            note.write_text(found, encoding="ascii")
            logger.warning("%s: its publisher gives no checksum; from now on it is held to sha256 %s", target, found)
        wanted = self.sha256 or note.read_text(encoding="ascii")
        if found != wanted:
            raise EnvironmentProblem(
                f"{target}: has changed, sha256 {found} instead of {wanted}\n  fix: delete it, and it is fetched anew"
            )
        return target

    def arrays(self):
        """Name -> array, under the names of our models.

        Raises:
            EnvironmentProblem: see :meth:`path`.
            UnsafeFile: the file wants to run code.
            ConfigError: its arrays are not those of the model, which `configs/<name>.yml` describes.
        """
        path = self.path()
        arrays = checkpoint.read_weights(path)
        if not self.family:
            return arrays
        names = namespace.Namespace(self.kit).resolve("OfficialNames")(self.family)
        try:
            return names.rename(arrays, self.shapes())
        except ConfigError as error:
            raise ConfigError(f"{path}: not the weights of {self.name}: {error}") from error

    def shapes(self):
        """The arrays of the model that `configs/<name>.yml` of the kit describes: name -> shape, in order."""
        runtime.prepare()
        import paddle

        config = load_config(self.kit / "configs" / f"{self.name}.yml", self.settings.split())
        labels = self.class_names()
        with paddle.LazyGuard(), paddle.utils.unique_name.guard():
            model = config.build("model", labels=labels, num_classes=len(labels))
        return {name: tuple(value.shape) for name, value in model.state_dict().items()}


def find_published(kit, value):
    """The entry that a value of `pretrained:` or `weights:` names; None where it is a path.

    Raises:
        ConfigError: it is no path, looks like a name, and the kit's index has no such name.
    """
    if not value or Path(value).exists() or not NAME.fullmatch(str(value)):
        return None
    index = read_index(kit)
    if value in index:
        return index[value]
    if not index or Path(value).suffix in (".safetensors", ".pdparams", ".pdiparams"):
        return None
    raise ConfigError(
        f"{value}: there is no such checkpoint, and {Path(kit).name}/{INDEX} lists no weights of this name"
        f"{did_you_mean(str(value), list(index))}"
    )


def read_index(kit):
    """The index of a kit: name -> Published; empty where it has none.

    Raises:
        ConfigError: a line is not as the header of this module says.
    """
    path = Path(kit) / INDEX
    if not path.is_file():
        return {}
    found = {}
    with open(path, encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise ConfigError(f"{path}:1: the columns are {', '.join(COLUMNS)}")
        for row in reader:
            place = f"{path}:{reader.line_num}"
            if None in row or None in row.values():
                raise ConfigError(f"{place}: a line has {len(COLUMNS)} columns")
            if not NAME.fullmatch(row["name"]) or row["name"] in found:
                raise ConfigError(f"{place}: '{row['name']}' is there already, or no name ({NAME.pattern})")
            if row["sha256"] and not re.fullmatch(r"[0-9a-f]{64}", row["sha256"]):
                raise ConfigError(f"{place}: sha256 is 64 hexadecimal digits")
            found[row["name"]] = Published(Path(kit), **row)
    return found
