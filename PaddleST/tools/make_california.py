"""Writes the districts of California, census of 1990, as tables of places: train.csv, val.csv and test.csv.

    python PaddleST/tools/make_california.py housing.csv.gz dataset/california_housing

A tenth of the rows is for validation and a fifth for the test, drawn with a fixed seed. Prices are in 100,000 US
dollars, `rooms`, `bedrooms` and `people` are per household.
"""

import argparse
import csv
import gzip
import importlib
import pathlib
import sys

KIT = pathlib.Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[0] = str(KIT.parent)
    import common  # noqa: F401  starts again in .venv where this Python lacks the dependencies

import numpy as np  # noqa: E402

from common.commands.main import run_command  # noqa: E402
from common.commands.parser import Parser  # noqa: E402
from common.errors import DataError  # noqa: E402

write_places = importlib.import_module(f"{KIT.name}.tools.make_places").write_places

COLUMNS = ("longitude", "latitude", "income", "age", "rooms", "bedrooms", "people", "households", "price")
SEED = 0


def make_california(source, folder):
    """Writes the three tables.

    Args:
        source (str | Path): housing.csv, plain or .gz, with the columns of its usual form.
        folder (str | Path): for the tables.

    Raises:
        DataError: the file is missing, or is another table; names the line.
    """
    source, folder = pathlib.Path(source), pathlib.Path(folder)
    if not source.is_file():
        raise DataError(f"error[D104] {source}: there is no such file")
    with gzip.open(source, "rt") if source.suffix == ".gz" else source.open() as file:
        places = [place_of(row, source, line) for line, row in enumerate(csv.DictReader(file), 2)]
    order = np.random.default_rng(SEED).permutation(len(places))
    test, val = len(places) // 5, len(places) // 10
    parts = {"test": order[:test], "val": order[test : test + val], "train": order[test + val :]}
    folder.mkdir(parents=True, exist_ok=True)
    for name, numbers in parts.items():
        write_places(folder / f"{name}.csv", COLUMNS, [places[number] for number in numbers])


def place_of(row, source, line):
    """The values of COLUMNS of a district, as text; bedrooms are empty where they are not known."""
    try:
        homes = float(row["households"])
        bedrooms = row["total_bedrooms"] and f"{float(row['total_bedrooms']) / homes:.4f}"
        found = [row["longitude"], row["latitude"], row["median_income"], row["housing_median_age"]]
        found += [f"{float(row['total_rooms']) / homes:.4f}", bedrooms, f"{float(row['population']) / homes:.4f}"]
        return [*found, f"{homes:g}", f"{float(row['median_house_value']) / 1e5:.5f}"]
    except KeyError as error:
        raise DataError(f"error[D113] {source}: no column is named {error}") from None
    except (ValueError, TypeError, ZeroDivisionError) as error:
        raise DataError(f"error[D119] {source}: line {line}: {error}") from None


def parser():
    """The command-line parser."""
    options = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("source", type=pathlib.Path, help="housing.csv or housing.csv.gz")
    options.add_argument("folder", type=pathlib.Path, help="output folder: train.csv, val.csv, test.csv")
    return options


def main(argv=None):
    """Runs the command and exits."""
    run_command(parser(), lambda args: make_california(args.source, args.folder), argv)


if __name__ == "__main__":
    main()
