"""`tools/search.py`: hyperparameter and architecture search."""

import argparse
import importlib.util
import signal
import sys

from common.commands.main import add_config_arguments, open_config, run_command
from common.commands.parser import Parser, positive_int

EXAMPLES = """examples:
  python tools/search.py -c configs/mobilenet_v1_hyper_search.yml           # see its section search:
  python tools/search.py -c configs/mobilenet_v1_search.yml --workers 2 -r auto        # resume or start
  python tools/search.py -c configs/mobilenet_v1_search.yml --trials 50 --storage /mnt/search.journal -r auto
"""


def parser():
    """The argument parser of the command."""
    options = Parser(
        prog="search.py", description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_config_arguments(options)
    options.add_argument(
        "--trials", type=positive_int, metavar="N", help="total number of trials, instead of search.trials"
    )
    options.add_argument(
        "--workers", type=positive_int, default=1, metavar="N", help="trials to run in parallel (default 1)"
    )
    options.add_argument(
        "--storage",
        metavar="FILE|URL",
        help="storage of the trials, which several commands can share: a journal file (default <run>/search.journal), "
        "an SQLite file ending in .db, or a database URL",
    )
    options.add_argument("-r", "--resume", choices=["auto"], metavar="auto", help="resume the search in the storage")
    return options


def main(default_kit=None, argv=None):
    """Entry point; exits the process."""
    run_command(parser(), lambda args: run_search(args, default_kit), argv)


def run_search(args, default_kit):
    """Runs the command and returns its exit code."""
    config = open_config(args, default_kit)
    if config is None:
        return 0
    from common.errors import EnvironmentProblem
    from common.system import runtime
    from common.training.preflight import make_folder, require_section

    for section, what in (("search", "a search"), ("data.metric", "a search"), ("data.eval", "a search")):
        require_section(config, section, what)
    if importlib.util.find_spec("optuna") is None:
        raise EnvironmentProblem("a search needs the package optuna: pip install optuna")
    runtime.prepare(load=False)
    from common.search import report
    from common.search.setup import build_strategy, check_space, higher_is_better, prepare_search

    strategy = build_strategy(config)
    check_space(config, strategy.space)
    folder = config.run_folder
    make_folder(folder)
    higher = higher_is_better(config)
    found = prepare_search(config, strategy, folder, args, higher)
    if strategy.limits:
        runtime.prepare()  # the workers, which need it to measure candidates, are threads and cannot set signals
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        found.run(args.workers)
    finally:
        study = found.study()
        report.write_csv(folder / "trials.csv", study, strategy.space)
        sys.stdout.write(report.format_summary(study, strategy.space, found.trainer, folder) + "\n")
        sys.stdout.flush()
    report.check_scored(study)
    return 0
