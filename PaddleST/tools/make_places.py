"""Creates a synthetic city: the prices of houses depend on their size and age and on the public places near them.

    python PaddleST/tools/make_places.py dataset/places --train 1000 --eval 200

The rows depend on --seed only.
"""

import argparse
import csv
import pathlib
import sys

KIT = pathlib.Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[0] = str(KIT.parent)
    import common  # noqa: F401  starts again in .venv where this Python lacks the dependencies

import numpy as np  # noqa: E402

from common.commands.main import run_command  # noqa: E402
from common.commands.parser import Parser  # noqa: E402

COLUMNS = ("longitude", "latitude", "size", "age", "price")
PUBLIC = 12


def parser():
    """The command-line parser."""
    options = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=pathlib.Path, help="output folder: train.csv, eval.csv, public.csv")
    options.add_argument("--train", type=int, default=1000, help="training rows (default 1000)")
    options.add_argument("--eval", type=int, default=200, help="evaluation rows (default 200)")
    options.add_argument("--seed", type=int, default=0, help="random seed (default 0)")
    return options


def main(argv=None):
    """Runs the command and exits."""
    run_command(parser(), lambda args: make_places(args.folder, args.train, args.eval, args.seed), argv)


def make_places(folder, train, evaluation, seed=0):
    """Writes `train.csv`, `eval.csv` and `public.csv`.

    Args:
        folder (str | Path): for the tables.
        train (int): rows of houses to train on.
        evaluation (int): rows of houses to evaluate on.
        seed (int): random seed.
    """
    folder, rng = pathlib.Path(folder), np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    corner = np.array([8.0, 47.0])
    public, worth = corner + rng.uniform(0, 0.2, (PUBLIC, 2)), rng.uniform(1, 6, PUBLIC)
    houses = corner + rng.uniform(0, 0.2, (train + evaluation, 2))
    size, age = rng.uniform(40, 200, len(houses)), rng.integers(0, 80, len(houses))
    near = np.exp(-np.linalg.norm(houses[:, None] - public, axis=2) / 0.03)
    price = (near * worth).sum(1) / near.sum(1) * (0.6 + 0.4 * size / 120) * (1 - age / 400)
    price *= np.exp(rng.normal(0, 0.03, len(houses)))
    rows = [
        (f"{east:.5f}", f"{north:.5f}", f"{area:.1f}", years, f"{cost:.4f}")
        for (east, north), area, years, cost in zip(houses, size, age, price)
    ]
    write_places(folder / "train.csv", COLUMNS, rows[:train])
    write_places(folder / "eval.csv", COLUMNS, rows[train:])
    write_places(folder / "public.csv", COLUMNS[:2], [(f"{east:.5f}", f"{north:.5f}") for east, north in public])


def write_places(path, columns, rows):
    """Writes a CSV file with a header."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


if __name__ == "__main__":
    main()
