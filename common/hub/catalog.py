"""Modules that can be installed by name: the recipes of the kits, and the modules of an index file.

An index is a JSON file: {"schema": 1, "modules": [{"name", "version", "type", "summary", "license", "path", "sha256",
"size"}]}, where a path is that of a package relative to the index, on the disk or at an address of https.
"""

import dataclasses
import hashlib
import os
import re
from pathlib import Path
from urllib.parse import quote, urljoin, urlsplit

from common.errors import ConfigError, EnvironmentProblem
from common.files import parse_json
from common.hub.card import NAME, SHA256, VERSION, Card, version_key
from common.hub.home import ALIASES, split_reference
from common.hub.recipe import recipes
from common.hub.trained import MISSING, trained_recipes
from common.log import logger
from common.regular import check_regular
from common.suggest import did_you_mean
from common.weights.addresses import RefusedAddress
from common.weights.download import Remote, cache_folder, fetch, sha256_of

SCHEMA = 1
LARGEST_INDEX = 16 << 20  # bytes
FIELDS = ("name", "version", "type", "summary", "license", "path", "sha256", "size")


@dataclasses.dataclass(frozen=True)
class Offer:
    """A module that can be installed.

    Args:
        name (str): of the module.
        version (str): of the module.
        type (str): its category.
        summary (str): one line.
        source (Recipe | TrainedRecipe | Path | Remote): how it is made, or its package.
        sha256 (str): of the package, empty for a recipe.
        license (str): of the weights, empty if none is stated or the recipe has it.
    """

    name: str
    version: str
    type: str
    summary: str
    source: object
    sha256: str = ""
    license: str = ""

    @property
    def trains(self):
        """True for a module that is not installed but trained, by `hub build`."""
        return hasattr(self.source, "train")

    def card(self):
        """The card of the module as far as it is known before it is installed (Card)."""
        if hasattr(self.source, "card"):
            return self.source.card
        return Card(self.name, self.version, self.type, self.summary, license=self.license)

    def package(self):
        """The package of an index (Path), downloaded if the index is not on this disk, and verified.

        Raises:
            EnvironmentProblem: it is missing or has another checksum.
        """
        if not isinstance(self.source, Path):
            return fetch(self.source, cache_folder() / "packages" / self.sha256[:16] / Path(self.source.address).name)
        if not self.source.is_file():
            raise EnvironmentProblem(f"{self.source}: no such file, though the index lists it")
        if sha256_of(self.source) != self.sha256:
            raise EnvironmentProblem(f"{self.source}: its sha256 is not that of the index")
        return self.source


def offers(index=None):
    """Everything that can be installed: list[Offer], by name and version.

    Args:
        index (str | Path | None): an index beside the recipes, a file or an address of https.
    """
    cards = [(recipe.card, recipe) for recipe in (*recipes().values(), *trained_recipes().values())]
    found = [Offer(card.name, card.version, card.type, card.summary, recipe) for card, recipe in cards]
    found += read_module_index(index) if index else []
    return sorted(found, key=lambda offer: (offer.name, version_key(offer.version)))


def read_module_index(path):
    """The modules of an index: list[Offer].

    Args:
        path (str | Path): a file, or an address of https, whose packages are then addresses relative to it.

    Raises:
        EnvironmentProblem: it cannot be read, or is no index; names the entry.
    """
    address, number = (str(path), 0) if "://" in str(path) else (None, 0)
    path = fetch_index(address) if address else Path(path)
    try:
        check_regular(path)
        content = parse_json(path.read_text(encoding="utf-8"))
        if content["schema"] != SCHEMA:
            raise ValueError(f"schema {content['schema']!r}; this program reads {SCHEMA}")
        found = []
        for number, entry in enumerate(content["modules"], 1):  # noqa: B007  named in the message
            missing = [field for field in FIELDS if field not in entry]
            if missing:
                raise ValueError(f"'{missing[0]}' is missing")
            inside = Path(entry["path"])
            if inside.is_absolute() or ".." in inside.parts:
                raise ValueError(f"the path {entry['path']!r} is not beside the index")
            for field, pattern in (("name", NAME), ("version", VERSION), ("sha256", SHA256)):
                if not pattern.match(entry[field]):
                    raise ValueError(f"{field} is {entry[field]!r}")
            given = [str(entry[field]) for field in ("name", "version", "type", "summary")]
            source = package_of(address, inside, entry["sha256"]) if address else path.parent / inside
            found.append(Offer(*given, source, entry["sha256"], str(entry["license"])))
    except OSError as error:
        raise EnvironmentProblem(f"{path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        place = f", module {number}" if number else ""
        raise EnvironmentProblem(f"{path}{place}: not an index of modules: {error}") from None
    return found


def fetch_index(address):
    """The file of an index on the net (Path): as it is there now, or as it was last where there is no network.

    Raises:
        EnvironmentProblem: it cannot be had, and never was; the address is not of https.
    """
    folder = cache_folder() / "indexes" / hashlib.sha256(address.encode()).hexdigest()[:16]
    kept, new = folder / "index.json", folder / f"new-{os.getpid()}.json"
    try:
        fetch(Remote(address, (urlsplit(address).hostname,), largest=LARGEST_INDEX), new)
        new.replace(kept)
    except RefusedAddress:
        raise
    except EnvironmentProblem as error:
        if not kept.is_file():
            raise
        logger.warning("%s: as it was when it was last downloaded: %s", address, str(error).splitlines()[0])
    finally:
        for left in folder.glob(f"{new.name}*"):
            left.unlink(missing_ok=True)
    return kept


def package_of(address, inside, sha256):
    """A package that an index on the net names, at an address relative to it (Remote)."""
    return Remote(urljoin(address, quote(inside.as_posix())), (urlsplit(address).hostname,), sha256)


def find_offer(reference, index=None):
    """The module to install: the version that is asked for, otherwise the newest (Offer).

    Raises:
        ConfigError: there is no such module or version; names similar ones.
    """
    name, version = split_reference(reference)
    if name in ALIASES:
        logger.info("%s is %s here", name, ALIASES[name])
    name, known = ALIASES.get(name, name), offers(index)
    named = [offer for offer in known if offer.name == name]
    chosen = [offer for offer in named if version in (None, offer.version)]
    if chosen:
        return chosen[-1]
    if named:
        raise ConfigError(f"{reference}: there is {name} in version {', '.join(offer.version for offer in named)}")
    if name in MISSING:
        raise ConfigError(f"{name}: {MISSING[name]}")
    near = did_you_mean(name, [*{offer.name for offer in known}, *ALIASES])
    raise ConfigError(f"{reference}: there is no such module{near}\n  python tools/hub.py search lists them")


def search_offers(pattern="", index=None):
    """The modules whose name, type or summary matches a regular expression, or contains the text, whatever the case.

    Raises:
        ConfigError: the pattern is not a regular expression.
    """
    try:
        match = re.compile("" if pattern == "*" else pattern, re.IGNORECASE).search
    except re.error as error:
        raise ConfigError(f"'{pattern}': not a regular expression: {error}") from None
    return [offer for offer in offers(index) if match(f"{offer.name} {offer.type} {offer.summary}")]
