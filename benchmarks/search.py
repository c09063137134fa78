"""Benchmark of search strategies on a recorded table of trained networks.

    python benchmarks/search.py [--seeds 200] [--trials 25 50 100] [--json FILE]

The table is `benchmarks/search_table.csv`, made by `benchmarks/search_table.py`. A search asks the strategies that
`tools/search.py` uses, and finds the accuracy of a candidate in the table. Random search draws no candidate twice.
"""

import argparse
import csv
import json
import math
import statistics
import sys
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parent
sys.path[0] = str(BENCHMARKS.parent)

from common.search import study as studies  # noqa: E402  silences Optuna
from common.search.space import Choice  # noqa: E402
from common.search.strategies import PSHE2, TPE, HAZero, RandomSearch, SimulatedAnnealing, suggest  # noqa: E402
from common.search.workers import MOST_REPEATED  # noqa: E402

STRATEGIES = {
    "random": RandomSearch,
    "annealing": SimulatedAnnealing,
    "TPE": TPE,
    "HAZero": HAZero,
    "PSHE2": PSHE2,
}


class Table:
    """The recorded networks: a space, and the score and cost of each candidate.

    Args:
        path (Path): the csv.
    """

    def __init__(self, path):
        with open(path, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        names = [name for name in rows[0] if name not in ("accuracy", "macs")]
        names = [name for name in names if len({row[name] for row in rows}) > 1]
        self.dimensions = [Choice(n, tuple(sorted({float(row[n]) for row in rows}))) for n in names]
        self.scores = {tuple(float(row[n]) for n in names): float(row["accuracy"]) for row in rows}
        self.macs = {tuple(float(row[n]) for n in names): int(row["macs"]) for row in rows}

    def key(self, tokens):
        """The candidate that tokens stand for."""
        return tuple(d.values[tokens[d.name]] for d in self.dimensions)


def best_scores(table, strategy, seed, trials, most):
    """The best score after each of so many trials (list[float]); candidates above `most` multiply-adds are redrawn."""
    import optuna

    searched = strategy(table, trials=trials)
    sampler, random, repeated = searched.sampler(seed), optuna.samplers.RandomSampler(seed), 0
    study = optuna.create_study(direction="maximize", sampler=sampler)
    best, seen = [], set()
    while len(best) < trials:
        trial = study.ask()
        key = table.key({name: suggest(trial, name, d) for name, d in searched.distributions.items()})
        trial.set_user_attr(
            "outcome", "repeated" if key in seen else "rejected" if table.macs[key] > most else "trained"
        )
        repeated = repeated + 1 if key in seen else 0
        study.sampler = random if repeated >= MOST_REPEATED else sampler
        if key in seen:
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
        elif table.macs[key] > most:
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        else:
            study.tell(trial, table.scores[key])
            best.append(max([table.scores[key], *best[-1:]]))
        seen.add(key)
    return best


def interval(values):
    """(mean, half the width of its 95 % confidence interval)."""
    return statistics.mean(values), 1.96 * statistics.stdev(values) / math.sqrt(len(values))


def compare(table, names, seeds, counts, most):
    """Prints the mean best accuracy of each named strategy, and returns {strategy: {trials: [best of each seed]}}."""
    found = {}
    for name in names:
        runs = [best_scores(table, STRATEGIES[name], seed, max(counts), most) for seed in range(seeds)]
        found[name] = {count: [run[count - 1] for run in runs] for count in counts}
    for count in counts:
        for name, by_count in found.items():
            mean, half = interval(by_count[count])
            line = f"  {count:4d} trials  {name:<10} {100 * mean:.2f} +- {100 * half:.2f}"
            if name != "random" and "random" in found:
                gains = [a - b for a, b in zip(by_count[count], found["random"][count])]
                gain, half = interval(gains)
                line += f"   {100 * gain:+.2f} +- {100 * half:.2f} points on random"
            print(line, flush=True)
    return found


def main():
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--table", type=Path, default=BENCHMARKS / "search_table.csv")
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--trials", type=int, nargs="+", default=[25, 50, 100])
    parser.add_argument("--strategies", nargs="+", choices=STRATEGIES, default=[n for n in STRATEGIES if n != "TPE"])
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    table = Table(args.table)
    costs = sorted(table.macs.values())
    accuracies = sorted(table.scores.values())
    print(
        f"{len(costs)} networks, accuracy {100 * accuracies[0]:.1f} to {100 * accuracies[-1]:.1f} (median "
        f"{100 * statistics.median(accuracies):.1f}), {costs[0]} to {costs[-1]} multiply-adds; {args.seeds} seeds"
    )
    print(f"Optuna {studies.optuna.__version__}; mean of the best accuracy found, with its 95 % interval")
    results = {}
    for words, most in (("any network", costs[-1]), ("at most the median's multiply-adds", costs[len(costs) // 2])):
        reach = max(score for key, score in table.scores.items() if table.macs[key] <= most)
        print(f"{words} (the best of all has {100 * reach:.2f}):", flush=True)
        results[words] = compare(table, args.strategies, args.seeds, args.trials, most)
    if args.json:
        args.json.write_text(json.dumps(results), encoding="utf-8")


if __name__ == "__main__":
    main()
