"""Text files of one row a line, of any size: read as a stream, in parts that together are the whole.

Shard k of n takes the k-th n-th of all bytes; a line belongs to the shard its first byte is in.  A gzip file cannot be
entered in the middle and belongs whole to the shard in which it begins.
"""

import glob
import gzip
import itertools
import os
import zlib

from common.data.issues import MAX_LINES, IssueList
from common.data.transform import random_for
from common.errors import BadRows, ConfigError, DataError

SHUFFLE = 21  # keeps the random numbers apart from those of samplers
LONGEST_LINE = 1 << 20  # bytes
CHECKED = 2000  # rows at a time


class RowFiles:
    """A stream of lines (bytes, with their ends); a child class makes a batch of arrays of them.

    Args:
        files (list[str]): paths or globs, read in this order (those of a glob by name).
        shuffle (int): rows that are read ahead and put in random order; 0 or 1 keeps the order of the files.
        header (bool): the first line of every file is no row.
        seed (int): of that order, which changes with the epoch.

    Raises:
        DataError: a file is missing, or all are empty.
    """

    def __init__(self, files, shuffle=0, header=False, seed=0):
        if shuffle < 0:
            raise ConfigError(f"shuffle is {shuffle}; it must be 0 or more rows")
        self.files, self.shuffle, self.header, self.seed = found_files(files), shuffle, header, seed
        self.counted = {}
        self.sizes = [os.path.getsize(file) for file in self.files]
        if not sum(self.sizes):
            raise DataError(f"error[D117] {', '.join(self.files[:3])}: no rows, the files are empty")

    def iterate(self, shard, num_shards, epoch):
        """The lines of one shard, in the order of an epoch."""
        rows = self.rows(shard, num_shards)
        return self.shuffled(rows, shard, epoch) if self.shuffle > 1 else rows

    def rows(self, shard, num_shards):
        """The rows of one shard in the order of the files; a child class may make several of a line."""
        return self.lines(shard, num_shards)

    def num_rows(self, shard=0, num_shards=1):
        """How many rows a shard has; reads it once."""
        if (shard, num_shards) not in self.counted:
            self.counted[shard, num_shards] = sum(1 for _ in self.rows(shard, num_shards))
        return self.counted[shard, num_shards]

    def __len__(self):
        return self.num_rows()

    def check(self, deep=False, cache=None):
        """What is wrong with the rows: the first ones, or all with `deep`; a list of DataIssue.

        Args:
            deep (bool): reads every row.
            cache (str | None): not used; the fast check reads little.
        """
        issues, rows = IssueList(self.files[0]), self.rows(0, 1)
        while block := list(itertools.islice(rows, CHECKED)):
            try:
                self.assemble(block)
            except BadRows as error:
                for row, (code, message, value) in sorted(error.rows.items())[:MAX_LINES]:
                    file, place = self.place(block[row])
                    issues.error(code, message, place=place, value=value, file=file)
            if not deep or len(issues.errors) > MAX_LINES:
                break
        return issues.all()

    def lines(self, shard, num_shards):
        """The lines of one shard as they stand in the files; blank ones are no rows."""
        for file, begin, end in self.ranges(shard, num_shards):
            for _, line in lines_between(file, begin, end, self.header):
                yield line

    def ranges(self, shard, num_shards):
        """(file, first byte, first byte after) of the parts of files that make up a shard."""
        total, start, found = sum(self.sizes), 0, []
        low, high = total * shard // num_shards, total * (shard + 1) // num_shards
        for file, size in zip(self.files, self.sizes):
            if file.endswith(".gz"):
                if low <= start < high:
                    found.append((file, 0, None))
            elif start < high and start + size > low:
                found.append((file, max(0, low - start), min(size, high - start)))
            start += size
        return found

    def shuffled(self, rows, shard, epoch):
        """The rows, every `shuffle` of them in random order."""
        block, count = [], 0
        for row in rows:
            block.append(row)
            if len(block) == self.shuffle:
                yield from self.permuted(block, shard, epoch, count)
                block, count = [], count + 1
        yield from self.permuted(block, shard, epoch, count)

    def permuted(self, block, shard, epoch, count):
        order = random_for(self.seed, epoch, shard, count, SHUFFLE).permutation(len(block))
        return [block[position] for position in order]

    def place(self, line):
        """(file, `line k`) where a row's line first stands; for messages, so it may take as long as reading takes."""
        for file, size in zip(self.files, self.sizes):
            end = None if file.endswith(".gz") else size
            for number, found in lines_between(file, 0, end, self.header):
                if found == line:
                    return file, f"line {number}"
        return self.files[0], ""

    def assemble(self, rows):
        """A dict of arrays from the rows of a batch; the child class says which.

        Raises:
            BadRows: with what is wrong with which of them.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define assemble")


def lines_between(file, begin, end, header=False):
    """(line number, line) of each line whose first byte is in [begin, end); the numbers are right where begin is 0."""
    try:
        with gzip.open(file) if file.endswith(".gz") else open(file, "rb") as source:
            position = begin
            if begin:
                source.seek(begin - 1)
                position += len(source.readline()) - 1
            for number, line in enumerate(source, 1):
                if end is not None and position >= end:
                    break
                if len(line) > LONGEST_LINE:
                    raise DataError(f"error[D118] {file}: line {number} has {len(line):,} bytes: not a text file?")
                if (position or not header) and not line.isspace():
                    yield number, line
                position += len(line)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"error[D112] {file}: a gzip file that is damaged or ends early ({error})") from error


def found_files(patterns):
    """The files that paths and globs name, in order.

    Raises:
        ConfigError: nothing is named.
        DataError: a path is not there, or a glob matches nothing.
    """
    patterns = [patterns] if isinstance(patterns, str) else list(patterns)
    if not patterns:
        raise ConfigError("files is empty; it takes paths or globs, such as dataset/part-*.txt")
    found = []
    for pattern in patterns:
        here = [pattern] if os.path.isfile(pattern) else sorted(glob.glob(pattern))
        here = [file for file in here if os.path.isfile(file)]
        if not here:
            raise DataError(f"error[D104] {pattern}: there is no such file")
        found += here
    return found
