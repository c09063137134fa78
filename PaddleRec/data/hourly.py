"""A folder of hours, `YYYYMMDD/HH/`, each complete when its donefile is there; an epoch of training is an hour."""

import datetime
import os
import time
from pathlib import Path

from common.errors import ConfigError, DataError
from common.log import logger
from common.table.rows import RowFiles

FORM = "%Y%m%d/%H"
LOOK_EVERY = 1.0  # seconds between two looks for a donefile
SAY_EVERY = 60.0  # seconds between two lines of the log about an hour that is awaited


class HourlyRows:
    """A stream that goes on with every hour that is complete.

    Args:
        make (Callable): from a list of files to the reader of their rows.
        root (str): the folder of the days.
        start (str): the first hour, `YYYYMMDD/HH`.
        donefile (str): name of the file that says that an hour is complete.
        wait (float): seconds that a late hour is waited for.
        late (str): what an hour that does not come does: `stop` ends the run, which may be resumed, `skip` goes on.

    Raises:
        ConfigError: a value is not one of the above.
    """

    def __init__(self, make, root, start, donefile="donefile", wait=3600.0, late="stop"):
        try:
            self.start = datetime.datetime.strptime(start, FORM)
        except ValueError:
            raise ConfigError(f"start is '{start}'; it takes an hour such as 20200401/00") from None
        if late not in ("stop", "skip") or wait < 0:
            raise ConfigError(f"late is '{late}' and wait {wait}; it takes stop or skip, and 0 seconds or more")
        self.make, self.root, self.donefile, self.wait, self.late = make, Path(root), donefile, wait, late
        self.reader, self.read = None, None

    @classmethod
    def from_config(cls, rows, root, start, build, donefile="donefile", wait=3600.0, late="stop"):
        """Builds the reader of every hour anew.

        Args:
            rows (node): the reader of an hour's files, such as MultiSlotRows.
            root (str): the folder of the days.
            start (str): the first hour, `YYYYMMDD/HH`.
            donefile (str): name of the file that says that an hour is complete.
            wait (float): seconds that a late hour is waited for.
            late (str): `stop` or `skip`.
        """
        return cls(lambda files: build(rows, files=files), root, start, donefile, wait, late)

    def name_of(self, hour):
        """The name of an hour, counted from the first: `YYYYMMDD/HH`."""
        return (self.start + datetime.timedelta(hours=hour)).strftime(FORM)

    def is_complete(self, hour):
        """Whether the donefile of an hour is there."""
        return (self.root / self.name_of(hour) / self.donefile).is_file()

    def files_of(self, hour):
        """The files of an hour, by name; hidden ones and the donefile are none."""
        folder = self.root / self.name_of(hour)
        names = sorted(name for name in os.listdir(folder) if name != self.donefile and name[0] not in "._")
        return [str(folder / name) for name in names if (folder / name).is_file()]

    def await_hour(self, hour, should_stop=bool):
        """Waits for an hour; returns whether it is complete. Says in the log what it waits for.

        Args:
            hour (int): counted from the first.
            should_stop (Callable): asked while waiting; when true, the waiting ends.
        """
        begun, said = time.monotonic(), None
        while not self.is_complete(hour):
            waited = time.monotonic() - begun
            if said is None or waited - said >= SAY_EVERY:
                name, left = self.name_of(hour), max(self.wait - waited, 0)
                logger.info("hour %s: no %s yet; waiting, up to %.0f seconds more", name, self.donefile, left)
                said = waited
            if should_stop() or waited >= self.wait:
                return False
            time.sleep(min(LOOK_EVERY, max(self.wait - waited, 0.01)))
        return True

    def open(self, hour):
        """The reader of an hour; None where its files hold nothing."""
        if self.read != hour:
            if not self.is_complete(hour):
                raise DataError(f"error[D104] {self.root / self.name_of(hour)}: the hour has no {self.donefile}")
            files = self.files_of(hour)
            self.reader = self.make(files) if sum(map(os.path.getsize, files)) else None
            self.read = hour
            if self.reader is not None and not isinstance(self.reader, RowFiles):
                raise ConfigError(
                    f"data.train.rows is {type(self.reader).__name__}; it takes a reader of files of rows"
                )
        return self.reader

    def iterate(self, shard, num_shards, epoch):
        """The rows of one shard of hour `epoch`."""
        reader = self.open(epoch)
        yield from reader.iterate(shard, num_shards, epoch) if reader else ()

    def rows(self, shard, num_shards):
        """The rows of one shard of the first hour."""
        return self.iterate(shard, num_shards, 0)

    def assemble(self, rows):
        """The arrays that the reader makes of rows."""
        return self.reader.assemble(rows)

    def place(self, row):
        """(file, line) of a row of the hour that is read."""
        return self.reader.place(row)

    def check(self, deep=False, cache=None):
        """What is wrong with the first hour, once it is there; a list of DataIssue."""
        reader = self.open(0) if self.is_complete(0) else None
        return reader.check(deep, cache) if reader else []
