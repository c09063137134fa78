"""What a command is given on its standard input where it takes files: one of them, or their names."""

import sys

from common.errors import DataError


def read_standard_input(what):
    """The bytes of one file, or the paths that are there one a line.

    Args:
        what (str): what the files are, such as `a picture`.

    Returns:
        tuple[list[bytes | str], bool]: what is there, and whether it is paths, of which there may be many.

    Raises:
        DataError: there is nothing.
    """
    data = sys.stdin.buffer.read()
    if not data:
        raise DataError(f"standard input is empty; it takes {what}, or one path a line")
    try:
        paths = [line.strip() for line in data.decode("utf-8").splitlines() if line.strip()]
    except UnicodeDecodeError:
        return [data], False
    return ([data], False) if b"\0" in data else (paths, True)
