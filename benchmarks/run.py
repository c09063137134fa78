"""Runs all benchmarks in separate processes, and prints one table of the ratios (`make bench`)."""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import measure

SCRIPTS = (
    "loop.py",
    "input_pipeline.py",
    "training_step.py",
    "convolutions.py",
    "classification.py",
    "text.py",
    "serving.py",
)


def main():
    """Runs them one after another; exits with 1 where one of them failed, not where an aim is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=SCRIPTS, action="append", help="one of them; default all")
    parser.add_argument("--quick", action="store_true", help="few and short rounds, to see that everything runs")
    args = parser.parse_args()
    quick = {
        "loop.py": ["--steps", "5", "--rounds", "3"],
        "input_pipeline.py": ["--images", "32", "--epochs", "1", "--rounds", "1"],
        "training_step.py": ["--steps", "1", "--rounds", "1", "--size", "128", "--batch", "2"],
        "convolutions.py": ["--repeat", "1", "--rounds", "1"],
        "classification.py": ["--steps", "1", "--rounds", "1", "--size", "64", "--batch", "2", "--repeat", "5"],
        "serving.py": ["--seconds", "1", "--rounds", "1"],
        "text.py": ["--steps", "1", "--rounds", "1"],
    }
    results, failed = {}, []
    with tempfile.TemporaryDirectory() as folder:
        for script in args.only or SCRIPTS:
            path = Path(folder) / f"{script}.json"
            command = [sys.executable, str(measure.BENCHMARKS / script), "--json", str(path)]
            done = subprocess.run([*command, *(quick[script] if args.quick else [])], cwd=measure.REPOSITORY)
            if done.returncode:
                failed.append(script)
            else:
                results |= json.loads(path.read_text(encoding="utf-8"))
    rows = [[name, ratio, f"{comparison} {goal}"] for name, (ratio, comparison, goal) in results.items()]
    measure.table("All ratios", ["", "ratio", "aim"], rows)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
