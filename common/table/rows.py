"""Streaming of large text files with one row per line, in shards.

Shard k of n is the k-th n-th of all bytes; a line belongs to the shard of its first byte.  A gzip file is not
seekable and belongs completely to the shard in which it begins.
"""

import codecs
import glob
import gzip
import itertools
import os
import zlib

from common.data.issues import MAX_LINES, IssueList, issues_at_most
from common.data.transform import random_for
from common.errors import BadRows, ConfigError, DataError
from common.regular import check_regular

SHUFFLE = 21  # keeps the random numbers apart from those of samplers
LONGEST_LINE = 1 << 20  # bytes
CHECKED = 2000  # rows per block of a check


class RowFiles:
    """Base class of streams of lines (bytes, with line terminators); subclasses convert them to arrays batch by batch.

    Args:
        files (list[str]): paths or glob patterns, read in this order (the matches of a pattern sorted by name).
        shuffle (int): size of the shuffle buffer in rows; 0 or 1 keeps the order of the files.
        header (bool): skips the first line of every file.
        seed (int): seed of the order, which changes with the epoch.
        encoding (str): of the files; the columns of a batch are UTF-8 words in any case.

    Raises:
        ConfigError: the encoding is unknown, or lines and columns cannot be found in its bytes.
        DataError: a file is missing, or all are empty.
    """

    def __init__(self, files, shuffle=0, header=False, seed=0, encoding="utf-8"):
        if shuffle < 0:
            raise ConfigError(f"shuffle is {shuffle}; it must be 0 or more rows")
        self.files, self.shuffle, self.header, self.seed = expand_files(files), shuffle, header, seed
        self.counted, self.encoding = {}, known_encoding(encoding)
        self.sizes = [os.path.getsize(file) for file in self.files]
        if not sum(self.sizes):
            raise DataError(f"error[D117] {', '.join(self.files[:3])}: no rows, the files are empty")

    def iterate(self, shard, num_shards, epoch):
        """The lines of one shard, in the order of an epoch."""
        rows = self.rows(shard, num_shards)
        return self.shuffle_rows(rows, shard, epoch) if self.shuffle > 1 else rows

    def rows(self, shard, num_shards):
        """The rows of one shard in the order of the files; a subclass may produce several rows per line."""
        return self.lines(shard, num_shards)

    def num_rows(self, shard=0, num_shards=1):
        """The number of rows in a shard, counted once."""
        if (shard, num_shards) not in self.counted:
            self.counted[shard, num_shards] = sum(1 for _ in self.rows(shard, num_shards))
        return self.counted[shard, num_shards]

    def __len__(self):
        return self.num_rows()

    def check(self, deep=False, cache=None):
        """Checks the first rows, or all with `deep`; returns a list of DataIssue.

        Args:
            deep (bool): reads every row.
            cache (str | None): not used, the fast check reads little.
        """
        issues, rows = IssueList(self.files[0]), self.rows(0, 1)
        while block := list(itertools.islice(rows, CHECKED)):
            try:
                self.assemble(block)
            except BadRows as error:
                for row, (code, message, value) in sorted(error.rows.items())[: issues_at_most(MAX_LINES)]:
                    file, place = self.place(block[row])
                    issues.error(code, message, place=place, value=value, file=file)
            if not deep or len(issues.errors) > issues_at_most(MAX_LINES):
                break
        return issues.all()

    def lines(self, shard, num_shards):
        """The lines of one shard, without blank ones."""
        for file, begin, end in self.ranges(shard, num_shards):
            for _, line in read_line_range(file, begin, end, self.header):
                yield line

    def ranges(self, shard, num_shards):
        """The byte ranges (file, begin, end) of a shard."""
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

    def shuffle_rows(self, rows, shard, epoch):
        """Shuffles rows in blocks of `shuffle`."""
        block, count = [], 0
        for row in rows:
            block.append(row)
            if len(block) == self.shuffle:
                yield from self.permute(block, shard, epoch, count)
                block, count = [], count + 1
        yield from self.permute(block, shard, epoch, count)

    def permute(self, block, shard, epoch, count):
        order = random_for(self.seed, epoch, shard, count, SHUFFLE).permutation(len(block))
        return [block[position] for position in order]

    def place(self, line):
        """(file, `line k`) of the first occurrence of a line, for messages; reads the files from the start."""
        for file, size in zip(self.files, self.sizes):
            end = None if file.endswith(".gz") else size
            for number, found in read_line_range(file, 0, end, self.header):
                if found == line:
                    return file, f"line {number}"
        return self.files[0], ""

    def decode(self, lines):
        """The lines (bytes) of a batch as UTF-8.

        Raises:
            BadRows: with the lines that hold a byte that is invalid in the encoding.
        """
        if self.encoding == "utf-8" and b"".join(lines).isascii():
            return lines
        found, bad = [], {}
        for number, line in enumerate(lines):
            try:
                found.append(line.decode(self.encoding).encode())
            except UnicodeDecodeError as error:
                about = (
                    f"byte 0x{line[error.start]:02x} (byte {error.start + 1} of the line) is not valid {self.encoding}"
                )
                bad[number] = ("D131", f"{about}; name the encoding of the files: {likely_encoding(line)}", "")
        if bad:
            raise BadRows(bad)
        return found

    def assemble(self, rows):
        """Converts the rows of a batch to a dict of arrays; defined by subclasses.

        Raises:
            BadRows: with the issues of bad rows.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define assemble")


def known_encoding(name):
    """The name of an encoding, normalized.

    Raises:
        ConfigError: Python does not know it, or it is no extension of ASCII, so that lines cannot be found in bytes.
    """
    try:
        found = codecs.lookup(name).name
        extends_ascii = "1,;\t\n".encode(found) == b"1,;\t\n"
    except (LookupError, UnicodeError):
        raise ConfigError(f"encoding is '{name}'; Python knows utf-8, gbk, gb18030, big5, latin-1, ...") from None
    if not extends_ascii:
        raise ConfigError(f"encoding is '{name}', which rows cannot be read in line by line; save the files as UTF-8")
    return found


def likely_encoding(data):
    """An encoding to try for bytes that are not valid in another, as it is written in a configuration."""
    if data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "utf-16, so save them as UTF-8"
    try:
        data.decode("gb18030")
    except UnicodeDecodeError:
        return "encoding: latin-1"
    return "encoding: gb18030"


def read_line_range(file, begin, end, header=False):
    """Yields (line number, line) of the lines that start in [begin, end); the numbers are correct if begin is 0."""
    try:
        check_regular(file)
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
                    yield number, line if position else line.removeprefix(codecs.BOM_UTF8)
                position += len(line)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"error[D112] {file}: damaged or truncated gzip file ({error})") from error


def expand_files(patterns):
    """Expands paths and glob patterns to files, in order.

    Raises:
        ConfigError: the list is empty.
        DataError: a path does not exist, or a pattern matches nothing.
    """
    patterns = [patterns] if isinstance(patterns, str) else list(patterns)
    if not patterns:
        raise ConfigError("files is empty; it takes paths or glob patterns, such as dataset/part-*.txt")
    found = []
    for pattern in patterns:
        here = [pattern] if os.path.isfile(pattern) else sorted(glob.glob(pattern))
        here = [file for file in here if os.path.isfile(file)]
        if not here:
            raise DataError(f"error[D104] {pattern}: there is no such file")
        found += here
    return found
