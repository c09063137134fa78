"""A shard: the rows of some buckets of every table, updated where they lie.

One message per batch: `exchange` applies the push of an earlier batch and answers the pull of a later one.  A push
belongs to a step of a part of the stream; one that has been applied already changes nothing, so that a part may be done
again from its beginning.  After a restart a shard refuses everything until :meth:`Shard.begin` names the run.
"""

import time

import numpy as np

from common.elastic.commits import buckets_of, own_buckets, read_bucket, write_bucket
from common.elastic.row_store import RowStore
from common.errors import KitError
from common.optim.row_rules import row_rule
from common.table.first_rows import first_seeds
from common.weights.manifest import read_manifest


class RunOver(KitError):
    """A message of a run that was rolled back, or to a process that has no run yet."""


class RunMember:
    """A process with state that follows the run: it answers messages of the present run only."""

    run = -1

    def check_run(self, run):
        """Raises RunOver unless this is the present run."""
        if run != self.run:
            raise RunOver(f"run {run} is over; here it is run {self.run}")


class Shard(RunMember):
    """One of the processes that hold rows.

    Args:
        number (int): of this shard.
        count (int): of all shards.
        tables (dict[str, dict]): name -> {"width": K, "std": deviation of first values}.
        settings (Optimizer): `optimizer.sparse`, with its schedule bound.
        seed (int): of first values.
        admit (int): shows before an id gets a row.
    """

    def __init__(self, number, count, tables, settings, seed=0, admit=1):
        self.number, self.count, self.schedule = number, count, settings.schedule
        rule = row_rule(settings)
        seeds = first_seeds(tables, seed)
        self.tables = {n: RowStore(x["width"], x["std"], rule, seeds[n], admit) for n, x in sorted(tables.items())}
        self.done, self.skipped, self.calls, self.busy = {}, 0, 0, 0.0

    def begin(self, run, commit=None):
        """Begins a run from a commit (its folder), or from nothing."""
        self.run = -1
        entries = read_manifest(commit)["files"] if commit else {}
        parts = {name: [] for name in self.tables}
        for bucket in own_buckets(self.number, self.count) if commit else ():
            for table, arrays in read_bucket(commit, bucket, entries).items():
                parts[table].append(arrays)
        for name, store in self.tables.items():
            store.clear()
            if parts[name]:
                store.step = max(int(arrays["step"][0]) for arrays in parts[name])
                store.put({key: np.concatenate([part[key] for part in parts[name]]) for key in store.arrays()})
        self.done, self.skipped, self.run = {}, 0, run

    def exchange(self, run, push=None, pull=None):
        """Applies a push and answers a pull.

        Args:
            run (int): the present run.
            push (tuple | None): (part, step, hour, {table: (keys uint64 [U], gradients [U, K], counts [U])}).
            pull (dict | None): table -> keys uint64 [U].

        Returns:
            dict: table -> rows float32 [U, K], of `pull`.

        Raises:
            RunOver: the run was rolled back.
        """
        self.check_run(run)
        begun = time.thread_time()
        self.calls += 1
        if push is not None:
            self.apply(*push)
        found = {table: self.tables[table].pull(keys) for table, keys in (pull or {}).items()}
        self.busy += time.thread_time() - begun
        return found

    def apply(self, part, step, hour, pushes):
        """Applies the push of a step of a part, once."""
        if self.done.get(part, -1) >= step:
            self.skipped += 1
            return
        for table, (keys, gradients, counts) in pushes.items():
            store = self.tables[table]
            store.push(keys, gradients, counts, self.schedule.at(store.step), hour)
        self.done[part] = step

    def snapshot(self, run, folder, oldest=0):
        """Writes the buckets of this shard into the folder of a commit; all parts that were begun are done.

        Args:
            run (int): the present run.
            folder (str | Path): of the commit.
            oldest (int): rows that were last pushed before this hour are removed first.

        Returns:
            dict: file name -> entry of the manifest.
        """
        self.check_run(run)
        self.done, entries = {}, {}
        found = {}
        for name, store in self.tables.items():
            if oldest > 0:
                store.evict(oldest)
            arrays = store.arrays()
            places = {prefix: buckets_of(arrays[f"{prefix}keys"]) for prefix in ("", "waiting_")}
            found[name] = (arrays, places, np.array([store.step]))
        for bucket in own_buckets(self.number, self.count):
            tables = {}
            for name, (arrays, places, step) in found.items():
                mine = {prefix: np.flatnonzero(place == bucket) for prefix, place in places.items()}
                picked = {k: v[mine["waiting_" if k.startswith("waiting_") else ""]] for k, v in arrays.items()}
                tables[name] = picked | {"step": step}
            entries |= write_bucket(folder, bucket, tables)
        return entries

    def pulse(self):
        """Facts of this shard for a status (dict)."""
        return {
            "run": self.run,
            "rows": {name: len(store) for name, store in self.tables.items()},
            "shows": {name: int(store.shows[: len(store)].sum()) for name, store in self.tables.items()},
            "skipped": self.skipped,
            "calls": self.calls,
            "cpu": time.process_time(),
        }
