"""Model card (`README.md`) and environment record (`env.json`) of a run."""

import datetime
import json
import platform
import shlex
from pathlib import Path

import numpy as np

from common.inference.task import in_words
from common.log import counted
from common.system import host as machine
from common.system import runtime
from common.training.callbacks.callback import Callback
from common.training.callbacks.lines import read_json_lines
from common.training.callbacks.log import epochs_text, next_commands
from common.weights.safetensors import write_atomically

PACKAGES = (
    "paddlepaddle",
    "paddlepaddle-gpu",
    "numpy",
    "opencv-python-headless",
    "opencv-python",
    "pillow",
    "PyYAML",
    "safetensors",
    "matplotlib",
    "rich",
    "visualdl",
    "tensorboardX",
    "paddle2onnx",
    "onnxruntime",
)


class Card(Callback):
    """Writes `env.json` at the start and `README.md` after every evaluation and at the end.

    Neither contains a user name, an environment variable or a secret.

    Args:
        command_line (list[str]): the command that started the run, as typed.
    """

    def __init__(self, command_line=()):
        self.command_line = list(command_line)

    def on_train_start(self, trainer):
        """Records the machine, the versions, the code and the command, and keeps the records of earlier starts."""
        path = Path(trainer.folder) / "env.json"
        record = environment(trainer, self.command_line)
        record["earlier"] = earlier_starts(path) if trainer.step else []
        write_atomically(path, [(json.dumps(record, indent=2, ensure_ascii=False) + "\n").encode()])

    def after_evaluation(self, trainer):
        """Updates the card."""
        self.on_train_end(trainer)

    def on_train_end(self, trainer):
        """Writes the card."""
        write_atomically(Path(trainer.folder) / "README.md", [model_card(trainer).encode()])


def environment(trainer, command_line):
    """The contents of `env.json`, as JSON values."""
    total, _ = machine.memory_bytes()
    settings = {name: value for name, value, _ in runtime.runtime_settings()}
    if not trainer.config.get("onednn", True):
        settings["convolutions"] = "PaddlePaddle"
    return {
        "started": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "from_step": trainer.step,
        "command": machine.anonymize(shlex.join(command_line)),
        "seed": trainer.config.get("seed"),
        "code": machine.git_state(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cpu": machine.cpu_name(),
        "cores": runtime.usable_cores(),
        "memory_gb": round(total / 2**30, 1),
        "versions": machine.versions(PACKAGES),
        "settings": settings,
    }


def earlier_starts(path):
    """The records of the earlier starts of a run, newest first, at most twenty."""
    try:
        last = json.loads(path.read_text(encoding="utf-8"))
        return [{k: v for k, v in last.items() if k != "earlier"}, *last.get("earlier", [])][:20]
    except (OSError, ValueError, AttributeError):
        return []


def model_card(trainer):
    """The text of `README.md`."""
    config = trainer.config
    parts = [
        f"# {config.name}",
        f"A {config.get('model.type')} model for {in_words(trainer.model.task)}. This model "
        "card was written by the training run in this folder; the run measured all its numbers.",
        markdown_table(("", ""), facts(trainer)),
        "## Scores",
        scores(trainer),
        "## Usage",
        "```bash\n" + machine.anonymize("\n".join(next_commands(trainer).values())) + "\n```",
        "The complete configuration is in `last/config.yml`; the machine and the package versions are in `env.json`.",
        *plot_links(trainer),
        "## Limitations",
        "\n".join(f"- {limit}" for limit in limits(trainer)),
    ]
    return "\n\n".join(parts) + "\n"


def facts(trainer):
    """Rows (property, value) of the summary table."""
    config = trainer.config
    parameters = sum(int(np.prod(parameter.shape)) for parameter in trainer.model.parameters())
    labels = [str(label) for label in config.get("labels") or []]
    names = ", ".join(labels[:40]) + (", ..." if len(labels) > 40 else "")
    rows = [("parameters", f"{parameters:,}")]
    rows += [(f"{split} data", data_of(config, split)) for split in ("train", "eval") if config.get(f"data.{split}")]
    rows += [("classes", f"{len(labels)}: {names}")] if labels else []
    rows += [("inputs", ", ".join(f"{n} {shape}" for n, (shape, _) in getattr(trainer.model, "inputs", {}).items()))]
    rows += [("pretrained weights", config.get("pretrained") or "none (random initialization)")]
    rows += [("training", f"{epochs_text(trainer)}, {counted(trainer.step, 'step')}")]
    rows += [("total batch size", str(trainer.samples_per_step))]
    rows += [("optimizer", str(config.get("optimizer.type")))]
    rows += [("final losses", ", ".join(f"{name} {value:.4g}" for name, value in trainer.losses.items()))]
    rows += [("seed", str(config.get("seed")))]
    return [(name, machine.anonymize(value)) for name, value in rows if value]


def data_of(config, split):
    """The type and the paths of a dataset, on one line."""
    node = config.get(f"data.{split}")
    paths = [str(node[key]) for key in ("root", "annotations", "images", "file_list", "path") if node.get(key)]
    return " ".join([str(node.get("type")), *paths])


def scores(trainer):
    """Table of the best and the last evaluation."""
    records = [r for _, r in read_json_lines(Path(trainer.folder) / "metrics.jsonl") if r.get("kind") == "eval"]
    if not records:
        return "This run was not evaluated; run the evaluation command below for its scores."
    best_step = (trainer.best or {}).get("step")
    best = next((record for record in records if record["step"] == best_step), None)
    columns = [("best", best)] if best and best is not records[-1] else []
    columns.append(("best and last" if best is records[-1] else "last", records[-1]))
    head = ("data.eval", *(f"{title}, step {record['step']}" for title, record in columns))
    names = [name for name in records[-1] if name not in ("kind", "step", "epoch")]
    rows = [(name, *(score_text(record.get(name)) for _, record in columns)) for name in names]
    return markdown_table(head, rows)


def score_text(value):
    """A score with four decimals; a dash if it is undefined (null, or -1 as in COCO)."""
    return "-" if value in (None, -1) else f"{value:.4f}"


def plot_links(trainer):
    """Markdown images of the plots."""
    found = sorted((Path(trainer.folder) / "plots").glob("*.png"))
    return [" ".join(f"![{path.stem}](plots/{path.name})" for path in found)] if found else []


def limits(trainer):
    """Limitations of the model and its scores."""
    lines = ["The scores hold for data from the distribution of the evaluation data; other data may give other scores."]
    if trainer.config.get("labels"):
        lines.append("Anything outside the classes above is missed or assigned to one of them.")
    if trainer.best:
        lines.append(
            "The best checkpoint was selected by its evaluation score, which is therefore slightly optimistic."
        )
    if trainer.epoch < trainer.epochs:
        lines.append(f"The run stopped after {trainer.epoch} of {counted(trainer.epochs, 'epoch')}.")
    lines.append("The numbers are from one run with one seed; other seeds give other numbers.")
    lines.append("The license of the training data, which may restrict the use of the weights, is not recorded here.")
    return lines


def markdown_table(head, rows):
    """A Markdown table; pipes in cells are escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)
