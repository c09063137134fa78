"""The card of a module, `module.yml`: what it is, where its weights come from, and the SHA-256 of each of its files."""

import dataclasses
import hashlib
import re
from pathlib import Path

from common.config.tree import children, to_plain
from common.config.types import describe_value
from common.config.yaml import display_path, dump_yaml, read_file
from common.errors import ConfigError, EnvironmentProblem
from common.hub.archive import checked_parts
from common.regular import check_regular
from common.suggest import did_you_mean

CARD = "module.yml"
NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,95}\Z")
VERSION = re.compile(r"(0|[1-9][0-9]{0,5})(\.(0|[1-9][0-9]{0,5})){1,2}\Z")
SHA256 = re.compile(r"[0-9a-f]{64}\Z")
METRIC = ("name", "value", "data", "command")


@dataclasses.dataclass(frozen=True)
class Card:
    """The description of a module.

    Args:
        name (str): lower-case letters, digits, `_`, `-` and `.`.
        version (str): two or three numbers, such as 1.0.0.
        type (str): category, such as `CV/image_classification`.
        summary (str): one line.
        authors (list[str]): who made it.
        license (str): license of the weights; empty if none is stated.
        source (str): where the weights come from.
        inputs (str): what it reads, such as `an image`.
        outputs (str): what it answers.
        example (str): a text to try it with, or a file: one of the module, or a photograph of scikit-image as
            `package:skimage/data/NAME.png`.
        metrics (list[dict]): `name`, `value`, `data` and `command` of each figure.
        parts (dict): name -> folder of an exported model; empty if the module itself is one.
        files (dict): path in the module -> SHA-256, of every file but the card.
    """

    name: str
    version: str
    type: str
    summary: str
    authors: list = dataclasses.field(default_factory=list)
    license: str = ""
    source: str = ""
    inputs: str = ""
    outputs: str = ""
    example: str = ""
    metrics: list = dataclasses.field(default_factory=list)
    parts: dict = dataclasses.field(default_factory=dict)
    files: dict = dataclasses.field(default_factory=dict)

    def __str__(self):
        return f"{self.name}=={self.version}"


def version_key(version):
    """Versions in their order: 1.10 after 1.9."""
    return tuple(int(number) for number in version.split("."))


def read_card(path):
    """Reads and checks a card.

    Args:
        path (str | Path): the file, or the folder that has it as `module.yml`.

    Raises:
        ConfigError: it cannot be read, a key is missing or not known, or a value is of another kind; with its line.
    """
    path = Path(path) / CARD if Path(path).is_dir() else Path(path)
    if not path.is_file():
        raise ConfigError(f"{display_path(path)}: no such file; a module has a card of this name")
    tree = read_file(path)
    problems = check_card({key: (value, place) for key, value, place in children(tree)}, tree.place)
    if problems:
        raise ConfigError("\n".join(problems))
    return Card(**to_plain(tree))


def check_card(given, place, also=()):
    """The problems of the fields of a card (list[str]), each with its place.

    Args:
        given (dict): key -> (value, place).
        place (str): where the file begins.
        also (Iterable[str]): keys that are known besides, for suggestions.
    """
    kinds = {field.name: field.type for field in dataclasses.fields(Card)}
    required = [f.name for f in dataclasses.fields(Card) if f.default is f.default_factory is dataclasses.MISSING]
    problems = [f"{place}: '{key}' is missing" for key in required if key not in given]
    for key, (value, at) in given.items():
        if key not in kinds:
            problems.append(f"{at}: '{key}' is not a key of a card{did_you_mean(key, [*kinds, *also])}")
        elif not isinstance(value, kinds[key]):
            wanted = {str: "a text", list: "a list", dict: "a mapping"}[kinds[key]]
            quoted = "; put it in quotes" if kinds[key] is str and not isinstance(value, dict | list) else ""
            problems.append(f"{at}: '{key}' is {wanted}, not {describe_value(value)}{quoted}")
        else:
            problems += _problems(key, value, at)
    return problems


def _problems(key, value, place):
    """The problems of a value that is of the right kind."""
    if key == "name" and not NAME.match(value):
        return [f"{place}: the name {value!r}; use lower-case letters, digits, '_', '-' and '.'"]
    if key == "version" and not VERSION.match(value):
        return [f"{place}: the version {value!r}; write two or three numbers, such as '1.0.0'"]
    if key == "authors":
        return [
            f"{p}: an author is a text, not {describe_value(v)}" for _, v, p in children(value) if type(v) is not str
        ]
    if key == "metrics":
        return [
            f"{p}: a metric has {', '.join(METRIC)}, not {describe_value(v)}"
            for _, v, p in children(value)
            if not isinstance(v, dict) or not {"name", "value"} <= set(v) <= set(METRIC)
        ]
    found = []
    for name, inner, at in children(value) if key in ("files", "parts") else ():
        try:
            checked_parts(str(name if key == "files" else inner))
        except ValueError as error:
            found.append(f"{at}: {error} is not a path inside a module")
        if key == "files" and not (isinstance(inner, str) and SHA256.match(inner)):
            found.append(f"{at}: the SHA-256 of '{name}' is 64 hexadecimal digits, not {describe_value(inner)}")
    return found


def write_card(card, folder):
    """Writes a card with the SHA-256 of every file in the folder of its module; returns it.

    Args:
        card (Card): its `files` are not used.
        folder (str | Path): the module.
    """
    folder = Path(folder)
    card = dataclasses.replace(card, files=checksums(folder))
    kept = {key: value for key, value in dataclasses.asdict(card).items() if value not in ("", [], {})}
    (folder / CARD).write_text(dump_yaml(kept), encoding="utf-8")
    return card


def checksums(folder):
    """The SHA-256 of every file in a folder but the card: path -> hexadecimal digits."""
    found = {}
    for path in sorted(Path(folder).rglob("*")):
        inside = path.relative_to(folder).as_posix()
        if path.is_file() and inside != CARD:
            check_regular(path)
            with open(path, "rb") as file:
                found[inside] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def verify_module(folder):
    """The card of a module whose files are all there, unchanged, and no others (Card).

    Raises:
        ConfigError: see :func:`read_card`.
        EnvironmentProblem: a file is missing, changed or not on the card; names the first.
    """
    card, found = read_card(folder), checksums(folder)
    for path, sha256 in card.files.items():
        if path not in found:
            raise EnvironmentProblem(f"{Path(folder) / path}: missing, {CARD} lists it")
        if found[path] != sha256:
            raise EnvironmentProblem(f"{Path(folder) / path}: its sha256 is {found[path]}, {CARD} has {sha256}")
    extra = sorted(set(found) - set(card.files))
    if extra:
        raise EnvironmentProblem(f"{Path(folder) / extra[0]}: is not listed in {CARD}")
    return card
