"""Compares parameters and MACs of the full-size models of tests/zoo.csv with the published counts.

python tools/zoo_parameters.py
"""

import csv
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[0] = str(ROOT)

from common.commands.parser import Parser  # noqa: E402
from tools.zoo import read_zoo  # noqa: E402

PUBLISHED = ROOT / "tests/published_parameters.csv"


def read_published(path=PUBLISHED):
    """The published counts by official name, with the expected differences of ours.

    trained, statistics: parameters; macs: multiply-adds, of which ours saves `spared`, `why` the reason; height, width.
    """
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {
        row["official"]: {name: int(value) for name, value in row.items() if name not in ("official", "why")}
        | {"why": row["why"]}
        for row in rows
    }


def counts_of(row, size):
    """(trained parameters, other numbers, multiply-adds) of the model of a row for one image of [height, width]."""
    import paddle

    from common.build.macs import count_macs
    from common.config import load_config
    from common.testing import count_parameters

    config = load_config(ROOT / row["kit"] / row["config"])
    model = config.build("model", num_classes=int(row["classes"]), labels=list(map(str, range(int(row["classes"])))))
    return *count_parameters(model), count_macs(model, paddle.zeros([1, 3, *size]))


def differences(counts, published):
    """The differences from the published counts as text."""
    wanted = published["trained"], published["statistics"], published["macs"] - published["spared"]
    names = "parameters", "statistics", "multiply-adds"
    return [f"{name} {got:,} instead of {right:,}" for name, got, right in zip(names, counts, wanted) if got != right]


def parser():
    """The argument parser of the script."""
    options = Parser(
        prog="zoo_parameters.py",
        description=__doc__.splitlines()[0],
        epilog="example: python tools/zoo_parameters.py ResNet50 VGG19",
    )
    options.add_argument("names", nargs="*", metavar="NAME", help="official names; all when none is given")
    return options


def main(argv=None):
    """Entry point; returns the exit code: 0, or 1 when a count differs."""
    args = parser().parse_args(argv)
    published = read_published()
    rows = [row for row in read_zoo() if row["official"] in published]
    rows = [row for row in rows if not args.names or row["official"] in args.names]
    unknown = set(args.names) - {row["official"] for row in rows}
    if unknown:
        sys.stderr.write(f"no row with published counts has the official name {', '.join(sorted(unknown))}\n")
        return 2
    wrong = 0
    for row in rows:
        right = published[row["official"]]
        counts = counts_of(row, (right["height"], right["width"]))
        found = differences(counts, right)
        wrong += bool(found)
        size = f"{right['height']}x{right['width']}"
        numbers = f"{counts[0]:>12,} {counts[1]:>9,} {counts[2]:>15,} {size:>8}"
        spared = f", {right['spared']:,} fewer: {right['why']}" if right["spared"] else ""
        sys.stdout.write(f"{row['official']:<26}{numbers}  {'; '.join(found) or f'as published{spared}'}\n")
        sys.stdout.flush()
    sys.stdout.write(f"{len(rows)} models, {wrong} differ\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
