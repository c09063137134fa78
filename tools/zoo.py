"""Writes MODELS.md and docs/choosing.md from tests/zoo.csv; `select` chooses a model, `page` writes an HTML page.

python tools/zoo.py
"""

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[0] = str(ROOT)

from common.commands.parser import Parser  # noqa: E402
from common.errors import KitError  # noqa: E402
from tools.model_zoo import choice, documents, page  # noqa: E402
from tools.model_zoo.facts import read_zoo  # noqa: E402

__all__ = ["main", "parser", "read_zoo"]
EXAMPLES = """examples:
  python tools/zoo.py select
  python tools/zoo.py select --task classification --min top1=70 --max latency=10 --max size=20
  python tools/zoo.py page --out models.html
  python tools/zoo.py --check"""


def parser():
    """The argument parser of the script."""
    options = Parser(prog="zoo.py", description=__doc__.splitlines()[0], epilog=EXAMPLES)
    options.add_argument("--check", action="store_true", help="write nothing; exit 2 when a file is out of date")
    commands = options.add_subparsers(dest="command", metavar="{select,page}")
    one = commands.add_parser("select", help="print the models of a task within bounds", epilog=EXAMPLES)
    one.add_argument("--task", metavar="NAME", help="such as classification; all tasks are listed without it")
    least = {"action": "append", "default": [], "metavar": "NAME=VALUE"}
    one.add_argument("--min", help="at least this figure, such as top1=70; may be repeated", **least)
    one.add_argument("--max", help="at most this cost, such as latency=10 (ms) or size=20 (MB)", **least)
    one.add_argument("--data", metavar="NAME", help="only models with figures of this dataset, such as ImageNet")
    one.add_argument("--sort", metavar="NAME", help="a figure or a cost, best first; default the task's first figure")
    figures = "figures of the authors, those of this repository, or the former before the latter (default: %(default)s)"
    one.add_argument("--figures", choices=choice.SOURCES, default="any", help=figures)
    one.add_argument("--json", action="store_true", help="print JSON")
    two = commands.add_parser("page", help="write one HTML file with filters, a table and plots", epilog=EXAMPLES)
    two.add_argument("--out", metavar="FILE", default="models.html", help="default: %(default)s")
    return options


def main(argv=None):
    """Entry point; returns the exit code."""
    args = parser().parse_args(argv)
    try:
        if args.command == "select":
            sys.stdout.write(choice.select_command(args))
            return 0
        if args.command == "page":
            pathlib.Path(args.out).write_text(page.page(), encoding="utf-8")
            sys.stdout.write(f"{args.out}\n")
            return 0
        texts = documents.documents(ROOT)
    except KitError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    except (OSError, ValueError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    if args.check:
        return compared(texts)
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")
    return 0


def compared(texts):
    """Names the files that are not what they would be written as; returns the exit code."""
    old = [path for path, text in texts.items() if not path.is_file() or path.read_text(encoding="utf-8") != text]
    for path in old:
        sys.stderr.write(f"{path.name} is not what tests/zoo.csv says; run: python tools/zoo.py\n")
    return 2 if old else 0


if __name__ == "__main__":
    sys.exit(main())
