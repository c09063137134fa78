"""Data loader: batches prepared in the main process or in workers, reproducible, with a watchdog.

With map-style datasets the batches are bit-identical for any number of workers. An iterable dataset is read in
`world * workers` shards, so the number of workers determines which samples form a batch.
"""

import collections
import dataclasses
import itertools
import time

from common.data.batches import END, IndexedBatches, StreamedBatches, TableBatches
from common.data.coverage import Coverage
from common.data.issues import SKIP_AT_MOST, skip_limit
from common.data.shared_memory import Board
from common.data.watchdog import Watchdog
from common.data.workers import GracePeriod, NoBatch, WorkerPool
from common.errors import ConfigError, DataError, DataIssue
from common.log import logger


@dataclasses.dataclass(frozen=True)
class Skipped:
    """A skipped sample: its index (or shard and position) and the reason."""

    index: int | tuple
    issue: DataIssue

    @property
    def file(self):
        return self.issue.file


class Loader:
    """Iterates over the batches of a dataset, epoch by epoch.

    Attributes: `wait_seconds`, the time spent waiting for the last batch; `position`, the `start_step` that resumes
    after the last batch; `skipped`, the samples skipped so far; `should_stop`, a function that is polled while waiting
    for a batch: two seconds after it first returned true, NoBatch is raised.

    Args:
        dataset (object): map-style (`__len__`, `__getitem__`) or iterable (`iterate(shard, num_shards, epoch)`, and
            `assemble(rows)` if the rows of a batch are converted to arrays together).
        pipeline (Pipeline): the transforms.
        sampler (EpochSampler): the composition of batches; a StreamSampler for an iterable dataset.
        workers (int): number of worker processes; 0 prepares batches in the main process.
        bad_samples (str): `error` stops at a bad sample, `skip` skips it.
        watchdog (float): seconds without a batch after which the run exits with code 70; 0 disables the watchdog.
        prefetch (int): batches that each worker prepares ahead.

    Raises:
        ConfigError: an invalid value, or a sampler or pipeline that does not suit the dataset.
    """

    def __init__(self, dataset, pipeline, sampler, workers=0, bad_samples="error", watchdog=300, prefetch=2):
        if bad_samples not in ("error", "skip"):
            raise ConfigError(f"bad_samples is '{bad_samples}'; it must be error or skip")
        if workers < 0 or prefetch < 1 or watchdog < 0:
            raise ConfigError(
                f"workers is {workers}, prefetch {prefetch}, watchdog {watchdog}; they must be at least 0, 1 and 0"
            )
        self.is_stream = hasattr(dataset, "iterate")
        if self.is_stream == hasattr(sampler, "batches"):
            raise ConfigError(
                f"{type(sampler).__name__} does not suit {type(dataset).__name__}, "
                + ("a stream: use StreamSampler" if self.is_stream else "which is not a stream: use EpochSampler")
            )
        if self.is_stream and pipeline.mixes:
            raise ConfigError(f"{type(dataset).__name__} is a stream; transforms that mix other samples cannot use it")
        self.dataset, self.pipeline, self.sampler, self.workers = dataset, pipeline, sampler, workers
        self.bad_samples, self.watchdog, self.prefetch = bad_samples, watchdog, prefetch
        self.skipped, self.wait_seconds, self.position = [], 0.0, 0
        self.should_stop = bool
        self._pool, self._epochs_begun, self._reported = None, 0, False

    def __len__(self):
        if self.is_stream and not self.sampler.steps and hasattr(self.dataset, "num_rows"):
            return sum(self._batches_of(shard) for shard in self._shards())
        return len(self.sampler)

    @property
    def length(self):
        """The number of batches per epoch; None for a stream of unknown length."""
        unknown = self.is_stream and not self.sampler.steps and not hasattr(self.dataset, "num_rows")
        return None if unknown else len(self)

    @property
    def order(self):
        """The settings that determine the order of samples, besides batch size and processes: {name: number}."""
        return {"seed": self.pipeline.seed} | ({"workers": max(self.workers, 1)} if self.is_stream else {})

    def _shards(self):
        """The shards of a stream that this process reads."""
        readers = max(self.workers, 1)
        return range(self.sampler.rank * readers, (self.sampler.rank + 1) * readers)

    def _batches_of(self, shard):
        """The number of batches in one shard of a stream with a known number of rows."""
        rows = self.dataset.num_rows(shard, self.sampler.world * max(self.workers, 1))
        return rows // self.sampler.batch_size if self.sampler.drop_last else -(-rows // self.sampler.batch_size)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    @property
    def worker_pids(self):
        """The process ids of the running workers."""
        return [worker.process.pid for worker in self._pool.workers] if self._pool else []

    def close(self):
        """Stops the workers; the next epoch starts new ones."""
        if self._pool:
            self._pool.close()
            self._pool = None

    def epoch(self, epoch, start_step=0):
        """Yields the batches of an epoch from `start_step` on: dicts of arrays, and of lists for other values.

        A second call invalidates the iterator of the first.

        Raises:
            BadSample: a bad sample; names its file and index.
            DataError: a batch cannot be collated, or too many samples are bad.
            EnvironmentProblem: a worker died.
            Stalled: the watchdog's timeout expired.
            NoBatch: the run was asked to stop while waiting for a batch.
        """
        self._epochs_begun += 1
        mine, self.position = self._epochs_begun, start_step
        if not self.workers:
            results = self._load_in_process(epoch, start_step)
        elif self.is_stream:
            results = self._load_stream(epoch, start_step)
        else:
            results = self._load_indexed(epoch, start_step)
        begun, coverage = time.perf_counter(), Coverage(getattr(self.dataset, "source", type(self.dataset).__name__))
        for step, batch, skipped in results:
            if self._epochs_begun != mine:
                raise RuntimeError("another epoch of this loader was started; this iterator is invalid")
            self._record(skipped)
            self.position = step + 1
            if batch is None:
                self._check_in_step(step, skipped)
                continue
            coverage.add(batch.pop("coverage", ()))
            self.wait_seconds = time.perf_counter() - begun
            yield batch
            begun = time.perf_counter()
        if not self._reported:
            coverage.report()
            self._reported = True

    def _load_in_process(self, epoch, start_step):
        """Yields (step, batch or None, skipped samples) of each step, prepared in the main process."""
        board = Board()
        source = self._make_source(0, board)
        if self.is_stream:
            source.start(epoch)
            wanted = ((step, step >= start_step) for step in self._stream_steps())
        else:
            wanted = list(enumerate(self.sampler.batches(epoch)))[start_step:]
        watch = Watchdog(self.watchdog, board)
        try:
            for step, what in wanted:
                with watch:
                    made = source.make(epoch, step, what, GracePeriod(self.should_stop))
                if made is None:
                    raise NoBatch
                if made is END:
                    self._check_complete(step)
                    return
                if step >= start_step:
                    yield step, made.batch, made.skipped
        finally:
            watch.close()

    def _load_indexed(self, epoch, start_step):
        """As `_load_in_process`: step s is prepared by worker s mod W, in that order."""
        batches = self.sampler.batches(epoch)
        pool = self._running_pool()
        ahead = self.workers * self.prefetch
        try:
            pool.begin(self.should_stop)
            submitted = start_step
            for step in range(start_step, len(batches)):
                while submitted < min(len(batches), step + ahead):
                    pool.submit(
                        submitted % self.workers,
                        epoch,
                        submitted,
                        batches[submitted],
                        describe_task(submitted, batches[submitted]),
                    )
                    submitted += 1
                _, batch, skipped = pool.result(step % self.workers, self.should_stop)
                yield step, batch, skipped
        finally:
            pool.cancel()

    def _load_stream(self, epoch, start_step):
        """As `_load_in_process`: round-robin over the workers, without those whose shard has ended."""
        pool = self._running_pool()
        turns = collections.deque(range(self.workers))
        submitted = [0] * self.workers
        try:
            pool.begin(self.should_stop)
            for step in self._stream_steps():
                for number in turns:
                    self._prefetch_stream(pool, number, submitted, epoch, start_step)
                kind, batch, skipped = "end", None, []
                while turns and kind == "end":
                    kind, batch, skipped = pool.result(turns[0], self.should_stop)
                    if kind == "end":
                        turns.popleft()
                if kind == "end":
                    self._check_complete(step)
                    return
                turns.rotate(-1)
                if step >= start_step:
                    yield step, batch, skipped
        finally:
            pool.cancel()

    def _prefetch_stream(self, pool, number, submitted, epoch, start_step):
        """Fills the task queue of a worker of a stream; batches before `start_step` are read and discarded."""
        while len(pool.workers[number].tasks) < self.prefetch:
            step = submitted[number] * self.workers + number  # exact until a shard ends, an upper bound afterwards
            pool.submit(number, epoch, step, step >= start_step, f"batch {submitted[number]} of its shard")
            submitted[number] += 1

    def _stream_steps(self):
        return range(self.sampler.steps) if self.sampler.steps else itertools.count()

    def _make_source(self, number, board):
        skip = self.bad_samples == "skip"
        if not self.is_stream:
            return IndexedBatches(self.dataset, self.pipeline, skip, board)
        readers, sampler = max(self.workers, 1), self.sampler
        return (TableBatches if hasattr(self.dataset, "assemble") else StreamedBatches)(
            self.dataset,
            self.pipeline,
            skip,
            board,
            sampler.batch_size,
            sampler.drop_last,
            shard=self._shards()[number],
            num_shards=sampler.world * readers,
        )

    def _running_pool(self):
        if self._pool is None or not self._pool.workers:
            self._pool = WorkerPool(self._make_source, self.workers, self.prefetch, self.watchdog)
        return self._pool

    def _record(self, skipped):
        """Records and logs skipped samples, once each; raises if there are too many."""
        if not skipped:
            return
        known = {sample.index for sample in self.skipped}
        for index, issue in skipped:
            if index in known:
                continue
            known.add(index)
            self.skipped.append(Skipped(index, issue))
            logger.warning("skipped, because bad_samples is skip: %s", issue)
        allowed = SKIP_AT_MOST if self.is_stream else skip_limit(len(self.dataset))
        if len(self.skipped) > allowed:
            of = "a stream" if self.is_stream else f"{len(self.dataset)} samples"
            first = "\n".join(f"  {sample.file}: {sample.issue.message}" for sample in self.skipped[:3])
            raise DataError(
                f"{len(self.skipped)} samples cannot be used; bad_samples: skip skips at most {allowed} of {of}\n"
                f"{first}\n  fix: repair or remove them; tools/check.py lists all"
            )

    def _check_in_step(self, step, skipped):
        """Raises if a batch is empty while other processes wait for the gradients of this one."""
        if skipped and self.sampler.in_step:
            raise DataError(
                f"every sample of batch {step} of process {self.sampler.rank} is bad, "
                "and the other processes wait for it\n"
                f"  {skipped[0][1].file}: {skipped[0][1].message}\n  fix: repair or remove the file"
            )

    def _check_complete(self, steps):
        """Raises if a stream ends before the epoch does."""
        if steps < self.sampler.steps:
            raise DataError(
                f"the stream ended after {steps} of the {self.sampler.steps} batches of an epoch "
                f"(process {self.sampler.rank} of {self.sampler.world})\n  fix: fewer steps, or more data"
            )


def describe_task(step, indexes, most=8):
    """Describes a batch for messages."""
    shown = ", ".join(map(str, indexes[:most]))
    return f"batch {step} (samples {shown}{', ...' if len(indexes) > most else ''})"
