"""The coordinator: which part of the stream is leased to which worker, which are done, and the scores of the hour.

An hour is cut into parts of about `part_mb`; a part is (hour, shard, number of shards) of the reader, so that its
batches follow from the part alone.  A worker leases a part and acknowledges it when every push of it has been applied;
scores and rows are sums of acknowledgments, which count once whatever died in between.
"""

import collections
import os
import time

import numpy as np

from common.elastic.commits import read_commit_arrays, write_arrays
from common.elastic.shard import RunMember
from common.log import logger
from common.weights.manifest import read_manifest

SCORES = "scores.safetensors"
RECENT = 60.0  # seconds over which the speed is measured
MOST_AHEAD = 48  # hours that are counted as waiting


class StreamSource:
    """The hours of a dataset: hourly folders, or the passes over files.

    Args:
        dataset (object): HourlyRows or RowFiles.
    """

    def __init__(self, dataset):
        self.dataset, self.hourly = dataset, hasattr(dataset, "await_hour")
        self.wait, self.late = getattr(dataset, "wait", 0.0), getattr(dataset, "late", "stop")

    def is_ready(self, hour):
        """True if an hour is complete."""
        return not self.hourly or self.dataset.is_complete(hour)

    def name_of(self, hour):
        """The version of an hour, 1 to 18 digits: 2020040100, or the number of the pass."""
        return self.dataset.name_of(hour).replace("/", "") if self.hourly else str(hour + 1)

    def size_of(self, hour):
        """The bytes of an hour that is complete."""
        return sum(map(os.path.getsize, self.dataset.files_of(hour) if self.hourly else self.dataset.files))


class Coordinator(RunMember):
    """Leases the parts of a stream.

    Args:
        source (StreamSource): the hours.
        metric (object): of `data.metric`; merges the states that workers send.
        hours (int): to train on.
        workers (int): that are wanted.
        part_bytes (float): size of a part.
        lease_seconds (float): after which a part is given to another worker.
        commit_seconds (float): between two commits within an hour.
    """

    def __init__(self, source, metric, hours, workers, part_bytes, lease_seconds=900.0, commit_seconds=1800.0):
        self.source, self.metric, self.hours, self.wanted = source, metric, hours, workers
        self.part_bytes, self.lease_seconds, self.commit_seconds = part_bytes, lease_seconds, commit_seconds
        self.last_commit, self.stopping, self.fault = time.monotonic(), False, None
        self.reset(0)

    def reset(self, hour):
        """Moves to the beginning of an hour."""
        self.hour, self.parts, self.since, self.rows = hour, None, time.monotonic(), 0
        self.todo, self.leased, self.begun, self.done = collections.deque(), {}, set(), set()
        self.acks, self.scores, self.hold, self.reason = collections.deque(), None, False, None

    def begin(self, run, commit=None):
        """Begins a run at the position of a commit (its folder), or at the first hour."""
        self.run = -1
        facts = read_manifest(commit) if commit else {}
        scores = read_commit_arrays(commit, SCORES, facts["files"]) if commit else None
        self.reset(facts.get("hour", 0))
        if facts.get("parts") is not None:
            self.open(facts["parts"])
            self.done = set(facts["done"])
            self.todo = collections.deque(part for part in self.todo if part not in self.done)
            self.rows, self.scores = facts["rows"], scores or None
        self.last_commit, self.run = time.monotonic(), run

    def open(self, parts):
        """Opens the hour with so many parts."""
        self.parts, self.todo = parts, collections.deque(range(parts))

    def lease(self, worker):
        """The next thing for a worker to do.

        Args:
            worker (int): its number.

        Returns:
            dict: `do`: `part` (with `part`, `shards`, `hour`, `run`, and `workers`, how many share the work), `wait` or
                `stop`.
        """
        if self.run < 0:
            return {"do": "wait"}
        if worker >= self.wanted or self.end_reason() or (self.stopping and not self.begun & set(self.todo)):
            return {"do": "stop"}
        if self.parts is None and not self.hold:
            self.await_hour()
        self.expire()
        if self.parts is None or not self.todo or (self.hold and not self.begun & set(self.todo)):
            return {"do": "wait"}
        part = next((part for part in self.todo if part in self.begun), self.todo[0])
        self.todo.remove(part)
        self.leased[part] = (worker, time.monotonic() + self.lease_seconds)
        self.begun.add(part)
        active = max(1, min(self.wanted, self.parts - len(self.done)))
        return {
            "do": "part",
            "part": part,
            "shards": self.parts,
            "hour": self.hour,
            "run": self.run,
            "workers": active,
        }

    def await_hour(self):
        """Opens the hour if it is complete; ends the run, or skips the hour, after the time that the data wait."""
        if self.source.is_ready(self.hour):
            self.open(int(-(-self.source.size_of(self.hour) // self.part_bytes)))
        elif time.monotonic() - self.since >= self.source.wait:
            name = self.source.name_of(self.hour)
            if self.source.late == "skip":
                logger.warning("hour %s did not arrive within %g seconds and is skipped", name, self.source.wait)
                self.reset(self.hour + 1)
            else:
                self.reason = f"hour {name} did not arrive within {self.source.wait:g} seconds; up resumes with it"

    def expire(self):
        """Gives back the parts whose lease has run out."""
        now = time.monotonic()
        for part in [part for part, (_, end) in self.leased.items() if end < now]:
            logger.warning("worker %d did not finish part %d in time", self.leased[part][0], part)
            self.give_back(part)

    def give_back(self, part):
        """A leased part is to do again."""
        del self.leased[part]
        self.todo.appendleft(part)

    def release(self, worker):
        """Gives back the parts of a worker that died; returns their number."""
        mine = [part for part, (holder, _) in self.leased.items() if holder == worker]
        for part in mine:
            self.give_back(part)
        return len(mine)

    def ack(self, run, worker, part, rows, scores):
        """Counts a part as done; False if it is not this worker's any more, or of a run that is over.

        Args:
            run (int): of the lease.
            worker (int): its number.
            part (int): whose pushes have all been applied.
            rows (int): of the part.
            scores (dict): state of the metric of its rows.
        """
        if run != self.run or self.leased.get(part, (None, 0))[0] != worker:
            return False
        del self.leased[part]
        self.begun.discard(part)
        self.done.add(part)
        self.rows += rows
        self.acks.append((time.monotonic(), rows, worker))
        self.scores = merged(self.metric, [state for state in (self.scores, scores) if state])
        return True

    def end_reason(self):
        """Why there is nothing more to do, or None."""
        return self.reason or (f"{self.hours} hours are done" if self.hour >= self.hours else None)

    def hour_is_done(self):
        """True if every part of the hour is done."""
        return self.parts is not None and len(self.done) == self.parts

    def due(self):
        """Next task of the supervisor: `hour` (commit and publish it), `commit`, `end`, or None."""
        if self.hour_is_done():
            return "hour"
        if self.end_reason():
            return "end"
        if self.done and time.monotonic() - self.last_commit >= self.commit_seconds:
            return "commit"
        return None

    def want(self, workers):
        """Sets the number of workers; those of a higher number end after the part they have."""
        self.wanted = workers

    def stop(self):
        """Lets every worker end after the part it has."""
        self.stopping = True

    def quiet(self):
        """Stops the leasing of new parts; True once no part has been begun without being done."""
        self.hold = True
        self.expire()
        return not self.begun

    def resume(self):
        """Leases parts again."""
        self.hold, self.last_commit = False, time.monotonic()

    def end_hour(self):
        """Ends an hour that is done, and moves to the next one: {"version", "rows", "scores"}."""
        scores = merged_scores(self.metric, self.scores)
        found = {"version": self.source.name_of(self.hour), "rows": self.rows, "scores": scores}
        held = self.hold
        self.reset(self.hour + 1)
        self.hold = held
        return found

    def snapshot(self, run, folder):
        """Writes the scores into the folder of a commit; (entries of the manifest, facts of the position)."""
        self.check_run(run)
        facts = {"hour": self.hour, "parts": self.parts, "done": sorted(self.done), "rows": self.rows}
        arrays = {name: np.asarray(value) for name, value in (self.scores or {}).items()}
        return write_arrays(folder, SCORES, arrays), facts

    def pulse(self):
        """Facts for a status (dict)."""
        now = time.monotonic()
        while self.acks and self.acks[0][0] < now - RECENT:
            self.acks.popleft()
        ready = 0
        while self.parts is not None and ready < MOST_AHEAD and self.hour + ready + 1 < self.hours:
            if not self.source.hourly or not self.source.is_ready(self.hour + ready + 1):
                break
            ready += 1
        return {
            "run": self.run,
            "due": self.due(),
            "end": self.end_reason(),
            "hour": self.source.name_of(self.hour),
            "hours_waiting": ready,
            "parts": {"todo": len(self.todo), "leased": len(self.leased), "done": len(self.done)},
            "rows": self.rows,
            "rows_per_second": round(sum(rows for _, rows, _ in self.acks) / RECENT, 1),
            "wanted": self.wanted,
            "scores": merged_scores(self.metric, self.scores) if self.scores else {},
        }


def merged(metric, states):
    """One state of a metric (dict of arrays) from those of disjoint rows."""
    metric.reset()
    if states:
        metric.merge(states)
    return {name: np.array(value) for name, value in metric.state().items()}


def merged_scores(metric, state):
    """The scores of a state ({name: float}); empty without rows."""
    metric.reset()
    if not state:
        return {}
    metric.merge([state])
    return {name: float(value) for name, value in metric.compute().items()}
