"""Check that a path is an ordinary file before it is opened."""

import contextlib
import errno
import os
import stat


def check_regular(path):
    """Refuses a FIFO, a socket or a device, which would be waited for, or read, without an end; raises OSError."""
    with contextlib.suppress(FileNotFoundError, ValueError):
        mode = os.stat(path).st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            raise OSError(errno.EINVAL, "is a FIFO, a socket or a device, and no file", str(path))
