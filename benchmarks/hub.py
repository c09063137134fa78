"""Times modules of the hub against other programs of the same purpose: first answers of new processes, and later ones.

python benchmarks/hub.py --image page.png --peer rapidocr=/path/to/venv/bin/python

A peer is a program of its own environment, because its packages and PaddlePaddle may not be in one process. Each row is
measured in turn with the others, a new process each time, and the medians are printed.
"""

import argparse
import os
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TIMED = """
import sys, time
begin = time.perf_counter()
{load}
answer = {first}
first = time.perf_counter() - begin
later = []
for _ in range(int(sys.argv[2])):
    begin = time.perf_counter()
    answer = {first}
    later.append(time.perf_counter() - begin)
print("TIMES", first, sorted(later)[len(later) // 2], len(answer))
"""
ROWS = {  # name -> what is compared, how it is loaded, and one answer as an expression
    "ppocr": ("text", "from common import hub; m = hub.Module(name='ppocr')", "m.predict([sys.argv[1]])[0]"),
    "rapidocr": (
        "text",
        "from rapidocr_onnxruntime import RapidOCR; m = RapidOCR(intra_op_num_threads=1, inter_op_num_threads=1)",
        "m(sys.argv[1])[0] or []",
    ),
}


def measure(name, python, image, repeats):
    """(seconds to the first answer in a new process, median of later ones, number of records) of a row."""
    _, load, first = ROWS[name]
    code = TIMED.format(load=load, first=first)
    one = {"OMP_NUM_THREADS": "1", "KIT_THREADS": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [python, "-c", code, str(image), str(repeats)], env=os.environ | one, capture_output=True, text=True
    )
    times = [line.split()[1:] for line in done.stdout.splitlines() if line.startswith("TIMES")]
    if done.returncode or not times:
        raise SystemExit(f"{name}: {done.stderr[-500:]}")
    first, later, records = times[0]
    return float(first), float(later), int(records)


def main():
    """Entry point."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--image", required=True, help="that is read")
    options.add_argument("--peer", action="append", default=[], metavar="NAME=PYTHON", help="a peer and its Python")
    options.add_argument("--modules", nargs="+", default=["ppocr"], help="installed modules (default: %(default)s)")
    options.add_argument("--rounds", type=int, default=3, help="processes of each row (default: %(default)s)")
    options.add_argument("--repeats", type=int, default=3, help="later answers in a process (default: %(default)s)")
    args = options.parse_args()
    pythons = dict.fromkeys(args.modules, sys.executable) | dict(peer.split("=", 1) for peer in args.peer)
    unknown = sorted(set(pythons) - set(ROWS))
    if unknown:
        raise SystemExit(f"{unknown[0]}: there are {', '.join(ROWS)}")
    found = {name: [] for name in pythons}
    for _ in range(args.rounds):
        for name, python in pythons.items():
            found[name].append(measure(name, python, args.image, args.repeats))
    sys.stdout.write(
        "| program | purpose | first answer, s | later answers, s | records |\n| --- | --- | --- | --- | --- |\n"
    )
    for name, rounds in found.items():
        first, later, records = (statistics.median(values) for values in zip(*rounds))
        sys.stdout.write(f"| {name} | {ROWS[name][0]} | {first:.2f} | {later:.2f} | {records:g} |\n")


if __name__ == "__main__":
    main()
