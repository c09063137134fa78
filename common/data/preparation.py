"""Preparation of a user's own data: what a kit writes for a folder, and how long to train on it."""

import dataclasses
import math
import re
from pathlib import Path

from common.errors import ConfigError
from common.log import counted

EVALUATION = ("eval", "val", "valid", "validation", "dev", "test")


@dataclasses.dataclass
class Request:
    """A request to prepare data.

    Args:
        source (Path): the folder or file of the user; it is only read.
        out (Path): folder of the files that are written.
        name (str): name of the configuration and of its run folder.
        fraction (float): share of the evaluation split.
        seed (int): random seed of the split.
        group (str): a regular expression on the path of a file, or a column: what it matches stays together.
        label (str): the column with the label of tables.
        text (str): the column with the text of tables.
        labels (list[str]): class names in the order of their numbers, for a format that only has numbers.
        pretrained (str): weights to start from.
    """

    source: Path
    out: Path
    name: str
    fraction: float = 0.2
    seed: int = 0
    group: str = ""
    label: str = ""
    text: str = ""
    labels: list = dataclasses.field(default_factory=list)
    pretrained: str = ""


@dataclasses.dataclass
class Prepared:
    """The files to write for a folder.

    Args:
        files (dict): name in the output folder -> text.
        config (list[str]): lines of the configuration.
        notes (list[str]): what was found and chosen, one line each.
        example (str): options of `infer.py` for one evaluation sample.
    """

    files: dict
    config: list
    notes: list
    example: str


def groups_by_path(paths, pattern):
    """The group of each path: what the regular expression matches (its first parenthesis), else the path itself.

    Raises:
        ConfigError: the expression is not valid, or matches no path.
    """
    if not pattern:
        return list(paths)
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise ConfigError(f"--group {pattern!r} is not a regular expression: {error}") from None
    found = [expression.search(path) for path in paths]
    if not any(found):
        raise ConfigError(f"--group {pattern!r} matches no path, such as {paths[0]!r}")
    return [(m.group(m.re.groups and 1) or m.group(),) if m else path for m, path in zip(found, paths)]


def plan_epochs(samples, batch_size, updates, most):
    """Epochs that give about `updates` updates, from 1 to `most`."""
    return max(1, min(most, math.ceil(updates / max(1, samples // batch_size))))


def length_text(epochs, samples, batch_size):
    """The length of a training, `12 epochs of 30 updates`."""
    return f"{counted(epochs, 'epoch')} of {counted(max(1, samples // batch_size), 'update')}"


def frame_lines(request, kit, title):
    """The first lines of a configuration: where it comes from and what a run needs besides."""
    lines = [
        f"# {title}",
        f"kit: {kit}",
        f"name: {quote(request.name)}",
        "seed: 0",
        "output_dir: output",
        "log_every: 20",
    ]
    return [*lines, *([f"pretrained: {quote(request.pretrained)}"] if request.pretrained else []), ""]


def quote(text):
    """A text in double quotes for YAML."""
    return '"' + str(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def quote_all(texts):
    """A list of texts for YAML, on one line."""
    return f"[{', '.join(map(quote, texts))}]"
