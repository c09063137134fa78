"""Runs all benchmarks in separate processes, and prints one table of the ratios (`make bench`).

Each run is kept in benchmarks/results/, with the machine, the commit and the date; `--tables` prints the kept runs of
every machine as Markdown, each ratio as the range over its runs.
"""

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import time
from importlib import metadata
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
RESULTS = measure.BENCHMARKS / "results"


def main():
    """Runs them one after another; exits with 1 where one of them failed, not where an aim is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=SCRIPTS, action="append", help="one of them; default all")
    parser.add_argument("--quick", action="store_true", help="few and short rounds, to see that everything runs")
    parser.add_argument("--tables", action="store_true", help="print the tables of the kept runs, and measure nothing")
    args = parser.parse_args()
    if args.tables:
        print(tables(kept_runs()))
        return
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
    if not args.quick:
        print(f"kept: {keep(results)}")
    measure.table("All ratios", ["", "ratio", "aim"], rows)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


def machine():
    """What ratios depend on (dict): processor, cores, system, versions, commit, whether files were changed."""
    sys.path.insert(0, str(measure.REPOSITORY))
    from common.inference.fastest import processor_name
    from common.system.runtime import usable_cores

    def git(*words):
        done = subprocess.run(["git", *words], cwd=measure.REPOSITORY, capture_output=True, text=True)
        return done.stdout.strip()

    packages = ("paddlepaddle", "numpy", "onnxruntime", "openvino")
    return {
        "processor": processor_name(),
        "cores": usable_cores(),
        "system": platform.platform(),
        "versions": {name: metadata.version(name) for name in packages if is_installed(name)},
        "commit": git("rev-parse", "--short", "HEAD") + ("+" if git("status", "--porcelain", "-uno") else ""),
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
    }


def is_installed(package):
    """True where a package has metadata."""
    try:
        return bool(metadata.version(package))
    except metadata.PackageNotFoundError:
        return False


def keep(results, folder=RESULTS):
    """Writes the ratios of a run with its machine to a file of its own (Path)."""
    folder.mkdir(exist_ok=True)
    path = folder / time.strftime("%Y%m%d-%H%M%S.json", time.gmtime())
    path.write_text(json.dumps(machine() | {"results": results}, indent=1) + "\n", encoding="utf-8")
    return path


def kept_runs(folder=RESULTS):
    """All kept runs (list[dict]), the oldest first."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]


def tables(runs):
    """Markdown tables (str), one for each processor and number of cores: every ratio as the range over its runs."""
    groups, texts = {}, []
    for run in runs:
        groups.setdefault((run["processor"], run["cores"]), []).append(run)
    for (processor, cores), own in groups.items():
        stamps = "; ".join(f"{run['date']} {run['commit']}" for run in own)
        texts.append(
            f"{processor}, {cores} core(s); runs: {stamps}\n\n| measured | ratio | target | |\n|---|---|---|---|"
        )
        for name in dict.fromkeys(name for run in own for name in run["results"]):
            found = [run["results"][name] for run in own if name in run["results"]]
            low, high = min(one[0] for one in found), max(one[0] for one in found)
            comparison, goal = found[-1][1:]
            met = high <= goal if comparison == "<=" else low >= goal
            shown = f"{low:.2f}" if f"{low:.2f}" == f"{high:.2f}" else f"{low:.2f} to {high:.2f}"
            texts.append(f"| {name} | {shown} | {comparison} {goal} | {'' if met else 'missed'} |")
        texts.append("")
    return "\n".join(texts)


if __name__ == "__main__":
    main()
