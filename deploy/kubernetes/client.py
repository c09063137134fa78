"""`tools/elastic.py client`: a script of plain Python that asks the published model, with a row as an example."""

import json
import sys
import types
from pathlib import Path

from common.commands.main import add_config_arguments, open_config
from common.data.pipeline import Pipeline
from common.errors import EnvironmentProblem
from common.inference.exported import Exported
from common.inference.rows import needed_columns
from common.table.versions import current_version

SCRIPT = '''"""Asks the model {name} for predictions of rows, one JSON object per line of standard input.

    python {file} < rows.jsonl        # without input: of an example
"""

import json
import os
import sys
import urllib.request

URL = os.environ.get("KIT_URL", {url!r})
EXAMPLE = {example}


def ask(rows):
    """The predictions of rows (list[dict]), and the version that gave them."""
    headers = {{"Content-Type": "application/json"}}
    if "KIT_API_KEY" in os.environ:
        headers["X-API-Key"] = os.environ["KIT_API_KEY"]
    body = json.dumps({{"rows": rows}}).encode()
    request = urllib.request.Request(f"{{URL}}/v1/models/{name}:predict", body, headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        found = json.load(answer)
    return found["predictions"], found["version"]


if __name__ == "__main__":
    given = [] if sys.stdin.isatty() else [json.loads(line) for line in sys.stdin if line.strip()]
    predictions, version = ask(given or [EXAMPLE])
    for prediction in predictions:
        print(json.dumps({{"version": version, "predictions": prediction}}))
'''
EXAMPLES = {"slots": [[1]]}  # of other columns, a text


def add_options(parser):
    """Adds the options of the command."""
    add_config_arguments(parser)
    parser.add_argument("--name", default="ctr", help="of the model in the server (default: ctr)")
    parser.add_argument("--url", default="http://127.0.0.1:8866", help="of the server (default: http://127.0.0.1:8866)")
    parser.add_argument("--out", metavar="FILE", default="client.py", help="the script (default: client.py)")


def execute(args):
    """Runs the command."""
    config = open_config(args, None)
    if config is None:
        return 0
    published = Path(config.run_folder) / "published"
    if current_version(published) is None:
        raise EnvironmentProblem(f"{published}: nothing is published yet; the first version comes after the first hour")
    Path(args.out).write_text(script_of(published, args.name, args.url, Path(args.out).name), encoding="utf-8")
    sys.stdout.write(f"{args.out}: python {args.out} < rows.jsonl\n")
    return 0


def script_of(published, name, url, file):
    """The text of the script (str).

    Args:
        published (Path): versions of the model, or an export.
        name (str): of the model in the server.
        url (str): of the server.
        file (str): name of the script.
    """
    exported = Exported(published)
    inputs = {entry["name"]: (entry["shape"], entry["dtype"]) for entry in exported.about["inputs"]}
    model = types.SimpleNamespace(inputs=inputs, pipeline=Pipeline(exported.transforms()))
    row = {column: EXAMPLES.get(column, "1") for column in needed_columns(model)}
    if "slots" in inputs:
        row["slots"] = [[1]] * inputs["slots"][0][1]
    return SCRIPT.format(name=name, file=file, url=url, example=json.dumps(row))
