"""The page to choose a model on: one HTML file without external resources."""

import json
import pathlib

from tools.model_zoo.choice import facts
from tools.model_zoo.facts import COSTS, METRICS, read_models, read_tasks

TEMPLATE = pathlib.Path(__file__).with_name("page.html")
PLACE = "{{facts}}"


def page(models=None, tasks=None):
    """The HTML of the page (str).

    Args:
        models (list[Model]): of :func:`read_models`, which reads them when None.
        tasks (dict[str, Task]): of :func:`read_tasks`, which reads them when None.
    """
    tasks = tasks or read_tasks()
    models = read_models(tasks=tasks) if models is None else models
    known = {
        "models": [facts(model) for model in models],
        "tasks": {
            name: {
                "kit": task.kit,
                "metrics": task.metrics,
                "input": task.texts["input"],
                "output": task.texts["output"],
            }
            | {"advice": task.texts["advice"]}
            for name, task in tasks.items()
        },
        "quantities": {
            key: {"name": one.spelling, "unit": one.unit, "higher": one.higher_is_better, "about": one.about}
            for key, one in (METRICS | COSTS).items()
        },
    }
    return TEMPLATE.read_text(encoding="utf-8").replace(PLACE, escaped(known))


def escaped(value):
    """JSON that may stand in a script element: nothing in it ends the element or begins a comment."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
