"""MODELS.md and docs/choosing.md, written from the facts of the models."""

import csv
import pathlib

from tools.model_zoo.choice import frontier, ranked, recommend
from tools.model_zoo.facts import (
    COSTS,
    METRICS,
    QUANTITIES,
    ROOT,
    figures_text,
    read_models,
    read_tasks,
    read_zoo,
    write_value,
)

MOST_ROWS = 15  # of a table of docs/choosing.md; longer ones are cut to the models that no other one beats
HEAD = """# Models

Written by `python tools/zoo.py` from `tests/zoo.csv`. Every row is tested: the configuration loads, its model has this
many parameters, and its tiny twin trains to the losses that the row notes. A score is that of a model trained from
random weights by the commands below the table. MACs are the multiply-adds of one image of the size it is evaluated
at; "published" is what its authors or the official collection report; the latency is that of the exported model on one
thread of a CPU, measured by `benchmarks/zoo_latency.py`. Which one to take: [docs/choosing.md](docs/choosing.md).
"""
FOLDER = pathlib.Path(__file__).parent
LANGUAGES = {"": "english", "_cn": "chinese"}  # by the ending of a file's name


def documents(root=ROOT):
    """The texts of the generated files by path."""
    rows, tasks = read_zoo(), read_tasks()
    models = read_models(rows, tasks)
    return {
        root / "MODELS.md": models_table(rows),
        root / "docs/choosing.md": choosing(tasks, models, ""),
        root / "docs/choosing_cn.md": choosing(tasks, models, "_cn"),
    }


def models_table(rows):
    """The text of MODELS.md."""
    lines = [HEAD]
    for kit in dict.fromkeys(row["kit"] for row in rows):
        own = [row for row in rows if row["kit"] == kit]
        lines += [
            f"## {kit}\n",
            "| model | configuration | data | classes | parameters | MACs | published | latency | score |",
            "| --- | --- | --- | --: | --: | --: | --- | --: | --- |",
        ]
        for row in own:
            link = f"[`configs/{pathlib.Path(row['config']).name}`]({kit}/{row['config']})"
            numbers = f"{row['classes']} | {int(row['parameters']):,} | {in_billions(row['macs'])}"
            rest = [row[name] or "-" for name in ("published", "latency", "score")]
            lines.append(f"| {row['model']} | {link} | {row['data']} | {numbers} | {' | '.join(rest)} |")
        scored = [row for row in own if row["command"]]
        if scored:
            lines += ["\nThe scores come from:\n", "```bash"]
            lines += [line for row in scored for line in row["command"].split(" && ")]
            lines.append("```")
        lines.append("")
    return "\n".join(lines)


def in_billions(count):
    """A number of multiply-adds to read, such as `4.089 G`."""
    return f"{int(count) / 1e9:.3f} G" if count else "-"


def read_words(language):
    """The words of the tables by key, in a language of LANGUAGES."""
    with open(FOLDER / "words.csv", encoding="utf-8", newline="") as file:
        return {row["key"]: row[LANGUAGES[language]] for row in csv.DictReader(file)}


def choosing(tasks, models, language):
    """The text of docs/choosing.md; of its Chinese version for the language `_cn`."""
    words = read_words(language)
    lines = {"tasks": [], "figures": [], "sections": []}
    for name, task in tasks.items():
        given, answer, title = (task.texts[text + language] for text in ("input", "output", "name"))
        own = [model for model in models if model.task is task]
        lines["tasks"].append(f"| {given} | {answer} | [{title}](#{name}) | {task.kit} | {len(own)} |")
        lines["sections"] += section(task, own, language, words)
    for quantity in QUANTITIES.values():
        about = quantity.about_cn if language else quantity.about
        unit = f" ({quantity.unit})" if quantity.unit else ""
        better = words["higher" if quantity.higher_is_better else "lower"]
        lines["figures"].append(f"| {quantity.spelling}{unit} | {about} | {better} |")
    template = (FOLDER / f"choosing{language}.txt").read_text(encoding="utf-8")
    return template.format(**{name: "\n".join(found) for name, found in lines.items()})


def section(task, models, language, words):
    """The lines of a task: advice, a model for each scenario, and the table of its models."""
    given, answer, title, advice = (task.texts[text + language] for text in ("input", "output", "name", "advice"))
    title = task.name if title == task.name else f"{title} ({task.name})"
    lines = [f'\n<a id="{task.name}"></a>\n\n### {title}\n\n{given} → {answer}\n\n{advice}\n']
    lines += scenarios(task, models, words)
    metric, rivals = task.metrics[0], [model for model in models if model.data == task.data]
    if len(models) > MOST_ROWS:
        shown = frontier(rivals, metric, "latency")
        text = words["cut"].format(kept=len(shown), of=len(models), data=task.data, metric=METRICS[metric].spelling)
    else:
        shown, text = ranked(models, metric), words["all"]
    lines += [f"{text} `python tools/zoo.py select --task {task.name}`", "", f"| {words['heads']} | {words['size']} |"]
    lines.append("| --- | --- | --- | --- | --- | --: | --: | --: |")
    return lines + [row_of(model) for model in shown]


def scenarios(task, models, words):
    """The lines of the table of recommendations, and a blank one; nothing without recommendations."""
    chosen, metric = recommend(task, models), task.metrics[0]
    if not chosen:
        return []
    lines = [words["scenario"].format(metric=METRICS[metric].spelling), "| --- | --- | --: | --: | --: |"]
    for scenario, model in chosen.items():
        cost, most = task.limits.get(scenario, ("size", 0))
        label = words[scenario].format(limit=f"{COSTS[cost].spelling} <= {write_value(cost, most)}")
        numbers = [write_value(metric, model.value(metric)), *costs(model, "latency", "size")]
        lines.append(f"| {label} | {linked(model.name, model)} | {' | '.join(numbers)} |")
    return [*lines, ""]


def row_of(model):
    """A row of the table of a task."""
    file = pathlib.Path(model.config).name
    cells = [model.name, linked(f"`configs/{file}`", model), model.data]
    cells += [figures_text(model.published), figures_text(model.measured)]
    return f"| {' | '.join([*cells, *costs(model, 'latency', 'size', 'parameters')])} |"


def costs(model, *names):
    """Costs of a model to read."""
    return [write_value(name, model.costs.get(name)) for name in names]


def linked(text, model):
    """A link from docs/ to the configuration of a model."""
    return f"[{text}](../{model.config})"
