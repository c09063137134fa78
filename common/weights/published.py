"""Published pretrained weights by name: the index of a kit, downloading, checksums and conversion.

A kit lists them in `pretrained.csv`, one set of weights per line:

    name      the value for `pretrained:` and `weights:`
    address   the URL of the file
    sha256    checksum of the file; if none is published, that of the first download is recorded and enforced
    license   license of the weights
    labels    a file of the kit with the class names, one per line, in class order
    family    naming scheme of the parameters, see `OfficialNames` of the kit; empty if the names are ours
    settings  keys of the configuration that the model of these weights overrides: `model.backbone.x=true`
    top1, top5  published accuracy of a classifier in percent
    config    the configuration of the model; empty if it is called as the weights are
    score     published score of another model, with its name: `AP 38.4`
    refused   where these weights need another definition than our model has; they are then refused
"""

import csv
import dataclasses
import os
import re
from pathlib import Path
from urllib.parse import urlsplit

from common.config import load_config, namespace
from common.config.yaml import read_text
from common.errors import ConfigError, EnvironmentProblem
from common.log import logger
from common.suggest import did_you_mean
from common.system import runtime
from common.weights import checkpoint

INDEX = "pretrained.csv"
COLUMNS = (
    *("name", "address", "sha256", "license", "labels", "family", "settings"),
    *("top1", "top5", "config", "score", "refused"),
)
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,95}")


@dataclasses.dataclass(frozen=True)
class Published:
    """One line of the index of pretrained weights.

    Args:
        kit (Path): the kit of the index.
        name (str): the name in configurations.
        address (str): the HTTPS URL.
        sha256 (str): in hexadecimal, or empty.
        license (str): license of the weights.
        labels (str): a file of the kit with the class names, or empty.
        family (str): naming scheme of the parameters, or empty if the names are ours.
        settings (str): required settings of the model, `key=value` separated by spaces.
        top1 (str): published top-1 accuracy in percent, or empty.
        top5 (str): published top-5 accuracy in percent, or empty.
        config (str): the configuration without folder and suffix; empty if it has the name of the weights.
        score (str): published score with its name, or empty.
        refused (str): why our model cannot have these weights, or empty.
    """

    kit: Path
    name: str
    address: str
    sha256: str
    license: str
    labels: str
    family: str
    settings: str
    top1: str
    top5: str
    config: str
    score: str
    refused: str

    def check_settings(self, config):
        """Refuses a configuration whose model lacks a required setting.

        Raises:
            ConfigError: with the option to add; or no model can have these weights.
        """
        if self.refused:
            raise ConfigError(f"{self.name}: there is no such model here: {self.refused}")
        for setting in self.settings.split():
            key, _, value = setting.partition("=")
            if config.get(key, None) != read_text(value, lambda line, place=self.name: place):
                raise ConfigError(f"{self.name}: these weights need a model with {setting}; add -o {self.settings}")

    def config_path(self):
        """The path of the configuration whose model these weights are for, as `load_config` takes it."""
        return self.kit / "configs" / f"{self.config or self.name}.yml"

    def class_names(self):
        """The class names (list[str]), or None if the index has none."""
        if not self.labels:
            return None
        return (self.kit / self.labels).read_text(encoding="utf-8").splitlines()

    def path(self):
        """The path of the file, downloaded if it is not in the cache, with a verified checksum.

        Raises:
            EnvironmentProblem: the file cannot be downloaded, or its checksum differs.
        """
        from common.weights.download import Remote, cache_folder, fetch

        target = cache_folder() / "weights" / self.name / Path(urlsplit(self.address).path).name
        if not target.is_file():
            logger.info("%s: downloading %s (%s)", self.name, self.address, self.license)
        local = bool(os.environ.get("KIT_ALLOW_LOCAL"))  # a mirror in the local network
        fetch(Remote(self.address, (urlsplit(self.address).hostname,), self.sha256 or None, local), target)
        return self.verify_checksum(target)

    def verify_checksum(self, target):
        """Verifies the checksum against the index or, if it has none, the first download; returns the file."""
        from common.weights.download import sha256_of

        note, found = target.with_name(f"{target.name}.sha256"), sha256_of(target)
        if not self.sha256 and not note.is_file():
            note.write_text(found, encoding="ascii")
            logger.warning("%s: no checksum is published; the sha256 %s is recorded and enforced", target, found)
        wanted = self.sha256 or note.read_text(encoding="ascii")
        if found != wanted:
            raise EnvironmentProblem(
                f"{target}: the sha256 is {found}, expected {wanted}\n  fix: delete the file to download it again"
            )
        return target

    def arrays(self):
        """Name -> array, under the names of our models.

        Raises:
            EnvironmentProblem: see :meth:`path`.
            UnsafeFile: the file would execute code.
            ConfigError: the arrays do not match the model of the configuration.
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
        """The parameters of the model of the configuration in the kit: name -> shape, in order."""
        runtime.prepare()
        import paddle

        config = load_config(self.config_path(), self.settings.split())
        labels = self.class_names()
        with paddle.LazyGuard(), paddle.utils.unique_name.guard():
            model = config.build("model", labels=labels, num_classes=len(labels))
        return {name: tuple(value.shape) for name, value in model.state_dict().items()}


def find_published(kit, value):
    """Looks up a value of `pretrained:` or `weights:` in the index; None if it is a path.

    Raises:
        ConfigError: the value is not a path, looks like a name, and is not in the kit's index.
    """
    if not value or Path(value).exists() or not NAME.fullmatch(str(value)):
        return None
    index = read_index(kit)
    if value in index:
        return index[value]
    if not index or Path(value).suffix in (".safetensors", ".pdparams", ".pdiparams"):
        return None
    raise ConfigError(
        f"{value}: there is no such checkpoint, and {Path(kit).name}/{INDEX} lists no weights with this name"
        f"{did_you_mean(str(value), list(index))}"
    )


def read_index(kit):
    """Reads the index of a kit: name -> Published; empty if the kit has none.

    Raises:
        ConfigError: a malformed line, see the header of this module.
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
                raise ConfigError(f"{place}: expected {len(COLUMNS)} columns")
            if not NAME.fullmatch(row["name"]) or row["name"] in found:
                raise ConfigError(f"{place}: '{row['name']}' is a duplicate or not a valid name ({NAME.pattern})")
            if row["sha256"] and not re.fullmatch(r"[0-9a-f]{64}", row["sha256"]):
                raise ConfigError(f"{place}: sha256 must be 64 hexadecimal digits")
            found[row["name"]] = Published(Path(kit), **row)
    return found
