"""Batch assembly, in the main process or in a worker: reads, transforms and collates samples."""

import dataclasses
import itertools

from common.data.collate import collate
from common.errors import BadRows, BadSample, DataError, DataIssue

END = "end"  # returned by a stream that has no more batches


@dataclasses.dataclass
class BatchResult:
    """A batch and the bad samples that were skipped.

    Args:
        batch (dict | None): None if no sample is left, or if the batch was not wanted.
        skipped (list[tuple]): (index, DataIssue) of each bad sample.
    """

    batch: dict | None
    skipped: list


class TrackedDataset:
    """A map-style dataset that records on a board which sample is being read, to report it if reading hangs.

    Args:
        dataset (object): has `__len__` and `__getitem__`.
        board (Board): shared with the parent process.
    """

    def __init__(self, dataset, board):
        self.dataset, self.board = dataset, board

    def __len__(self):
        return len(self.dataset)

    def __getitem__(self, index):
        self.board.write(f"sample {index}")
        sample = self.dataset[index]
        if isinstance(sample, dict) and "path" in sample:
            self.board.write(f"sample {index} ({sample['path']})")
        return sample


class IndexedBatches:
    """Batches of a map-style dataset.

    Args:
        dataset (object): has `__len__`, `__getitem__` and optionally `padding`.
        pipeline (Pipeline): the transforms.
        skip_bad (bool): skips bad samples instead of raising.
        board (Board): records the sample being read.
    """

    def __init__(self, dataset, pipeline, skip_bad, board):
        self.padding = getattr(dataset, "padding", None)
        self.dataset, self.pipeline, self.skip_bad = TrackedDataset(dataset, board), pipeline, skip_bad

    def make(self, epoch, step, indexes, is_cancelled):
        """The batch of the given indexes as a BatchResult; None if `is_cancelled()` became true meanwhile.

        Raises:
            BadSample: a bad sample, unless they are skipped.
            DataError: a batch transform or collation failed.
        """
        samples, skipped = [], []
        for index in indexes:
            if is_cancelled():
                return None
            try:
                samples.append(self.pipeline.sample(self.dataset, index, epoch))
            except BadSample as error:
                if not self.skip_bad:
                    raise
                skipped.append((error.index, error.issue))
        return BatchResult(collate_batch(samples, self.pipeline, epoch, step, self.padding), skipped)


class StreamedBatches:
    """Batches of one shard of an iterable dataset.

    Args:
        dataset (object): has `iterate(shard, num_shards, epoch)` and optionally `padding`.
        pipeline (Pipeline): the transforms, none of which may mix samples.
        skip_bad (bool): skips bad samples instead of raising.
        board (Board): records the sample being read.
        batch_size (int): samples per batch.
        drop_last (bool): drops an incomplete last batch.
        shard (int): index of the shard.
        num_shards (int): number of shards.
    """

    def __init__(self, dataset, pipeline, skip_bad, board, batch_size, drop_last, shard, num_shards):
        self.dataset, self.pipeline, self.skip_bad, self.board = dataset, pipeline, skip_bad, board
        self.batch_size, self.drop_last, self.shard, self.num_shards = batch_size, drop_last, shard, num_shards
        self.padding = getattr(dataset, "padding", None)

    def start(self, epoch):
        """Restarts the stream at the beginning of an epoch."""
        self.stream, self.epoch, self.position = None, epoch, 0

    def make(self, epoch, step, wanted, is_cancelled):
        """The next batch as a BatchResult, END after the last one, None if `is_cancelled()` became true meanwhile.

        A batch that is not `wanted` is read and discarded.
        """
        self.board.write(f"sample {self.position} of shard {self.shard}")
        raw = self.read()
        if not raw or (self.drop_last and len(raw) < self.batch_size):
            return END
        first, self.position = self.position, self.position + len(raw)
        samples, skipped = [], []
        for position, sample in enumerate(raw, first) if wanted else ():
            if is_cancelled():
                return None
            self.board.write(f"sample {position} of shard {self.shard}")
            try:
                samples.append(self.pipeline.streamed(sample, self.shard, position, epoch))
            except BadSample as error:
                if not self.skip_bad:
                    raise
                skipped.append((error.index, error.issue))
        return BatchResult(collate_batch(samples, self.pipeline, epoch, step, self.padding), skipped)

    def read(self):
        """The next raw samples of the stream, at most one batch; a stream that raised cannot be continued."""
        try:
            if self.stream is None:
                self.stream = iter(self.dataset.iterate(self.shard, self.num_shards, self.epoch))
            return list(itertools.islice(self.stream, self.batch_size))
        except DataError:
            raise
        except Exception as error:
            where = f"shard {self.shard} of {self.num_shards}, within {self.batch_size} samples after {self.position}"
            file = str(getattr(error, "filename", None) or "(file unknown)")
            text = " ".join(str(error).split())[:300]
            issue = DataIssue("D100", "error", file, f"reading failed: {type(error).__name__}: {text}", place=where)
            raise BadSample(issue) from error


class TableBatches(StreamedBatches):
    """Batches of a stream whose rows are cheap to read and are converted to arrays one batch at a time.

    The dataset has `assemble(rows)`, which returns a dict of arrays, and `place(row)`, (file, position) for messages.
    """

    def make(self, epoch, step, wanted, is_cancelled):
        """See :meth:`StreamedBatches.make`; rows of batches that are not `wanted` are read but not converted."""
        self.board.write(f"row {self.position} of shard {self.shard}")
        rows = self.read()
        if not rows or (self.drop_last and len(rows) < self.batch_size):
            for transform in self.pipeline.transforms:
                transform.end_of_rows()
            return END
        first, self.position = self.position, self.position + len(rows)
        skipped, numbers = [], list(range(first, self.position))
        while wanted and rows:
            if is_cancelled():
                return None
            try:
                return BatchResult(self.pipeline.table(self.dataset.assemble(rows)), skipped)
            except BadRows as error:
                issues = {row: self.issue_of(rows[row], *what) for row, what in sorted(error.rows.items())}
                if not self.skip_bad:
                    raise BadSample(next(iter(issues.values()))) from error
                skipped += [((self.shard, numbers[row]), issue) for row, issue in issues.items()]
                rows = [row for number, row in enumerate(rows) if number not in issues]
                numbers = [number for row, number in enumerate(numbers) if row not in issues]
        return BatchResult(None, skipped)

    def issue_of(self, row, code, message, value):
        """The DataIssue of one bad row."""
        file, place = self.dataset.place(row)
        return DataIssue(code, "error", file, message, place=place, value=value)


def collate_batch(samples, pipeline, epoch, step, padding):
    """Applies the batch transforms and collates; None without samples."""
    if not samples:
        return None
    return collate(pipeline.batch(samples, epoch, step), padding)
