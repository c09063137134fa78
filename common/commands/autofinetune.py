"""`hub autofinetune`: searches the hyperparameters of a script that reports a score, or of a configuration."""

import importlib.util
import signal
import sys
from pathlib import Path

from common.commands.parser import positive_int
from common.suggest import did_you_mean

STRATEGIES = ("hazero", "pshe2", "random", "grid", "bayes", "annealing")
EVALUATORS = ("populationbased", "fulltrail")
EXAMPLES = """examples:
  python tools/hub.py autofinetune train.py --param_file hparam.yaml --popsize 5 --round 10 --output_dir auto
  python tools/hub.py autofinetune train.py --param_file hparam.yaml --evaluator fulltrail --strategy hazero batch 32
  python tools/hub.py autofinetune configs/tiny/resnet18.yml --param_file keys.yaml --workers 2 -r auto
"""


def add_arguments(options):
    """Adds the arguments to the parser of the verb, which names what is searched as `module`."""
    options.takes_words, options.epilog = True, EXAMPLES
    options.add_argument("--param_file", required=True, metavar="FILE", help="YAML of the hyperparameters and limits")
    options.add_argument("--popsize", type=positive_int, default=5, metavar="N", help="trials of a round (default 5)")
    options.add_argument("--round", type=positive_int, default=10, metavar="N", help="rounds (default 10)")
    options.add_argument("--output_dir", metavar="FOLDER", help="of the search (default output/autofinetune/NAME)")
    options.add_argument(
        "--evaluator",
        type=str.lower,
        choices=EVALUATORS,
        default="populationbased",
        help="populationbased (default): rounds start from the models of the better half; fulltrail: from scratch",
    )
    options.add_argument(
        "--tuning_strategy",
        "--strategy",
        type=str.lower,
        choices=STRATEGIES,
        default="pshe2",
        help="how candidates are drawn (default pshe2)",
    )
    options.add_argument(
        "--epochs", type=positive_int, default=1, metavar="N", help="of a trial of populationbased (default 1)"
    )
    options.add_argument("--metric", metavar="NAME", help="score of a configuration (default: of its best checkpoint)")
    options.add_argument("--gpu", metavar="0,1", help="graphics cards; a trial runs on each at a time")
    options.add_argument(
        "--workers", type=positive_int, metavar="N", help="trials at a time (default: the number of cards, or 1)"
    )
    options.add_argument("--seed", type=int, default=0, help="of the strategy (default 0)")
    options.add_argument("-r", "--resume", choices=["auto"], metavar="auto", help="resume the search in the folder")


def run_autofinetune(args, options):
    """Runs the command and returns its exit code."""
    from common.errors import ConfigError, EnvironmentProblem

    args.gpu = [card.strip() for card in args.gpu.split(",")] if args.gpu else []
    if not all(card.isdigit() for card in args.gpu):
        raise ConfigError(f"--gpu {','.join(args.gpu)}: it takes numbers of graphics cards, such as 0,1")
    args.workers = args.workers or len(args.gpu) or 1
    if importlib.util.find_spec("optuna") is None:
        raise EnvironmentProblem("a search needs the package optuna: pip install optuna")
    pairs = pairs_of(args.words)
    given = open_given(args, pairs)
    from common.config.kits import is_tiny
    from common.search.hparams import read_hyperparameters
    from common.system import runtime
    from common.training.preflight import make_folder

    space = read_hyperparameters(args.param_file)
    runtime.prepare(load=False)
    from common.search.autofinetune import build_searcher, conclude, log_to_file, prepare_autofinetune
    from common.search.report import check_scored

    folder = Path(args.output_dir or Path("output/autofinetune") / Path(args.module).stem)
    if is_tiny(getattr(given, "path", given)) and "tiny" not in folder.resolve().parts:
        folder = folder / "tiny"  # where the runs of such a configuration are
    make_folder(folder)
    search = prepare_autofinetune(
        given, build_searcher(args.tuning_strategy, space, args.popsize, args.round), folder, args, pairs
    )
    log_to_file(folder)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        search.run(args.workers)
    finally:
        sys.stdout.write(conclude(search, folder) + "\n")
        sys.stdout.flush()
    check_scored(search.study())
    return 0


def pairs_of(words):
    """The further options of a script, `batch_size 32` or `batch_size=32` (dict)."""
    from common.errors import ConfigError

    found, words = {}, list(words)
    while words:
        name, sign, value = words.pop(0).partition("=")
        if not sign and not words:
            raise ConfigError(f"'{name}' has no value; options of the script are pairs, such as batch_size 32")
        found[name] = value if sign else words.pop(0)
    return found


def open_given(args, pairs):
    """The configuration, checked, or the path of the script."""
    from common.errors import ConfigError

    path = Path(args.module)
    if path.suffix in (".yml", ".yaml"):
        from common.config import load_config
        from common.training.preflight import require_section

        config = load_config(args.module, [f"{name}={value}" for name, value in pairs.items()])
        config.check()
        for section in ("data.metric", "data.eval"):
            require_section(config, section, "a search")
        return config
    if args.metric:
        raise ConfigError("--metric is for configurations; a script reports one score")
    if not path.is_file():
        folder = path.parent if path.parent.is_dir() else Path()
        others = [file.name for file in folder.glob("*.py")]
        raise ConfigError(
            f"{path}: no such file{did_you_mean(path.name, others)}; it takes a script or a configuration"
        )
    return path
