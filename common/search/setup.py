"""Builds a search from the section `search:` of a configuration."""

import os

from common.config.tree import to_plain
from common.errors import ConfigError
from common.search import report
from common.search.cost import Cost
from common.search.space import Choice, KeySpace
from common.search.study import open_storage, open_study
from common.search.training import ConfigTrials, candidate
from common.search.workers import Search


def build_strategy(config):
    """Builds the strategy and its search space.

    Raises:
        ConfigError: the section is invalid.
    """
    node = config.node("search.space")
    if "type" in node:
        space = config.build("search.space")
    else:
        space = KeySpace(to_plain(node), node.places)
    return config.build("search", ignore=("space",), space=space)


def higher_is_better(config):
    """True if a higher score is better, as declared by the class of `data.metric`."""
    definition = config.namespace.find(config.get("data.metric.type"))
    return config.namespace.constant_of(definition, "higher_is_better") is not False


def prepare_search(config, strategy, folder, args, higher):
    """Builds the search and opens its study.

    Args:
        config (Config): checked.
        strategy (Strategy): built from it.
        folder (Path): of the run.
        args (Namespace): the options of `tools/search.py`.
        higher (bool): a higher score is better.
    """
    folder.mkdir(parents=True, exist_ok=True)
    storage = open_storage(args.storage or folder / "search.journal")
    described = {
        "space": {d.name: str(d) for d in strategy.space.dimensions},
        "metric": strategy.metric or "",
        "strategy": type(strategy).__name__,
    }
    open_study(storage, config.name, "maximize" if higher else "minimize", described, args.resume is not None)
    return Search(
        strategy,
        storage,
        config.name,
        ConfigTrials(
            config,
            strategy.space,
            folder.resolve(),
            threads_per_trial(args.workers),
            Cost(config, strategy.limits),
            strategy.metric,
            higher,
        ),
        args.trials or strategy.trials,
        config.get("seed"),
        config.place("search"),
        report=lambda study: report.write_csv(folder / "trials.csv", study, strategy.space),
    )


def threads_per_trial(workers):
    """CPU threads of each of several trials at a time; 0, all, for one at a time."""
    return max(1, len(os.sched_getaffinity(0)) // workers) if workers > 1 else 0


def check_space(config, space):
    """Checks all values of the search space against the configuration before training.

    Every value of a list and both ends of a range are tried, with the first value in the other dimensions.

    Raises:
        ConfigError: names the first invalid value.
    """
    dimensions = space.dimensions
    ends = {d.name: list(d.values) if isinstance(d, Choice) else [d.value(d.low), d.value(d.high)] for d in dimensions}
    first = {name: values[0] for name, values in ends.items()}
    for name, values in ends.items():
        for value in values:
            try:
                candidate(config, space, {**first, name: value})
            except ConfigError as error:
                raise ConfigError(f"search.space: {name} cannot be {value}: {error}") from error
