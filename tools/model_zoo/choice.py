"""The choice of a model by bounds on its figures and costs: `tools/zoo.py select`."""

import dataclasses
import json

from common.errors import ConfigError
from common.suggest import did_you_mean
from tools.model_zoo.facts import (
    COSTS,
    METRICS,
    QUANTITIES,
    figures_text,
    find_task,
    read_models,
    read_tasks,
    write_value,
)

SOURCES = ("any", "published", "measured")
SCENARIOS = ("most_accurate", "server", "mobile", "smallest")


@dataclasses.dataclass(frozen=True)
class Bound:
    """The least or the most of a quantity.

    Args:
        quantity (str): a key of QUANTITIES.
        value (float): the bound; included.
        most (bool): an upper bound.
    """

    quantity: str
    value: float
    most: bool

    def __str__(self):
        return f"{QUANTITIES[self.quantity].spelling} {'<=' if self.most else '>='} {self.value:g}"

    def holds(self, value):
        """Compares a value with the bound."""
        return value <= self.value if self.most else value >= self.value


def read_bound(option, text, task):
    """The bound that `--min top1=70` or `--max latency=10` writes.

    Args:
        option (str): `--min` or `--max`.
        text (str): what follows it.
        task (Task): whose metrics are known.

    Raises:
        ConfigError: it is no bound of this task.
    """
    name, equals, number = text.partition("=")
    quantity = find_quantity(option, text, name, task)
    try:
        value = float(number)
    except ValueError:
        value = None
    if not equals or value is None or value != value:
        unit = QUANTITIES[quantity].unit
        note = f" ({unit})" if unit else ""
        raise ConfigError(f"{option} {text}: write a number{note}, such as {option} {name}=10")
    if QUANTITIES[quantity].unit == "%" and 0 < value <= 1:
        value *= 100
    return Bound(quantity, value, option == "--max")


def find_quantity(option, text, name, task):
    """The key of a quantity that models of this task may have.

    Raises:
        ConfigError: the name is unknown.
    """
    known = [*task.metrics, *COSTS]
    if name not in known:
        hint = did_you_mean(name, known) or f"; choose from {', '.join(known)}"
        raise ConfigError(f"{option} {text}: models of {task.name} have no '{name}'{hint}")
    return name


def select(models, bounds, source="any"):
    """The models within all bounds, and how many could not be compared.

    Args:
        models (list[Model]): of one task.
        bounds (list[Bound]): all must hold.
        source (str): of the metrics, see `Model.value`.

    Returns:
        tuple[list[Model], dict[str, int]]: the selected ones, and by quantity the number of models without it.
    """
    kept, lacking = [], {bound.quantity: 0 for bound in bounds}
    for quantity in lacking:
        lacking[quantity] = sum(model.value(quantity, source) is None for model in models)
    for model in models:
        values = [(bound, model.value(bound.quantity, source)) for bound in bounds]
        if all(value is not None and bound.holds(value) for bound, value in values):
            kept.append(model)
    return kept, {quantity: count for quantity, count in lacking.items() if count}


def ranked(models, quantity, source="any"):
    """The models sorted by a quantity, the best first, those without it last."""
    sign = -1 if QUANTITIES[quantity].higher_is_better else 1

    def key(model):
        value = model.value(quantity, source)
        return (1, 0) if value is None else (0, sign * value)

    return sorted(models, key=key)


def recommend(task, models):
    """The model for each scenario, by name of the scenario; a scenario that nothing decides is left out.

    Of the models of the task's data: the most accurate; the most accurate within the costs that the task's row allows a
    server and a phone, or for a phone the cheapest where less than two accuracies are known; and the smallest.
    """
    metric = task.metrics[0]
    rivals = [model for model in models if task.data in ("", model.data)]
    comparable = task.data and sum(model.value(metric) is not None for model in rivals) > 1
    found = {}
    if comparable:
        found["most_accurate"] = ranked(rivals, metric)[0]
    for scenario, (cost, most) in task.limits.items():
        allowed, _ = select(rivals, [Bound(cost, most, most=True)])
        if comparable and any(model.value(metric) is not None for model in allowed):
            found[scenario] = ranked(allowed, metric)[0]
        elif allowed and scenario == "mobile":
            found[scenario] = ranked(allowed, cost)[0]
    if any("size" in model.costs for model in rivals):
        found["smallest"] = ranked(rivals, "size")[0]
    return {scenario: found[scenario] for scenario in SCENARIOS if scenario in found}


def frontier(models, metric, cost):
    """The models that no other one of the same data beats in both metric and cost, the most accurate first."""
    sign = 1 if QUANTITIES[metric].higher_is_better else -1
    points = [
        (model, sign * model.value(metric), model.value(cost))
        for model in models
        if model.value(metric) is not None and model.value(cost) is not None
    ]

    def beaten(one):
        model, accuracy, price = one
        return any(
            other.data == model.data and a >= accuracy and p <= price and (a, p) != (accuracy, price)
            for other, a, p in points
        )

    return ranked([point[0] for point in points if not beaten(point)], metric)


# The command ---------------------------------------------------------------------------------------------------------


def select_command(args):
    """The text that `tools/zoo.py select` prints."""
    tasks = read_tasks()
    models = read_models(tasks=tasks)
    if args.task is None:
        if args.min or args.max or args.sort or args.data:
            raise ConfigError("--min, --max, --sort and --data belong to a task; name it by --task")
        return as_json(task_list(tasks, models)) if args.json else task_table(tasks, models)
    task = find_task(args.task, tasks)
    models = [model for model in models if model.task is task]
    bounds = [read_bound(option, text, task) for option in ("--min", "--max") for text in getattr(args, option[2:])]
    order = find_quantity("--sort", args.sort, args.sort, task) if args.sort else task.metrics[0]
    if args.data is not None:
        names = list(dict.fromkeys(model.data for model in models))
        if args.data not in names:
            hint = did_you_mean(args.data, names) or f"; choose from {', '.join(names)}"
            raise ConfigError(f"--data {args.data}: no model of {task.name} has figures of it{hint}")
        models = [model for model in models if model.data == args.data]
    kept, lacking = select(models, bounds, args.figures)
    kept = ranked(kept, order, args.figures)
    if args.json:
        return as_json(
            {"task": task.name, "of": len(models), "models": [facts(model) for model in kept], "without": lacking}
        )
    return "\n".join([*(table(kept) if kept else []), closing(kept, models, bounds, lacking), ""])


def as_json(value):
    """JSON to print."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def facts(model):
    """A model as plain values."""
    return {
        "model": model.name,
        "task": model.task.name,
        "kit": model.task.kit,
        "config": model.config,
        "data": model.data,
        "published": model.published,
        "measured": model.measured,
        **{cost: model.costs.get(cost) for cost in COSTS},
    }


def table(models):
    """The lines of a table of models."""
    heads = ["model", "configuration", "data", "published", "measured here", "latency", "size", "parameters"]
    rows = [
        [
            *(model.name, model.config.rpartition("/")[2].removesuffix(".yml"), model.data),
            *(figures_text(model.published), figures_text(model.measured)),
            *(write_value(cost, model.costs.get(cost)) for cost in ("latency", "size", "parameters")),
        ]
        for model in models
    ]
    return columns([heads, *rows], right=3)


def columns(rows, right=0):
    """Lines of aligned columns, the last `right` of them aligned on the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    first = len(widths) - right
    return [
        "  ".join(cell.ljust(width) if at < first else cell.rjust(width) for at, (cell, width) in cells).rstrip()
        for cells in (list(enumerate(zip(row, widths, strict=True))) for row in rows)
    ]


def closing(kept, models, bounds, lacking):
    """The line below the table: how many models were selected, and how many could not be compared."""
    words = " and ".join(map(str, bounds))
    first = f"{len(kept)} of {len(models)} models" + (f" have {words}" if bounds else "")
    notes = [
        f"{count} {'model has' if count == 1 else 'models have'} no {QUANTITIES[quantity].spelling}"
        for quantity, count in lacking.items()
    ]
    datasets = list(dict.fromkeys(model.data for model in kept))
    if len(datasets) > 1:
        notes.append(f"figures are those of {', '.join(datasets)}, and compare within one: --data '{datasets[0]}'")
    return "; ".join([first, *notes])


def task_list(tasks, models):
    """The tasks as plain values."""
    return [
        {
            "task": task.name,
            "kit": task.kit,
            "input": task.texts["input"],
            "output": task.texts["output"],
            "metrics": list(task.metrics),
            "models": sum(model.task is task for model in models),
        }
        for task in tasks.values()
    ]


def spellings(metrics):
    """The spellings of metrics, separated by commas."""
    return ", ".join(METRICS[key].spelling for key in metrics)


def task_table(tasks, models):
    """The table of the tasks, by what goes in and what comes out."""
    rows = [
        [*(one[name] for name in ("task", "input", "output")), spellings(one["metrics"]), str(one["models"])]
        for one in task_list(tasks, models)
    ]
    lines = columns([["task", "what goes in", "what comes out", "figures", "models"], *rows], right=1)
    return "\n".join([*lines, "choose with: python tools/zoo.py select --task NAME", ""])
