"""The AutoDL Finetuner: a search over the options of a script, or over the keys of a configuration.

Its folder holds `search.journal` (the trials), `trials.csv`, a folder and a log per trial, `log_file.txt`, and at the
end `best_model/` and `visualization/`.
"""

import logging
import os
import shutil

from common.errors import ConfigError
from common.log import PrintableFormatter, logger
from common.search import report
from common.search.evaluators import PopulationBased
from common.search.figures import draw_search
from common.search.scripts import ScriptTrials
from common.search.setup import check_space, higher_is_better, threads_per_trial
from common.search.strategies import PSHE2, TPE, GridSearch, HAZero, RandomSearch, SimulatedAnnealing
from common.search.study import first_number, open_storage, open_study
from common.search.training import ConfigTrials
from common.search.workers import Search
from common.weights.run_folder import resolve_link

STRATEGIES = {
    "hazero": HAZero,
    "pshe2": PSHE2,
    "random": RandomSearch,
    "grid": GridSearch,
    "bayes": TPE,
    "annealing": SimulatedAnnealing,
}
POPULATIONS = ("hazero", "pshe2")


def build_searcher(name, space, popsize, rounds):
    """The strategy of a name, for `popsize * rounds` trials.

    Args:
        name (str): a key of STRATEGIES.
        space (Hyperparameters): what is searched.
        popsize (int): trials of a round.
        rounds (int): rounds.

    Raises:
        ConfigError: a setting is outside its range.
    """
    more = {"popsize": popsize, "start": space.start} if name in POPULATIONS else {}
    try:
        strategy = STRATEGIES[name](space, trials=popsize * rounds, **more)
    except ValueError as error:
        raise ConfigError(f"--popsize {popsize}: {error}") from error
    if name == "grid":
        strategy.trials = min(strategy.trials, strategy.space.size)
    return strategy


def prepare_autofinetune(given, strategy, folder, args, pairs):
    """Builds the search and opens its study.

    Args:
        given (Config | Path): the configuration, checked, or the script.
        strategy (Strategy): returned by :func:`build_searcher`.
        folder (Path): of the search.
        args (Namespace): the options of `hub autofinetune`.
        pairs (dict): further options of the script.
    """
    by_population = args.evaluator == "populationbased"
    devices = args.gpu or []
    common = {
        "folder": folder.resolve(),
        "epochs": args.epochs if by_population else None,
        "threads": threads_per_trial(args.workers),
        "devices": devices,
    }
    if hasattr(given, "namespace"):
        check_space(given, strategy.space)
        higher = higher_is_better(given)
        trainer = ConfigTrials(given, strategy.space, metric=args.metric, higher=higher, **common)
        place, path = given.place("model"), given.path
    else:
        higher, path = True, given
        trainer, place = ScriptTrials(given.resolve(), options=pairs, **common), str(given)
    folder.mkdir(parents=True, exist_ok=True)
    storage = open_storage(folder / "search.journal")
    described = {
        "space": {d.name: str(d) for d in strategy.space.dimensions},
        "metric": args.metric or "",
        "strategy": type(strategy).__name__,
        "evaluator": args.evaluator,
        "popsize": args.popsize,
    }
    direction, resume = "maximize" if higher else "minimize", args.resume is not None
    open_study(storage, path.stem, direction, described, resume, "--output_dir ...")
    return Search(
        strategy,
        storage,
        path.stem,
        trainer,
        strategy.trials,
        args.seed,
        place,
        parents=PopulationBased(args.popsize) if by_population else lambda study, number: None,
        report=lambda study: report.write_csv(folder / "trials.csv", study, strategy.space),
    )


def log_to_file(folder):
    """Writes the log to `log_file.txt` as well."""
    handler = logging.FileHandler(folder / "log_file.txt", encoding="utf-8")
    handler.setFormatter(PrintableFormatter("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%d %H:%M:%S"))
    logger.addHandler(handler)


def conclude(search, folder):
    """Writes the table, the plots and the best model of a search, and returns its summary (str)."""
    study, space = search.study(), search.strategy.space
    report.write_csv(folder / "trials.csv", study, space)
    draw_search(folder / "visualization", study, space)
    best = next((trial for trial in report.rank_trials(study) if trial.value is not None), None)
    if best is not None:
        keep_model(search.trainer.model_of(folder / best.user_attrs["folder"]), folder / "best_model")
        logger.info("best_model is that of trial %d", first_number(best))
    return report.format_summary(study, space, search.trainer, folder)


def keep_model(source, target):
    """Copies the folder of a model in place of an earlier copy."""
    source = resolve_link(source)
    if not source.is_dir():
        return
    draft = target.with_name(f".{target.name}-{os.getpid()}")
    shutil.rmtree(draft, ignore_errors=True)
    shutil.copytree(source, draft)
    shutil.rmtree(target, ignore_errors=True)
    draft.replace(target)
