"""Creates a synthetic click dataset in the Criteo format, whose clicks depend on hidden weights of the categories.

    python PaddleRec/tools/make_clicks.py dataset/clicks --train 20000 --eval 4000
    python PaddleRec/tools/make_clicks.py dataset/click_hours --hours 4 --train 20000    # rows of each hour

The rows depend on --seed only.  The best possible AUC is written to `about.json`.
"""

import argparse
import importlib
import json
import pathlib
import sys

KIT = pathlib.Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[0] = str(KIT.parent)
    import common  # noqa: F401  starts again in .venv where this Python lacks the dependencies

import numpy as np  # noqa: E402

from common.commands.main import run_command  # noqa: E402
from common.commands.parser import Parser  # noqa: E402
from common.table.hash import splitmix64  # noqa: E402

exact_auc = importlib.import_module(f"{KIT.name}.metrics.click_scores").exact_auc

BLOCK = 20000
MISSING = 0.05


def parser():
    """The command-line parser."""
    options = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=pathlib.Path, help="output folder: train.txt, eval.txt, about.json")
    options.add_argument("--train", type=int, default=20000, help="training rows (default 20000)")
    options.add_argument("--eval", type=int, default=4000, help="evaluation rows (default 4000)")
    options.add_argument(
        "--values", type=int, default=1000, help="distinct values of a categorical feature (default 1000)"
    )
    options.add_argument("--hours", type=int, default=0, help="write so many hourly folders 20200401/HH instead")
    options.add_argument("--seed", type=int, default=0, help="random seed (default 0)")
    return options


def main(argv=None):
    """Runs the command and exits."""
    run_command(parser(), write, argv)


def write(args):
    """Writes the dataset."""
    if args.hours:
        make_click_hours(args.folder, args.hours, args.train, args.values, args.seed, evaluation=args.eval)
    else:
        make_clicks(args.folder, args.train, args.eval, args.values, args.seed)
    sys.stdout.write(f"{args.folder}\n")


def make_clicks(folder, train, evaluation, values=1000, seed=0):
    """Writes train.txt, eval.txt and about.json into a folder.

    Args:
        folder (str | Path): created if missing.
        train (int): training rows.
        evaluation (int): evaluation rows.
        values (int): distinct values of a categorical feature.
        seed (int): random seed.
    """
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    best = {}
    for number, (name, rows) in enumerate((("train", train), ("eval", evaluation))):
        scores, labels = [], []
        with (folder / f"{name}.txt").open("wb") as file:
            for block in range(0, rows, BLOCK):
                rng = np.random.default_rng([seed, number, block])
                text, logits, clicks = make_rows(rng, min(BLOCK, rows - block), values)
                file.write(text)
                scores.append(logits)
                labels.append(clicks)
        best[name] = round(exact_auc(np.concatenate(scores), np.concatenate(labels)), 4)
    (folder / "about.json").write_text(json.dumps({"best_auc": best, "values": values, "seed": seed}) + "\n")


def make_click_hours(folder, hours, rows, values=1000, seed=0, start=0, evaluation=1000):
    """Writes `20200401/HH/part-0` with a donefile for each hour, and eval.txt.

    Args:
        folder (str | Path): created if missing.
        hours (int): number of hours; those after the first 24 are of the next days.
        rows (int): rows of an hour.
        values (int): distinct values of a categorical feature.
        seed (int): random seed.
        start (int): the first hour.
        evaluation (int): rows of eval.txt.
    """
    folder = pathlib.Path(folder)
    for hour in range(start, start + hours):
        place = folder / f"202004{1 + hour // 24:02d}" / f"{hour % 24:02d}"
        place.mkdir(parents=True, exist_ok=True)
        with (place / "part-0").open("wb") as file:
            for block in range(0, rows, BLOCK):
                rng = np.random.default_rng([seed, 2, hour, block])
                file.write(make_rows(rng, min(BLOCK, rows - block), values)[0])
        (place / "donefile").write_text("")
    (folder / "eval.txt").write_bytes(make_rows(np.random.default_rng([seed, 1, 0]), evaluation, values)[0])


def make_rows(rng, rows, values):
    """(text, logits [rows], clicks bool [rows]) of a block of rows.

    Args:
        rng (Generator): of this block.
        rows (int): number of rows.
        values (int): distinct values of a categorical feature.
    """
    ids = (values * rng.random((rows, 26)) ** 3).astype(np.int64)  # a few values are frequent
    weights = weight_of(ids, np.arange(26)) * np.where(np.arange(26) < 8, 1.0, 0.15)
    pairs = weight_of(ids[:, :4] % 20, 100 + np.arange(4)) * weight_of(ids[:, 4:8] % 20, 200 + np.arange(4))
    numbers = np.floor(rng.exponential(20.0, (rows, 13))).astype(np.int64)
    logits = -1.2 + weights.sum(1) + pairs.sum(1) + 0.3 * np.log1p(numbers[:, :3]).sum(1) - 2.4
    clicks = rng.random(rows) < 1 / (1 + np.exp(-logits))
    missing = rng.random((rows, 39)) < MISSING
    words = np.empty((rows, 40), object)
    words[:, 0] = np.where(clicks, "1", "0")
    words[:, 1:14] = numbers.astype(str)
    words[:, 14:] = np.char.mod("%08x", splitmix64((ids + 1000003 * np.arange(26)).astype(np.uint64)) >> np.uint64(32))
    words[:, 1:][missing] = ""
    return ("\n".join(map("\t".join, words.tolist())) + "\n").encode(), logits, clicks


def weight_of(ids, columns):
    """A pseudorandom weight in about [-1, 1] for each id of each column, from its hash."""
    return (splitmix64((ids * 1009 + columns).astype(np.uint64)) >> np.uint64(40)).astype(np.float64) / 2**23 - 1


if __name__ == "__main__":
    main()
