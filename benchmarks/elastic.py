"""Training by several processes against one process, on the same model and data, in samples per second of CPU.

    python benchmarks/elastic.py                       # one process, the engine without messages, Ray with 2 workers
    python benchmarks/elastic.py --only table          # how pull, push, commit and recovery grow with the table
    python benchmarks/elastic.py --batch 512 --rows 20000 --keys 10000000

CPU of all processes counts: workers, shards, dense, coordinator, supervisor and the daemons of Ray.  Rows are synthetic
clicks in the format of Criteo, the model is that of deepfm_elastic.yml.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import psutil

from common.build.data import build_dataset
from common.build.learn_transforms import fit_transforms
from common.config import load_config
from common.elastic import members
from common.elastic.cluster import InOneProcess
from common.elastic.commits import CommitDraft
from common.elastic.model import RemoteModel
from common.elastic.shard import Shard
from common.elastic.supervisor import Supervisor
from common.optim.optimizers import Adam
from common.training.trainer import to_tensors
from PaddleRec.tools.make_clicks import make_click_hours

CONFIG = "PaddleRec/configs/ranking/deepfm_elastic.yml"
TABLE = "fields.categories"


def cpu_of_all():
    """Seconds of CPU of this process and all that it has started."""
    total = 0.0
    for process in [psutil.Process(), *psutil.Process().children(recursive=True)]:
        try:
            times = process.cpu_times()
        except psutil.Error:
            continue
        total += times.user + times.system
    return total


def prepare(folder, args):
    """(configuration, its file) of a run on one hour of data."""
    make_click_hours(folder / "hours", 1, args.rows, values=args.values, evaluation=1)
    given = [f"dataset={folder / 'hours'}", f"output_dir={folder / 'out'}", "train.epochs=1", "data.train.wait=0"]
    given += [f"train.batch_size={args.batch}", f"elastic.part_mb={args.rows * 260 / args.parts / 2**20}"]
    config = load_config(CONFIG, given)
    config.check()
    fit_transforms(config, build_dataset(config, "train"))
    path = folder / "config.yml"
    path.write_text(config.dump())
    return config, path


def measure_single(config, path, tables):
    """Samples per second of CPU of the plain model with all rows in this process."""
    worker = members.make_worker(path, 0, None)
    model, optimizer = config.build("model"), config.build("optimizer")
    optimizer.schedule.bind(None, None)
    built, count, begun = optimizer.build(model), 0, None
    for step, batch in enumerate(worker.batches({"hour": 0, "part": 0, "shards": 1})):
        if step == 2:
            count, begun = 0, time.process_time()
        losses, outputs = model.scored_loss(to_tensors(batch))
        worker.metric.update({name: value.numpy() for name, value in outputs.items()}, batch)
        sum(losses.values()).backward()
        built.step(optimizer.schedule.at(step))
        built.clear()
        count += len(batch["label"])
    return count / (time.process_time() - begun)


class Watched(Supervisor):
    """A supervisor that notes rows and CPU while it runs, and ends without commit or publishing."""

    def turn(self):
        ended = super().turn()
        lead = self.pulses.get("coordinator")
        if lead and lead["parts"]["done"] >= 1:
            self.notes.append((lead["rows"], cpu_of_all(), time.monotonic()))
        return ended

    def make_commit(self, hour_ended):
        self.ending = "measured"

    def proceed(self, due):
        return due == "hour"


def measure_several(config, path, tables, cluster, workers, shards):
    """(samples per second of CPU, samples per second) between the first part that was done and the last one."""
    supervisor = Watched(config, path, tables, cluster, workers, shards)
    supervisor.notes = []
    supervisor.run()
    notes = [note for n, note in enumerate(supervisor.notes) if n == 0 or note[0] > supervisor.notes[n - 1][0]]
    (first, cpu, clock), (last, cpu_end, clock_end) = notes[0], notes[-1]
    return (last - first) / (cpu_end - cpu), (last - first) / (clock_end - clock)


def measure_table(keys, folder):
    """Milliseconds of CPU of a pull and a push of 12,000 keys, seconds of a commit and of a recovery, by table size."""
    settings, rng = Adam(lr=1e-3), np.random.default_rng(0)
    settings.schedule.bind(None, None)
    shard = Shard(0, 1, {TABLE: {"width": 11, "std": 0.01}}, settings)
    shard.begin(1)
    store = shard.tables[TABLE]
    for begin in range(0, keys, 100000):
        new = np.arange(begin, min(keys, begin + 100000), dtype=np.uint64) * np.uint64(7919)
        store.push(new, np.ones((len(new), 11), np.float32), np.ones(len(new), np.int64), 1e-3)
    used = {"pull": 0.0, "push": 0.0}
    for _ in range(10):
        asked = np.unique(rng.integers(0, keys, 12000, dtype=np.uint64)) * np.uint64(7919)
        gradients = np.ones((len(asked), 11), np.float32)
        for name, arguments in (("pull", (asked,)), ("push", (asked, gradients, np.ones(len(asked), np.int64), 1e-3))):
            begun = time.process_time()
            getattr(store, name)(*arguments)
            used[name] += time.process_time() - begun
    draft, begun = CommitDraft(folder / f"{keys}", 1), time.monotonic()
    commit = draft.finish(shard.snapshot(1, draft.folder), {}, 2)
    middle = time.monotonic()
    shard.begin(2, commit)
    found = {f"{name} ms": round(seconds * 100, 2) for name, seconds in used.items()}
    return found | {"commit s": round(middle - begun, 2), "recovery s": round(time.monotonic() - middle, 2)}


def main():
    """Prints a JSON line for each measurement."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--batch", type=int, default=2048)
    options.add_argument("--rows", type=int, default=80000, help="of the hour")
    options.add_argument("--values", type=int, default=1000, help="distinct values of a field")
    options.add_argument("--parts", type=int, default=8, help="that the hour is cut into")
    options.add_argument("--workers", type=int, default=2)
    options.add_argument("--shards", type=int, default=1)
    options.add_argument("--keys", type=int, default=10**6, help="largest table of the measurement of tables")
    options.add_argument("--only", choices=["single", "engine", "ray", "table"], nargs="+")
    args = options.parse_args()
    only = args.only or ["single", "engine", "ray", "table"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if {"single", "engine", "ray"} & set(only):
            config, path = prepare(folder, args)
            tables = RemoteModel(config, build_dataset(config, "train")).tables()
        if "single" in only:
            show("single process", per_cpu=round(measure_single(config, path, tables)))
        for what in ("engine", "ray"):
            if what not in only:
                continue
            if what == "ray":
                from common.elastic.ray_cluster import RayCluster
            cluster = InOneProcess() if what == "engine" else RayCluster(config.run_folder)
            workers = 1 if what == "engine" else args.workers
            found = measure_several(config, path, tables, cluster, workers, args.shards)
            show(f"{what}, {workers} workers", per_cpu=round(found[0]), per_second=round(found[1]))
        size = 10**5
        while "table" in only and size <= args.keys:
            show(f"{size} keys", **measure_table(size, folder))
            size *= 10


def show(what, **numbers):
    """Prints one measurement."""
    print(json.dumps({"what": what, **numbers}), flush=True)


if __name__ == "__main__":
    main()
