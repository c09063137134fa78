"""Makes one batch, in whichever process it is called: reads the samples, transforms and collates them."""

import dataclasses
import itertools

from common.data.collate import collate
from common.errors import BadRows, BadSample, DataError, DataIssue

END = "end"  # what a stream answers when it has no more batches


@dataclasses.dataclass
class Made:
    """A batch and what had to be left out of it.

    Args:
        batch (dict | None): None when no sample is left, or when only skipping was asked for.
        left_out (list[tuple]): (index, DataIssue) of each bad sample.
    """

    batch: dict | None
    left_out: list


class Noted:
    """A map-style data set that notes on a board which sample is being read, for the case that it never comes back.

    Args:
        dataset (object): has `__len__` and `__getitem__`.
        board (Board): where to note it.
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
    """Batches of a map-style data set.

    Args:
        dataset (object): has `__len__`, `__getitem__` and perhaps `padding`.
        pipeline (Pipeline): what is done to its samples.
        skip_bad (bool): leaves a bad sample out of its batch instead of raising.
        board (Board): where the sample being read is noted.
    """

    def __init__(self, dataset, pipeline, skip_bad, board):
        self.padding = getattr(dataset, "padding", None)
        self.dataset, self.pipeline, self.skip_bad = Noted(dataset, board), pipeline, skip_bad

    def make(self, epoch, step, indexes, is_cancelled):
        """The batch of some indexes as a Made; None when `is_cancelled()` became true on the way.

        Raises:
            BadSample: a sample cannot be used, and bad ones are not skipped.
            DataError: the batch stage or collation failed.
        """
        samples, left_out = [], []
        for index in indexes:
            if is_cancelled():
                return None
            try:
                samples.append(self.pipeline.sample(self.dataset, index, epoch))
            except BadSample as error:
                if not self.skip_bad:
                    raise
                left_out.append((error.index, error.issue))
        return Made(finish(samples, self.pipeline, epoch, step, self.padding), left_out)


class StreamedBatches:
    """Batches of one shard of an iterable data set.

    Args:
        dataset (object): has `iterate(shard, num_shards, epoch)` and perhaps `padding`.
        pipeline (Pipeline): what is done to its samples; cannot mix samples.
        skip_bad (bool): leaves a bad sample out of its batch instead of raising.
        board (Board): where the sample being read is noted.
        batch_size (int): samples a batch.
        drop_last (bool): leaves out a last batch that is not full.
        shard (int): which part of the data is read.
        num_shards (int): number of parts.
    """

    def __init__(self, dataset, pipeline, skip_bad, board, batch_size, drop_last, shard, num_shards):
        self.dataset, self.pipeline, self.skip_bad, self.board = dataset, pipeline, skip_bad, board
        self.batch_size, self.drop_last, self.shard, self.num_shards = batch_size, drop_last, shard, num_shards
        self.padding = getattr(dataset, "padding", None)

    def start(self, epoch):
        """Goes to the start of an epoch."""
        self.stream, self.epoch, self.position = None, epoch, 0

    def make(self, epoch, step, wanted, is_cancelled):
        """The next batch as a Made, END after the last one, None when `is_cancelled()` became true on the way.

        A batch that is not `wanted` is read and thrown away.
        """
        self.board.write(f"sample {self.position} of shard {self.shard}")
        raw = self.read()
        if not raw or (self.drop_last and len(raw) < self.batch_size):
            return END
        first, self.position = self.position, self.position + len(raw)
        samples, left_out = [], []
        for position, sample in enumerate(raw, first) if wanted else ():
            if is_cancelled():
                return None
            self.board.write(f"sample {position} of shard {self.shard}")
            try:
                samples.append(self.pipeline.streamed(sample, self.shard, position, epoch))
            except BadSample as error:
                if not self.skip_bad:
                    raise
                left_out.append((error.index, error.issue))
        return Made(finish(samples, self.pipeline, epoch, step, self.padding), left_out)

    def read(self):
        """The next raw samples of the stream, at most a batch of them; a stream that raises cannot be read on."""
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
    """Batches of a stream whose rows are cheap to read and become arrays a batch at a time.

    The data set has `assemble(rows)`, which makes a dict of arrays, and `place(row)`, for messages.
    """

    def make(self, epoch, step, wanted, is_cancelled):
        """See :meth:`StreamedBatches.make`; rows that are not `wanted` are read and not looked at."""
        self.board.write(f"row {self.position} of shard {self.shard}")
        rows = self.read()
        if not rows or (self.drop_last and len(rows) < self.batch_size):
            return END
        first, self.position = self.position, self.position + len(rows)
        left_out, numbers = [], list(range(first, self.position))
        while wanted and rows:
            if is_cancelled():
                return None
            try:
                return Made(self.pipeline.table(self.dataset.assemble(rows)), left_out)
            except BadRows as error:
                issues = {row: self.issue_of(rows[row], *what) for row, what in sorted(error.rows.items())}
                if not self.skip_bad:
                    raise BadSample(next(iter(issues.values()))) from error
                left_out += [((self.shard, numbers[row]), issue) for row, issue in issues.items()]
                rows = [row for number, row in enumerate(rows) if number not in issues]
                numbers = [number for row, number in enumerate(numbers) if row not in issues]
        return Made(None, left_out)

    def issue_of(self, row, code, message, value):
        """The report of one bad row."""
        file, place = self.dataset.place(row)
        return DataIssue(code, "error", file, message, place=place, value=value)


def finish(samples, pipeline, epoch, step, padding):
    """The batch stage and collation; None without samples."""
    if not samples:
        return None
    return collate(pipeline.batch(samples, epoch, step), padding)
