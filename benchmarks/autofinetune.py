"""Benchmark of the strategies of `hub autofinetune` on a real task: house prices in districts of California.

    python benchmarks/autofinetune.py --data dataset/california_housing/housing.csv.gz [--seeds 15] [--trials 30]

Six hyperparameters of scikit-learn's perceptron with one hidden layer, which trains in milliseconds: learning rate,
momentum, weight decay, width, batch size, activation. A trial trains for three epochs on 4,000 districts and scores on
2,000 others, by the share R2 of the variance of the logarithm of the price that it explains. What a search chose is
trained once more and scored on 4,000 further districts. All strategies have equal trials and seeds. The file has a
header line and ten columns, the price and the nearness of the ocean the last two.
"""

import argparse
import csv
import gzip
import json
import statistics
import warnings
from pathlib import Path

import search  # first: it puts the repository on the path

from common.search.space import KeySpace

EPOCHS, TRAINED, VALIDATED, TESTED = 3, 4000, 2000, 4000
SPACE = {
    "rate": [1e-4, 1.0, "log"],
    "momentum": [0.0, 0.99, "linear"],
    "decay": [1e-6, 1e-1, "log"],
    "width": [4, 128, "log_int"],
    "batch": [64, 128, 256, 512],
    "activation": ["relu", "tanh", "logistic"],
}


class Task:
    """The task as a table whose scores are trained when they are asked for.

    Args:
        path (Path): of the csv, plain or gzipped.
    """

    def __init__(self, path):
        import numpy as np

        self.dimensions = KeySpace(SPACE).dimensions
        opened = gzip.open if path.suffix == ".gz" else open
        with opened(path, "rt", encoding="utf-8", newline="") as file:
            _, *rows = csv.reader(file)
        order = np.random.default_rng(0).permutation(len(rows))
        numbers = np.array([[float(text or "nan") for text in row[:8]] for row in rows])
        numbers = np.where(np.isnan(numbers), np.nanmedian(numbers, axis=0), numbers)
        numbers[:, 3:] = np.log(numbers[:, 3:])  # rooms, people, incomes
        words = sorted({row[9] for row in rows})
        near = np.array([[row[9] == word for word in words] for row in rows])
        inputs, targets = np.concatenate([numbers, near], axis=1)[order], np.log([float(row[8]) for row in rows])[order]
        seen = slice(0, TRAINED)
        spread = inputs[seen].std(axis=0)
        inputs = (inputs - inputs[seen].mean(axis=0)) / np.where(spread > 0, spread, 1)
        targets = (targets - targets[seen].mean()) / targets[seen].std()
        inputs, targets = inputs.astype("float32"), targets.astype("float32")
        ends = np.cumsum([0, TRAINED, VALIDATED, TESTED])
        self.sets = {
            name: (inputs[low:high], targets[low:high])
            for name, low, high in zip(("train", "validation", "test"), ends, ends[1:])
        }
        self.scores, self.macs = Lazy(lambda key: self.score(key, "validation")), Lazy(lambda key: 0)

    def key(self, tokens):
        """The hyperparameters that tokens stand for."""
        return tuple(d.value(tokens[d.name]) for d in self.dimensions)

    def score(self, key, split):
        """R2 after one training with these hyperparameters, on `validation` or `test` (float); -1 if it diverged."""
        import numpy as np
        from sklearn.neural_network import MLPRegressor

        values = dict(zip(SPACE, key, strict=True))
        model = MLPRegressor(
            hidden_layer_sizes=(values["width"],),
            activation=values["activation"],
            solver="sgd",
            alpha=values["decay"],
            batch_size=values["batch"],
            learning_rate_init=values["rate"],
            momentum=values["momentum"],
            max_iter=EPOCHS,
            n_iter_no_change=EPOCHS + 1,
            random_state=0,
        )
        held_out, wanted = self.sets[split]
        try:
            with np.errstate(all="ignore"):
                answers = model.fit(*self.sets["train"]).predict(held_out)
        except ValueError:  # the weights are no longer finite
            return -1.0
        error = np.square(answers - wanted).mean() / wanted.var()
        return max(-1.0, 1 - float(error)) if np.isfinite(error) else -1.0


class Lazy(dict):
    """A dict whose values are computed when they are first asked for.

    Args:
        make (Callable): key -> value.
    """

    def __init__(self, make):
        super().__init__()
        self.make = make

    def __missing__(self, key):
        self[key] = self.make(key)
        return self[key]


def main():
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=15)
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--strategies", nargs="+", choices=search.STRATEGIES, default=["random", "HAZero", "PSHE2"])
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    warnings.simplefilter("ignore")  # three epochs are no convergence
    task = Task(args.data)
    print(f"{args.seeds} seeds; mean of the best R2 x 100 on the validation rows, with its 95 % interval")
    counts = sorted({min(10, args.trials), args.trials})
    found = search.compare(task, args.strategies, args.seeds, counts, 0)
    chosen = {score: key for key, score in task.scores.items()}
    for name, by_count in found.items():
        tested = [task.score(chosen[best], "test") for best in by_count[args.trials]]
        print(f"  test rows, {args.trials} trials  {name:<10} {100 * statistics.mean(tested):.2f}", flush=True)
    if args.json:
        args.json.write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
