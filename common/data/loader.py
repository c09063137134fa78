"""Batches for a loop, prepared here or in worker processes; the same ones either way, and nothing hangs.

With map-style data sets the batches are equal, bit by bit, for every number of workers. An iterable data set is read
in `world * workers` shards, so there the number of workers decides which samples come together.
"""

import collections
import dataclasses
import itertools
import time

from common.data.batches import END, IndexedBatches, StreamedBatches, TableBatches
from common.data.issues import SKIP_AT_MOST, skip_limit
from common.data.shared_memory import Board
from common.data.watchdog import Watch
from common.data.workers import NoBatch, Patience, WorkerPool
from common.errors import ConfigError, DataError, DataIssue
from common.log import logger


@dataclasses.dataclass(frozen=True)
class Skipped:
    """A sample that was left out: its index (or shard and position), and why."""

    index: int | tuple
    issue: DataIssue

    @property
    def file(self):
        return self.issue.file


class Loader:
    """Goes through a data set, epoch by epoch, batch by batch.

    Attributes: `wait_seconds`, how long the last batch was waited for; `position`, the `start_step` that continues
    after the last batch; `skipped`, the samples left out so far; `should_stop`, a function that is asked while a batch
    is waited for: two seconds after it first returned true, NoBatch is raised.

    Args:
        dataset (object): map-style (`__len__`, `__getitem__`) or iterable (`iterate(shard, num_shards, epoch)`, and
            `assemble(rows)` where the rows of a batch become arrays together).
        pipeline (Pipeline): what is done to its samples.
        sampler (EpochSampler): which samples make a batch; a StreamSampler for an iterable data set.
        workers (int): processes that prepare batches; 0 prepares them in this one.
        bad_samples (str): `error` stops at a sample that cannot be used, `skip` leaves it out and goes on.
        watchdog (float): seconds without a batch after which the run ends with exit code 70; 0 waits for ever.
        prefetch (int): batches each worker prepares ahead.

    Raises:
        ConfigError: a value is not one of the above, or the pipeline does not suit the data set.
    """

    def __init__(self, dataset, pipeline, sampler, workers=0, bad_samples="error", watchdog=300, prefetch=2):
        if bad_samples not in ("error", "skip"):
            raise ConfigError(f"bad_samples is '{bad_samples}'; it must be error or skip")
        if workers < 0 or prefetch < 1 or watchdog < 0:
            raise ConfigError(
                f"workers is {workers}, prefetch {prefetch}, watchdog {watchdog}; the least are 0, 1 and 0"
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
        self._pool, self._epochs_begun = None, 0

    def __len__(self):
        if self.is_stream and not self.sampler.steps and hasattr(self.dataset, "num_rows"):
            return sum(self._batches_of(shard) for shard in self._shards())
        return len(self.sampler)

    @property
    def length(self):
        """Batches an epoch; None where only the end of a stream tells."""
        unknown = self.is_stream and not self.sampler.steps and not hasattr(self.dataset, "num_rows")
        return None if unknown else len(self)

    @property
    def order(self):
        """What decides which samples come when, besides numbers of batches and processes: {name: number}."""
        return {"seed": self.pipeline.seed} | ({"workers": max(self.workers, 1)} if self.is_stream else {})

    def _shards(self):
        """The shards of a stream that this process reads."""
        readers = max(self.workers, 1)
        return range(self.sampler.rank * readers, (self.sampler.rank + 1) * readers)

    def _batches_of(self, shard):
        """Batches of one shard of a stream that knows its rows."""
        rows = self.dataset.num_rows(shard, self.sampler.world * max(self.workers, 1))
        return rows // self.sampler.batch_size if self.sampler.drop_last else -(-rows // self.sampler.batch_size)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    @property
    def worker_pids(self):
        """Process ids of the workers that are running."""
        return [worker.process.pid for worker in self._pool.workers] if self._pool else []

    def close(self):
        """Ends the workers; another epoch starts new ones."""
        if self._pool:
            self._pool.close()
            self._pool = None

    def epoch(self, epoch, start_step=0):
        """The batches of an epoch from `start_step` on: dicts of arrays, and of lists for what is no number.

        A second call ends the iterator of the first.

        Raises:
            BadSample: a sample cannot be used; names its file and index.
            DataError: a batch cannot be put together, or more samples are bad than may be skipped.
            EnvironmentProblem: a worker died.
            Stalled: the watchdog's time has passed without a batch.
            NoBatch: the run was asked to stop while a batch was waited for.
        """
        self._epochs_begun += 1
        mine, self.position = self._epochs_begun, start_step
        if not self.workers:
            answers = self._prepared_here(epoch, start_step)
        elif self.is_stream:
            answers = self._streamed_by_workers(epoch, start_step)
        else:
            answers = self._indexed_by_workers(epoch, start_step)
        begun = time.perf_counter()
        for step, batch, left_out in answers:
            if self._epochs_begun != mine:
                raise RuntimeError("another epoch of this loader was started; this one cannot go on")
            self._note(left_out)
            self.position = step + 1
            if batch is None:
                self._check_in_step(step, left_out)
                continue
            self.wait_seconds = time.perf_counter() - begun
            yield batch
            begun = time.perf_counter()

    def _prepared_here(self, epoch, start_step):
        """(step, batch or None, left out) of each step, made in this process."""
        board = Board()
        source = self._make_source(0, board)
        if self.is_stream:
            source.start(epoch)
            wanted = ((step, step >= start_step) for step in self._stream_steps())
        else:
            wanted = list(enumerate(self.sampler.batches(epoch)))[start_step:]
        watch = Watch(self.watchdog, board)
        try:
            for step, what in wanted:
                with watch:
                    made = source.make(epoch, step, what, Patience(self.should_stop))
                if made is None:
                    raise NoBatch
                if made is END:
                    self._check_complete(step)
                    return
                if step >= start_step:
                    yield step, made.batch, made.left_out
        finally:
            watch.close()

    def _indexed_by_workers(self, epoch, start_step):
        """As `_prepared_here`: step s is asked of worker s mod W, and answered in that order."""
        batches = self.sampler.batches(epoch)
        pool = self._running_pool()
        ahead = self.workers * self.prefetch
        try:
            pool.begin(self.should_stop)
            asked = start_step
            for step in range(start_step, len(batches)):
                while asked < min(len(batches), step + ahead):
                    pool.ask(asked % self.workers, epoch, asked, batches[asked], describe_task(asked, batches[asked]))
                    asked += 1
                _, batch, left_out = pool.answer(step % self.workers, self.should_stop)
                yield step, batch, left_out
        finally:
            pool.cancel()

    def _streamed_by_workers(self, epoch, start_step):
        """As `_prepared_here`: the workers take turns, those at the end of their shard drop out."""
        pool = self._running_pool()
        turns = collections.deque(range(self.workers))
        asked = [0] * self.workers
        try:
            pool.begin(self.should_stop)
            for step in self._stream_steps():
                for number in turns:
                    self._ask_ahead(pool, number, asked, epoch, start_step)
                kind, batch, left_out = "end", None, []
                while turns and kind == "end":
                    kind, batch, left_out = pool.answer(turns[0], self.should_stop)
                    if kind == "end":
                        turns.popleft()
                if kind == "end":
                    self._check_complete(step)
                    return
                turns.rotate(-1)
                if step >= start_step:
                    yield step, batch, left_out
        finally:
            pool.cancel()

    def _ask_ahead(self, pool, number, asked, epoch, start_step):
        """Fills up the tasks of a worker of a stream; what comes before `start_step` it reads and throws away."""
        while len(pool.workers[number].tasks) < self.prefetch:
            step = asked[number] * self.workers + number  # as long as no shard has ended, and no less than it is then
            pool.ask(number, epoch, step, step >= start_step, f"batch {asked[number]} of its shard")
            asked[number] += 1

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

    def _note(self, left_out):
        """Lists samples that were left out, once each, and refuses too many of them."""
        if not left_out:
            return
        known = {skipped.index for skipped in self.skipped}
        for index, issue in left_out:
            if index in known:
                continue
            known.add(index)
            self.skipped.append(Skipped(index, issue))
            logger.warning("left out, because bad_samples is skip: %s", issue)
        allowed = SKIP_AT_MOST if self.is_stream else skip_limit(len(self.dataset))
        if len(self.skipped) > allowed:
            of = "a stream" if self.is_stream else f"{len(self.dataset)} samples"
            first = "\n".join(f"  {skipped.file}: {skipped.issue.message}" for skipped in self.skipped[:3])
            raise DataError(
                f"{len(self.skipped)} samples cannot be used; bad_samples: skip leaves out at most {allowed} of {of}\n"
                f"{first}\n  fix: repair or remove them; tools/check.py lists all"
            )

    def _check_in_step(self, step, left_out):
        """Refuses to go without a batch while other processes wait for this one's gradients."""
        if left_out and self.sampler.in_step:
            raise DataError(
                f"every sample of batch {step} of process {self.sampler.rank} is bad, "
                "and the other processes wait for it\n"
                f"  {left_out[0][1].file}: {left_out[0][1].message}\n  fix: repair or remove the file"
            )

    def _check_complete(self, steps):
        """Refuses a stream that ends before the epoch does."""
        if steps < self.sampler.steps:
            raise DataError(
                f"the stream ended after {steps} of the {self.sampler.steps} batches of an epoch "
                f"(process {self.sampler.rank} of {self.sampler.world})\n  fix: fewer steps, or more data"
            )


def describe_task(step, indexes, most=8):
    """A batch in words, for messages."""
    shown = ", ".join(map(str, indexes[:most]))
    return f"batch {step} (samples {shown}{', ...' if len(indexes) > most else ''})"
