"""Facts of the models: `tests/zoo.csv`, one row per model, and `tests/zoo_tasks.csv`, one row per task.

The text of `published` and `score` begins with figures, `top-1 76.50, top-5 93.00`; anything may follow. A
share, such as top-1, is written in percent or as a fraction of 1; here it is always in percent. quantities.csv lists
the metrics and costs.
"""

import csv
import dataclasses
import pathlib
import re

from common.errors import ConfigError
from common.suggest import did_you_mean

ROOT = pathlib.Path(__file__).resolve().parents[2]
ZOO = ROOT / "tests/zoo.csv"
TASKS = ROOT / "tests/zoo_tasks.csv"
COLUMNS = (
    *("kit", "model", "config", "data", "classes", "tiny", "parameters", "official", "macs", "published", "latency"),
    *("first_losses", "score", "command"),
)
BYTES = 4  # of a weight, a 32-bit float


@dataclasses.dataclass(frozen=True)
class Quantity:
    """A number by which models are compared.

    Args:
        spelling (str): in the texts of zoo.csv and as a heading.
        unit (str): written after it; `%` is that of a share.
        higher_is_better (bool): the direction in which models are sorted.
        about (str): one line for the documentation.
        about_cn (str): the same in Chinese.
    """

    spelling: str
    unit: str
    higher_is_better: bool
    about: str
    about_cn: str


def read_quantities(kind):
    """The metrics or the costs by key (dict[str, Quantity]): the rows of quantities.csv of this kind."""
    with open(pathlib.Path(__file__).with_name("quantities.csv"), encoding="utf-8", newline="") as file:
        return {
            row["key"]: Quantity(row["spelling"], row["unit"], row["better"] == "higher", row["about"], row["about_cn"])
            for row in csv.DictReader(file)
            if row["kind"] == kind
        }


METRICS, COSTS = read_quantities("metric"), read_quantities("cost")
QUANTITIES = METRICS | COSTS
KEYS = {quantity.spelling: key for key, quantity in METRICS.items()} | {"mAP": "map50"}  # as PASCAL VOC defines it
FIGURE = re.compile(
    rf"(?:chunk )?({'|'.join(map(re.escape, sorted(KEYS, key=len, reverse=True)))}) (\d*\.?\d+)( ?%)?(?:, )?"
)


@dataclasses.dataclass(frozen=True)
class Task:
    """A row of zoo_tasks.csv.

    Args:
        name (str): as `--task` takes it.
        kit (str): that has its models.
        folders (tuple[str]): of the kit's `configs/`.
        compressed (bool): the parameters of zoo.csv are those before compression and say nothing about the result.
        metrics (tuple[str]): keys of METRICS, the one to choose by first.
        data (str): the dataset on which most of its models have figures; empty where figures cannot be compared.
        limits (dict[str, tuple[str, float]]): the cost that `mobile` and `server` allow.
        texts (dict[str, str]): name, input, output and advice; the Chinese ones end with _cn.
    """

    name: str
    kit: str
    folders: tuple
    compressed: bool
    metrics: tuple
    data: str
    limits: dict
    texts: dict


@dataclasses.dataclass(frozen=True)
class Model:
    """The facts of a model.

    Args:
        name (str): as MODELS.md writes it.
        task (Task): of its configuration.
        config (str): the path of the configuration from the root.
        data (str): the dataset of its figures.
        published (dict[str, float]): figures of its authors or the official collection.
        measured (dict[str, float]): figures of a training in this repository.
        costs (dict[str, float]): the known ones of COSTS.
    """

    name: str
    task: Task
    config: str
    data: str
    published: dict
    measured: dict
    costs: dict

    def value(self, quantity, source="any"):
        """The number for a key of QUANTITIES, or None.

        Args:
            quantity (str): the key.
            source (str): `published`, `measured`, or `any` for the published figure where there is one.
        """
        if quantity in COSTS:
            return self.costs.get(quantity)
        known = {"any": self.measured | self.published, "published": self.published, "measured": self.measured}
        return known[source].get(quantity)


def read_zoo(path=ZOO):
    """The rows, each a dict of texts by column.

    Raises:
        ValueError: a column is missing, unknown or out of order.
    """
    with open(path, encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        rows = list(reader)
    if tuple(reader.fieldnames or ()) != COLUMNS:
        raise ValueError(f"{path}:1: the columns are {', '.join(COLUMNS)}")
    return rows


def write_zoo(rows, path=ZOO):
    """Writes rows as :func:`read_zoo` reads them."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def read_tasks(path=TASKS):
    """The tasks by name, in the order of the file."""
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        if None in row or None in row.values():
            raise ConfigError(f"{path}: the row of {row['task']} has more or fewer fields than the header")
    return {row["task"]: task_of(row) for row in rows}


def task_of(row):
    """A row of zoo_tasks.csv as :class:`Task`."""
    limits = {}
    for scenario in ("mobile", "server"):
        if row[scenario]:
            quantity, _, most = row[scenario].partition("<=")
            limits[scenario] = quantity, float(most)
    texts = {name: row[name] for name in row if name.removesuffix("_cn") in ("name", "input", "output", "advice")} | {
        "name": row["task"]
    }
    folders, metrics = (tuple(row[name].split()) for name in ("folders", "metrics"))
    return Task(row["task"], row["kit"], folders, bool(row["compressed"]), metrics, row["data"], limits, texts)


def read_models(rows=None, tasks=None):
    """The models of zoo.csv (list[Model]), in its order.

    Args:
        rows (list[dict]): of :func:`read_zoo`, which reads them when None.
        tasks (dict[str, Task]): of :func:`read_tasks`, which reads them when None.

    Raises:
        ConfigError: a model has no task, or figures that cannot be read.
    """
    rows = read_zoo() if rows is None else rows
    owners = {(task.kit, folder): task for task in (tasks or read_tasks()).values() for folder in task.folders}
    return [model_of(row, owners) for row in rows]


def model_of(row, owners):
    """A row of zoo.csv as :class:`Model`; `owners` has the task of each (kit, folder)."""
    config = f"{row['kit']}/{row['config']}"
    task = owners.get((row["kit"], row["config"].split("/")[1]))
    if task is None:
        raise ConfigError(f"{config}: no row of {TASKS.name} has the folder of this configuration")
    figures = []
    for column in ("published", "score"):
        figures.append(read_figures(row[column]))
        strangers = set(figures[-1]) - set(task.metrics)
        if strangers or bool(figures[-1]) != bool(row[column]):
            known = ", ".join(METRICS[key].spelling for key in task.metrics)
            raise ConfigError(f"{config}: {column} begins with figures of {known}, not with '{row[column]}'")
    return Model(row["model"], task, config, row["data"], *figures, costs_of(row, task))


def read_figures(text):
    """The figures that a text begins with, by key; shares in percent.

    >>> read_figures("top-1 0.920, top-5 99 in 13 minutes")
    {'top1': 92.0, 'top5': 99.0}
    """
    found, place = {}, 0
    while match := FIGURE.match(text, place):
        key, value, percent = KEYS[match[1]], float(match[2]), match[3]
        scale = 100 if METRICS[key].unit == "%" and value <= 1 and not percent else 1
        found[key] = round(scale * value, 6)
        place = match.end()
    return found


def costs_of(row, task):
    """The known costs of a row of zoo.csv by key."""
    found = {}
    if row["latency"]:
        found["latency"] = float(row["latency"].removesuffix(" ms"))
    if not task.compressed:
        parameters = int(row["parameters"])
        found |= {"size": parameters * BYTES / 1e6, "parameters": parameters / 1e6}
        found |= {"macs": int(row["macs"]) / 1e9} if row["macs"] else {}
    return found


def write_value(quantity, value):
    """A number to read, such as `38.6 ms` or `76.5`; `-` for None."""
    if value is None:
        return "-"
    if quantity in COSTS:
        text = f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
        return f"{text} {COSTS[quantity].unit}"
    return f"{value:.2f}".removesuffix("0") if METRICS[quantity].unit else f"{value:.4f}"


def find_task(name, tasks):
    """The task of a name.

    Raises:
        ConfigError: no task has it.
    """
    if name not in tasks:
        hint = did_you_mean(name, tasks) or f"; choose from {', '.join(tasks)}"
        raise ConfigError(f"--task {name}: there is no such task{hint}")
    return tasks[name]


def figures_text(figures):
    """Figures to read, such as `top-1 76.5, top-5 93`; `-` without any."""
    return ", ".join(f"{METRICS[key].spelling} {write_value(key, value)}" for key, value in figures.items()) or "-"
