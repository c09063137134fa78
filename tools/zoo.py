"""Writes MODELS.md, the table of all models, from tests/zoo.csv; --check only compares.

python tools/zoo.py
"""

import csv
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[0] = str(ROOT)

from common.commands.parser import Parser  # noqa: E402

ZOO = ROOT / "tests/zoo.csv"
MODELS = ROOT / "MODELS.md"
COLUMNS = (
    *("kit", "model", "config", "classes", "tiny", "parameters", "official", "macs", "published", "latency"),
    *("first_losses", "score", "command"),
)
HEAD = """# Models

Written by `python tools/zoo.py` from `tests/zoo.csv`. Every row is tested: the configuration loads, its model has this
many parameters, and its tiny twin trains to the losses that the row notes. A score is that of a model trained from
random weights by the commands below the table. MACs are the multiply-adds of one image of the size it is evaluated
at; "published" is what its authors or the official collection report; the latency is that of the exported model on one
thread of a CPU, measured by `benchmarks/zoo_latency.py`.
"""


def read_zoo(path=ZOO):
    """The rows, each a dict of texts by column.

    Raises:
        ValueError: a column is missing, unknown or out of order.
    """
    with open(path, encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        rows = list(reader)
    if tuple(reader.fieldnames or ()) != COLUMNS:
        raise ValueError(f"{path}:1: the columns are {', '.join(COLUMNS)}")
    return rows


def table(rows):
    """The text of MODELS.md."""
    lines = [HEAD]
    for kit in dict.fromkeys(row["kit"] for row in rows):
        own = [row for row in rows if row["kit"] == kit]
        lines += [
            f"## {kit}\n",
            "| model | configuration | classes | parameters | MACs | published | latency | score |",
            "| --- | --- | --: | --: | --: | --- | --: | --- |",
        ]
        for row in own:
            link = f"[`configs/{pathlib.Path(row['config']).name}`]({kit}/{row['config']})"
            numbers = f"{row['classes']} | {int(row['parameters']):,} | {in_billions(row['macs'])}"
            rest = [row[name] or "-" for name in ("published", "latency", "score")]
            lines.append(f"| {row['model']} | {link} | {numbers} | {' | '.join(rest)} |")
        scored = [row for row in own if row["command"]]
        if scored:
            lines += ["\nThe scores come from:\n", "```bash"]
            lines += [line for row in scored for line in row["command"].split(" && ")]
            lines.append("```")
        lines.append("")
    return "\n".join(lines)


def in_billions(count):
    """A number of multiply-adds to read, such as `4.089 G`."""
    return f"{int(count) / 1e9:.3f} G" if count else "-"


def parser():
    """The argument parser of the script."""
    options = Parser(prog="zoo.py", description=__doc__.splitlines()[0], epilog="example: python tools/zoo.py --check")
    options.add_argument("--check", action="store_true", help="write nothing; exit 2 when MODELS.md is out of date")
    return options


def main(argv=None):
    """Entry point; returns the exit code."""
    args = parser().parse_args(argv)
    try:
        text = table(read_zoo())
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    if args.check:
        same = MODELS.is_file() and MODELS.read_text(encoding="utf-8") == text
        if not same:
            sys.stderr.write("MODELS.md is not what tests/zoo.csv says; run: python tools/zoo.py\n")
        return 0 if same else 2
    MODELS.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
