"""Trains every tiny twin for a few steps and writes its exact losses and the checksum of its weights.

    python -m tests.made.twin_losses before.json                   # on the code before a change
    python -m tests.made.twin_losses after.json --against before.json   # on the code after it: every twin, equal or not
    python -m tests.made.twin_losses new.json --record                  # where a change is meant: into tests/zoo.csv

Proves that a refactoring changes no number: losses are compared as they are written, weights by their SHA-256.
"""

import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.made.made_sets import MadeSets
from tools.model_zoo import facts

ROOT = Path(__file__).resolve().parents[2]


def twins():
    """{name: row} of the zoo's distinct twins; a name is what follows `-c`, without folders, which a move changes."""
    found = {}
    for row in facts.read_zoo():
        name = re.sub(r"configs/tiny/(\w+/)*", "", row["tiny"])
        found.setdefault(f"{row['kit']} {name}", row)
    return found


def measure(row, sets, folder, steps):
    """Every record of the log with its losses, and the checksum of the weights, after a few steps in a new process."""
    from tests.made.tiny_twins import arguments

    given = arguments(row, sets, f"output_dir={folder}", f"train.max_steps={steps}", "log_every=1")
    command = [sys.executable, str(ROOT / "tools/train.py"), *given]
    environment = {**os.environ, "KIT_THREADS": "1"}
    answer = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if answer.returncode:
        raise SystemExit(f"{row['tiny']}: exit code {answer.returncode}\n{answer.stderr[-2000:]}")
    (metrics,) = folder.rglob("metrics.jsonl")
    losses = [
        {k: v for k, v in json.loads(line).items() if k.startswith("loss")} for line in metrics.read_text().splitlines()
    ]
    weights = next(metrics.parent.glob("last")) / "model.safetensors"
    return {"losses": [entry for entry in losses if entry], "weights": hashlib.sha256(weights.read_bytes()).hexdigest()}


def record(measured):
    """Writes the losses of the first three steps to the rows of tests/zoo.csv that have these twins."""
    owners = {(row["kit"], row["tiny"]): name for name, row in twins().items()}
    rows = facts.read_zoo()
    for row in rows:
        name = owners[row["kit"], row["tiny"]]
        if name in measured:
            losses = [entry["loss"] for entry in measured[name]["losses"][:3]]
            row["first_losses"] = " ".join(f"{value:.4f}" for value in losses)
    facts.write_zoo(rows)


def main(argv=None):
    """Measures, writes, compares; 1 where a twin differs."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("out", type=Path, help="where the measured losses go (JSON)")
    options.add_argument("--against", type=Path, help="an earlier file to compare with")
    options.add_argument("--steps", type=int, default=5, help="steps of each twin (default: 5)")
    options.add_argument("--record", action="store_true", help="write the first losses to tests/zoo.csv")
    options.add_argument("--only", default="", help="twins whose names contain this")
    args = options.parse_args(argv)
    before = json.loads(args.against.read_text()) if args.against else {}
    measured, differ = {}, 0
    with tempfile.TemporaryDirectory() as place:
        sets = MadeSets(Path(place) / "sets")
        sets.place.mkdir()
        for number, (name, row) in enumerate(twins().items()):
            if args.only not in name:
                continue
            folder = Path(place) / f"run{number}"
            measured[name] = measure(row, sets, folder, args.steps)
            args.out.write_text(json.dumps(measured, indent=1) + "\n")
            word = "measured" if name not in before else "equal"
            if name in before and measured[name] != before[name]:
                what = "losses" if measured[name]["losses"] != before[name]["losses"] else "weights"
                word, differ = f"{what} DIFFER", differ + 1
            print(f"{name}: {word}", flush=True)
    if args.record:
        record(measured)
    if args.against:
        missing = sorted(name for name in set(before) - set(measured) if args.only in name)
        print(f"{len(measured)} twins, {differ} differ, {len(missing)} are gone {missing or ''}")
        return bool(differ or missing)
    return 0


if __name__ == "__main__":
    sys.exit(main())
