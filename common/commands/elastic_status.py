"""`tools/elastic.py status`: what a run of several processes does at the moment."""

import json
import sys
import time

from common.commands.main import add_config_arguments, open_config


def add_options(parser):
    """Adds the options of the command."""
    add_config_arguments(parser)
    parser.add_argument("--json", action="store_true", help="everything, as JSON")


def execute(args):
    """Runs the command."""
    config = open_config(args, None)
    if config is None:
        return 0
    from common.elastic.run import read_status

    found = read_status(config.run_folder)
    text = json.dumps(found, indent=1) if args.json else "\n".join(lines_of(found))
    sys.stdout.write(text + "\n")
    return 0 if found["state"] != "gone" else 1


def lines_of(found):
    """A status as lines of text."""
    ago = time.time() - found["time"]
    yield f"{found['state']}{': ' + found['reason'] if found['reason'] else ''} ({ago:.0f} s ago)"
    about = found["members"].get("coordinator")
    if about:
        parts = about["parts"]
        yield (
            f"hour {about['hour']}: {about['rows']} rows, {about['rows_per_second']:g} a second, parts: "
            f"{parts['done']} done, {parts['leased']} leased, {parts['todo']} to do; "
            f"{about['hours_waiting']} hours wait"
        )
        if about["scores"]:
            yield "  " + scores_text(about["scores"])
    yield f"workers: {len(found['workers'])} of {found['wanted']}; restarts: {found['restarts']}; run {found['run']}"
    for name, pulse in sorted(found["members"].items()):
        if name.startswith("shard"):
            rows = ", ".join(f"{table}: {count} rows" for table, count in pulse["rows"].items())
            yield f"{name}: {rows}"
    published = found["published"][-1] if found["published"] else "nothing"
    yield f"commit {found['commit']}; published: {published}"
    for hour in found["hours"][-3:]:
        yield f"  hour {hour['version']}: {hour['rows']} rows, {scores_text(hour['scores'])}"


def scores_text(scores):
    """Scores in one line."""
    return ", ".join(f"{name} {value:.4f}" for name, value in scores.items())
