"""Benchmark of the student of three layers against its teacher of twelve, both exported: one text of 128 pieces.

One thread, separate processes, in rounds; random weights.
"""

import argparse
import json
import sys
from pathlib import Path

import measure

CONFIGS = {
    "teacher": "PaddleNLP/configs/ernie_chnsenticorp.yml",
    "student": "PaddleSlim/configs/distillation/ernie_tiny_distill.yml",
}
PIECES, WORDS, AIM = 128, 18000, 4.3
ONE = {"KIT_THREADS": "1", "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive"}


def main():
    """Runs both in turn and prints the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=10, help="texts a round (10)")
    parser.add_argument("--rounds", type=int, default=3, help="processes for each (3)")
    parser.add_argument("--batch", type=int, default=1, help="texts together (1)")
    parser.add_argument("--json", help="write the ratios to this JSON file")
    parser.add_argument("--child", choices=CONFIGS, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
        print(json.dumps(child(CONFIGS[args.child], args.batch, args.steps)))
        return None
    given = ("--batch", args.batch, "--steps", args.steps)
    rows = {
        name: lambda name=name: measure.run_child(sys.executable, "ernie_tiny.py", "--child", name, *given, **ONE)
        for name in CONFIGS
    }
    cpu = measure.rounds(f"{PIECES} pieces, batch {args.batch}, one thread: seconds", rows, args.rounds)
    return measure.finish({"ERNIE: teacher / student, CPU": (cpu["teacher"] / cpu["student"], ">=", AIM)}, args.json)


def child(config, batch, steps):
    """The CPU and wall seconds of each run of the exported classifier of a configuration."""
    from common.system import runtime

    runtime.prepare()
    import numpy as np
    import text

    from common.build.model import build_model
    from common.config import load_config

    model = build_model(load_config(config), ["0", "1"])
    ids = np.random.default_rng(0).integers(1, WORDS, (batch, PIECES))
    return text.measured(text.exported(model, (ids, np.zeros_like(ids), np.full(batch, PIECES))), steps)


if __name__ == "__main__":
    sys.exit(main())
