"""Benchmark of recommendation: DeepFM steps by table size and against torch, the Criteo reader, memory on long files.

    python benchmarks/rec.py                    # 26 fields, 16 wide, batch 2048, layers of 400, lazy Adam
    python benchmarks/rec.py --only reader      # or step, memory

The memory part trains a small model on files of 500,000 and 5,000,000 rows (1.3 GB, in a temporary folder) and compares
the peaks.
"""

import argparse
import json
import resource
import sys
import tempfile
import time
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])
sys.path.insert(1, str(Path(__file__).resolve().parent))

from measure import finish, median, run_child, run_program, table, torch_python  # noqa: E402

BATCH, FIELDS, SIZES = 2048, 26, (100_000, 1_000_000, 10_000_000)


def main():
    """Runs the parts; a child of it runs one row."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--only", choices=["step", "reader", "memory"], help="one part")
    options.add_argument("--steps", type=int, default=12, help="steps of a row and round (default 12)")
    options.add_argument("--rounds", type=int, default=2, help="rounds in which rows take turns (default 2)")
    options.add_argument("--threads", type=int, default=1, help="threads of a process (default 1)")
    options.add_argument("--rows", type=int, default=5_000_000, help="rows of the long file (default 5,000,000)")
    options.add_argument("--json", help="write the ratios to a file")
    options.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    args = options.parse_args()
    if args.child:
        kind, value = args.child
        print(json.dumps(CHILDREN[kind](value, args)))
        return
    results = {}
    for part in (step, reader, memory):
        if args.only in (None, part.__name__):
            results |= part(args)
    finish(results, args.json)


def child(args, kind, value):
    """One row, in a separate process."""
    threads = str(args.threads)
    more = ["--steps", args.steps, "--threads", threads]
    return run_child(
        sys.executable, "rec.py", "--child", kind, value, *more, KIT_THREADS=threads, OMP_NUM_THREADS=threads
    )


def step(args):
    """Samples per second of training, and the cost of a step by the rows of the table."""
    other = torch_python()
    laps = {}
    for _ in range(args.rounds):
        for rows in SIZES:
            laps.setdefault(("ours", rows), []).append(child(args, "step", rows))
        if other:
            program = Path(__file__).with_name("torch_rec.py")
            given = [1_000_000, args.steps, args.threads]
            threads = str(args.threads)
            laps.setdefault(("torch", 1_000_000), []).append(
                run_program(other, program, *given, OMP_NUM_THREADS=threads)
            )
    found = {}
    for key, rounds in laps.items():
        found[key] = [median([t for one in rounds for t in one[clock]]) for clock in ("wall", "cpu")]
    lines = [
        [f"{who}, {rows:,} rows", BATCH / wall, BATCH / cpu, 1000 * wall, 1000 * cpu]
        for (who, rows), (wall, cpu) in found.items()
    ]
    table("DeepFM, 26 fields, 16 wide, batch 2048", ["", "samples/s", "samples/CPU s", "wall ms", "CPU ms"], lines)
    growth = found["ours", SIZES[-1]][1] / found["ours", SIZES[0]][1]
    results = {"a step, table of 10^7 rows / of 10^5": (growth, "<=", 1.25)}
    if other:
        ours, theirs = found["ours", 1_000_000], found["torch", 1_000_000]
        results["samples per second, ours / torch (wall)"] = (theirs[0] / ours[0], ">=", 1.0)
        results["samples a CPU second, ours / torch"] = (theirs[1] / ours[1], ">=", 1.0)
    return results


def step_child(rows, args):
    """Wall and CPU seconds of the steps of our DeepFM."""
    from common.system import runtime

    runtime.prepare()
    import numpy as np
    import paddle

    from common.optim.optimizers import Adam
    from common.optim.sparse import DenseAndSparse
    from PaddleRec.models.rankers.deepfm import DeepFM

    paddle.seed(0)
    rng, rows = np.random.default_rng(0), int(rows)
    model = DeepFM(0, FIELDS, rows, width=16)
    settings = DenseAndSparse(dense=Adam(lr=1e-3), sparse=Adam(lr=1e-3))
    settings.schedule.bind(1, 1)
    optimizer = settings.build(model)
    wall, cpu = [], []
    for _ in range(args.steps + 3):
        batch = {
            "numbers": paddle.zeros([BATCH, 0]),
            "ids": paddle.to_tensor(rng.integers(0, rows, (BATCH, FIELDS))),
            "label": paddle.to_tensor(rng.integers(0, 2, BATCH).astype("float32")),
        }
        begun = time.perf_counter(), time.process_time()
        model.loss(batch)["loss_log"].backward()
        optimizer.step(settings.schedule.at(0))
        optimizer.clear()
        wall.append(time.perf_counter() - begun[0])
        cpu.append(time.process_time() - begun[1])
    return {"wall": wall[3:], "cpu": cpu[3:]}


def reader(args, rows=200_000):
    """Rows per second from a Criteo file to numbers and ids, and of pandas and pyarrow to columns of words."""
    from PaddleRec.tools.make_clicks import make_clicks

    with tempfile.TemporaryDirectory() as folder:
        make_clicks(folder, rows, 10)
        file = f"{folder}/train.txt"
        found = {kind: [] for kind in ("rows", "arrays", "pandas", "pyarrow")}
        for _ in range(args.rounds):
            for kind, laps in found.items():
                laps.append(child(args, kind, file)["cpu"])
    cpu = {kind: min(laps) for kind, laps in found.items()}
    names = {
        "rows": "CriteoRows: columns of words",
        "arrays": "CriteoRows and TableFeatures: numbers scaled, ids looked up",
        "pandas": "pandas.read_csv, whole file in memory, strings not hashed",
        "pyarrow": "pyarrow.csv, whole file in memory, strings not hashed",
    }
    table("Criteo reader, one thread", ["", "rows/CPU s"], [[names[kind], rows / cpu[kind]] for kind in names])
    return {"rows a CPU second, CriteoRows / pandas": (cpu["pandas"] / cpu["rows"], ">=", 1.0)}


def read_child(kind):
    """CPU seconds to read a file to the end, by one way."""

    def read(file, args):
        from common.data.loader import Loader
        from common.data.pipeline import Pipeline
        from common.data.samplers import StreamSampler
        from common.table.features import TableFeatures
        from PaddleRec.data.criteo import CATEGORIES, NUMBERS, CriteoRows

        names = ["label", *NUMBERS, *CATEGORIES]
        rows = CriteoRows([file])
        transforms = []
        if kind == "arrays":
            transforms = [TableFeatures(f"{file}.features", NUMBERS, CATEGORIES, "log", num_ids=100_000)]
            if not transforms[0].is_fitted():
                transforms[0].fit(Loader(rows, Pipeline([]), StreamSampler(4096)).epoch(0))
        begun = time.process_time()
        if kind == "pandas":
            import pandas

            types = dict.fromkeys(NUMBERS, "float64") | dict.fromkeys(CATEGORIES, "str")
            count = len(pandas.read_csv(file, sep="\t", names=names, dtype=types))
        elif kind == "pyarrow":
            from pyarrow import csv

            options = csv.ReadOptions(column_names=names, use_threads=False)
            count = csv.read_csv(file, options, csv.ParseOptions(delimiter="\t")).num_rows
        else:
            loader = Loader(rows, Pipeline(transforms), StreamSampler(BATCH))
            count = sum(len(batch["label"]) for batch in loader.epoch(0))
        return {"cpu": time.process_time() - begun, "rows": count}

    return read


def memory(args):
    """The peak memory of training on a file of 500,000 rows and of `--rows` rows."""
    peaks = []
    with tempfile.TemporaryDirectory() as folder:
        for rows in (args.rows // 10, args.rows):
            child(args, "make", f"{folder}/{rows}:{rows}")
            peaks.append(child(args, "train", f"{folder}/{rows}"))
    lines = [[f"{one['rows']:,} rows", one["peak"], one["cpu"], one["rows"] / one["cpu"]] for one in peaks]
    table("Training on a stream", ["", "peak MB", "CPU s", "rows/CPU s"], lines)
    return {"peak memory, ten times the rows": (peaks[1]["peak"] / peaks[0]["peak"], "<=", 1.1)}


def make_child(where, args):
    """Writes a file of click data."""
    from PaddleRec.tools.make_clicks import make_clicks

    folder, _, rows = where.rpartition(":")
    make_clicks(folder, int(rows), 10)
    return {}


def train_child(folder, args):
    """The peak memory (MB) and CPU seconds of fitting and of one epoch of a small DeepFM."""
    from common.system import runtime

    runtime.prepare()
    import paddle

    from common.data.loader import Loader
    from common.data.pipeline import Pipeline
    from common.data.samplers import StreamSampler
    from common.optim.optimizers import Adagrad, Adam
    from common.optim.sparse import DenseAndSparse
    from common.table.features import TableFeatures
    from common.training.trainer import to_tensors
    from PaddleRec.data.criteo import CATEGORIES, NUMBERS, CriteoRows
    from PaddleRec.models.rankers.deepfm import DeepFM

    rows = CriteoRows([f"{folder}/train.txt"], shuffle=20_000)
    features = TableFeatures(f"{folder}/features", NUMBERS, CATEGORIES, "log", num_ids=30_000, min_count=2)
    features.fit(Loader(CriteoRows(rows.files), Pipeline([]), StreamSampler(4096)).epoch(0))
    model = DeepFM(13, 26, 30_000, width=4, hidden=[16])
    settings = DenseAndSparse(dense=Adam(lr=1e-3), sparse=Adagrad(lr=0.05))
    settings.schedule.bind(1, 1)
    optimizer = settings.build(model)
    begun, count = time.process_time(), 0
    for batch in Loader(rows, Pipeline([features]), StreamSampler(4096), watchdog=0).epoch(0):
        count += len(batch["label"])
        model.loss(to_tensors(batch))["loss_log"].backward()
        optimizer.step(settings.schedule.at(0))
        optimizer.clear()
    assert paddle.isfinite(model.fields.numbers).all().item()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"peak": peak, "cpu": time.process_time() - begun, "rows": count}


CHILDREN = {"step": step_child, "make": make_child, "train": train_child}
CHILDREN |= {kind: read_child(kind) for kind in ("rows", "arrays", "pandas", "pyarrow")}

if __name__ == "__main__":
    main()
