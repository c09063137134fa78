"""Click-through models that train on many processes: on this machine or on Kubernetes, with one command each.

A command is a module with `add_options(parser)` and `execute(args)`; docs/elastic.md describes them.
"""

import importlib

from common.commands.main import run_command
from common.commands.parser import Parser

COMMANDS = {  # name -> (its module, what it does)
    "up": ("common.commands.elastic_up", "train by several processes; resumes an earlier run"),
    "status": ("common.commands.elastic_status", "the hour, its scores, parts, workers, shards and the last commit"),
    "logs": ("common.commands.elastic_logs", "the log of a run or of one of its processes"),
    "scale": ("common.commands.elastic_scale", "another number of workers or shards"),
    "down": ("common.commands.elastic_down", "let the workers end their parts, commit, and stop"),
    "client": ("deploy.kubernetes.client", "write a script that asks the published model"),
    "render": ("deploy.kubernetes.render", "write the manifests for Kubernetes, checked against their schemas"),
}


EXAMPLES = """examples:
  python tools/elastic.py up --local -c PaddleRec/configs/ranking/deepfm_elastic.yml --workers 2
  python tools/elastic.py render -c PaddleRec/configs/ranking/deepfm_elastic.yml --options deploy/kubernetes/example.yml
"""


def parser():
    """The argument parser of all commands."""
    options = Parser(prog="elastic.py", description=__doc__.split("\n", 1)[0], epilog=EXAMPLES)
    verbs = options.add_subparsers(dest="verb", metavar="COMMAND", required=True, parser_class=Parser)
    for name, (module, about) in COMMANDS.items():
        importlib.import_module(module).add_options(verbs.add_parser(name, help=about, description=about))
    return options


def main(argv=None):
    """Entry point; exits the process."""
    run_command(parser(), lambda args: importlib.import_module(COMMANDS[args.verb][0]).execute(args), argv)
