"""The console script `kit`: `kit train -c configs/yolov3.yml` is `python tools/train.py -c configs/yolov3.yml`."""

import importlib
import sys

from common import interpreter
from common.suggest import did_you_mean

COMMANDS = {  # name: (module, its description)
    "average": ("common.commands.average", "average the weights of the last checkpoints"),
    "baseline": ("common.commands.baseline", "score simple baselines on the data of a configuration"),
    "check": ("common.commands.check", "check a configuration and every sample"),
    "configure": ("common.commands.configure", "list, explain and generate configurations"),
    "convert": ("common.commands.convert", "convert published weights"),
    "doctor": ("common.commands.doctor", "check the installation"),
    "elastic": ("common.commands.elastic", "train click models by many processes"),
    "eval": ("common.commands.eval", "evaluate a checkpoint or an exported model"),
    "export": ("common.commands.export", "export a checkpoint"),
    "fit": ("common.commands.fit", "compute what transforms learn from the training data"),
    "hub": ("common.commands.hub", "find, install and run ready models"),
    "infer": ("common.commands.infer", "predict with an exported model"),
    "prepare": ("common.commands.prepare", "split your own data and write a configuration for it"),
    "search": ("common.commands.search", "search hyperparameters"),
    "serve": ("deploy.serving.command", "serve an exported model over HTTP"),
    "train": ("common.commands.train", "train a model"),
}


def main(argv=None):
    """Runs the command that the first argument names, and ends the process with its exit code."""
    name, *arguments = (sys.argv[1:] if argv is None else list(argv)) or [""]
    if name in ("", "-h", "--help"):
        lines = [f"  {command:<10} {text}" for command, (_, text) in COMMANDS.items()]
        sys.stdout.write("\n".join(["usage: kit COMMAND ...  (kit COMMAND --help lists its options)", "", *lines, ""]))
        sys.exit(0 if name else 2)
    if name not in COMMANDS:
        sys.stderr.write(f"error: kit has no command '{name}'{did_you_mean(name, COMMANDS)}\n")
        sys.exit(2)
    interpreter.use_dependencies(name)
    sys.exit(importlib.import_module(COMMANDS[name][0]).main(argv=arguments))


def hub(argv=None):
    """Entry point of the console script `hub`: `hub run lac` is `kit hub run lac`."""
    main(["hub", *(sys.argv[1:] if argv is None else argv)])
