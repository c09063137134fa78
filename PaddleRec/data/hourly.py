"""Streaming data in hourly folders `YYYYMMDD/HH/`, each complete once its donefile exists; an epoch is an hour."""

import datetime
import os
import time
from pathlib import Path

from common.errors import ConfigError, DataError
from common.log import logger
from common.table.rows import RowFiles

FORM = "%Y%m%d/%H"
POLL_EVERY = 1.0  # seconds between two checks for a donefile
LOG_EVERY = 60.0  # seconds between two log lines about a late hour


class HourlyRows:
    """A stream that reads each complete hour in turn.

    Args:
        make (Callable): from a list of files to the reader of their rows.
        root (str): the folder of the daily folders.
        start (str): the first hour, `YYYYMMDD/HH`.
        donefile (str): name of the file that marks an hour as complete.
        wait (float): how long to wait for a late hour, in seconds.
        late (str): when an hour does not arrive, `stop` ends the run, which can be resumed, and `skip` leaves it out.

    Raises:
        ConfigError: a value is invalid.
    """

    def __init__(self, make, root, start, donefile="donefile", wait=3600.0, late="stop"):
        try:
            self.start = datetime.datetime.strptime(start, FORM)
        except ValueError:
            raise ConfigError(f"start is '{start}'; it must be an hour such as 20200401/00") from None
        if late not in ("stop", "skip") or wait < 0:
            raise ConfigError(f"late is '{late}' and wait {wait}; allowed: stop or skip, and 0 seconds or more")
        self.make, self.root, self.donefile, self.wait, self.late = make, Path(root), donefile, wait, late
        self.reader, self.read = None, None

    @classmethod
    def from_config(cls, rows, root, start, build, donefile="donefile", wait=3600.0, late="stop"):
        """Passes on a factory, which builds a reader for every hour.

        Args:
            rows (node): the reader of an hour's files, such as MultiSlotRows.
            root (str): the folder of the daily folders.
            start (str): the first hour, `YYYYMMDD/HH`.
            donefile (str): name of the file that marks an hour as complete.
            wait (float): how long to wait for a late hour, in seconds.
            late (str): `stop` or `skip`.
        """
        return cls(lambda files: build(rows, files=files), root, start, donefile, wait, late)

    def name_of(self, hour):
        """The name `YYYYMMDD/HH` of an hour, counted from the first."""
        return (self.start + datetime.timedelta(hours=hour)).strftime(FORM)

    def is_complete(self, hour):
        """Checks that the donefile of an hour exists."""
        return (self.root / self.name_of(hour) / self.donefile).is_file()

    def files_of(self, hour):
        """The files of an hour, sorted by name, without hidden files and the donefile."""
        folder = self.root / self.name_of(hour)
        names = sorted(name for name in os.listdir(folder) if name != self.donefile and name[0] not in "._")
        return [str(folder / name) for name in names if (folder / name).is_file()]

    def await_hour(self, hour, should_stop=bool):
        """Waits for an hour and logs it; returns whether the hour is complete.

        Args:
            hour (int): counted from the first.
            should_stop (Callable): polled while waiting; true ends the wait.
        """
        begun, logged = time.monotonic(), None
        while not self.is_complete(hour):
            waited = time.monotonic() - begun
            if logged is None or waited - logged >= LOG_EVERY:
                name, left = self.name_of(hour), max(self.wait - waited, 0)
                logger.info("hour %s: no %s yet; waiting, up to %.0f seconds more", name, self.donefile, left)
                logged = waited
            if should_stop() or waited >= self.wait:
                return False
            time.sleep(min(POLL_EVERY, max(self.wait - waited, 0.01)))
        return True

    def open(self, hour):
        """The reader of an hour; None if its files are empty."""
        if self.read != hour:
            if not self.is_complete(hour):
                raise DataError(f"error[D104] {self.root / self.name_of(hour)}: the hour has no {self.donefile}")
            files = self.files_of(hour)
            self.reader = self.make(files) if sum(map(os.path.getsize, files)) else None
            self.read = hour
            if self.reader is not None and not isinstance(self.reader, RowFiles):
                raise ConfigError(f"data.train.rows is {type(self.reader).__name__}; it must be a reader of row files")
        return self.reader

    def iterate(self, shard, num_shards, epoch):
        """The rows of one shard of hour `epoch`."""
        reader = self.open(epoch)
        yield from reader.iterate(shard, num_shards, epoch) if reader else ()

    def rows(self, shard, num_shards):
        """The rows of one shard of the first hour."""
        return self.iterate(shard, num_shards, 0)

    def assemble(self, rows):
        """The arrays of a batch of rows; see the reader."""
        return self.reader.assemble(rows)

    def place(self, row):
        """(file, line) of a row of the current hour."""
        return self.reader.place(row)

    def check(self, deep=False, cache=None):
        """Validates the first hour if it is complete (list of DataIssue)."""
        reader = self.open(0) if self.is_complete(0) else None
        return reader.check(deep, cache) if reader else []
