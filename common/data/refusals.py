"""Refusals of a file that is not what it was taken for."""

import difflib
import os

from common.errors import BadSample, DataIssue


def not_readable(error, path, what, name=None):
    """The `BadSample` D104 of what the system answered when a file was opened or read.

    Args:
        error (OSError | ValueError): the answer.
        path (str): of the file.
        what (str): what it was taken for, such as `a picture`.
        name (str): of the file in the message; its path when None.
    """
    name = path if name is None else name
    if isinstance(error, FileNotFoundError):
        return bad("D104", name, "there is no such file", fix=nearest_name(path))
    if isinstance(error, IsADirectoryError):
        return bad("D104", name, f"a folder stands where {what} is expected")
    if isinstance(error, PermissionError):
        return bad("D104", name, "no permission to read this file", fix=f"chmod a+r '{name}'")
    return bad("D104", name, f"cannot be read: {error}")


def nearest_name(path):
    """Says which existing name is nearest to a missing path, or which part of its folder is missing."""
    folder, name = os.path.split(os.path.abspath(path))
    if not os.path.isdir(folder):
        while not os.path.isdir(folder):
            folder, name = os.path.split(folder)
        return f"the folder '{folder}' has no '{name}'"
    names = sorted(os.listdir(folder))
    near = [other for other in names if other.lower() == name.lower()]
    near = near or difflib.get_close_matches(name, names[:5000], n=1)
    return f"did you mean '{near[0]}'?" if near else f"the folder '{folder}' holds {len(names)} other files"


def start_of(data):
    """How the bytes of a file that is no picture begin, for its owner to recognise."""
    text = data[:12].split(b"\n")[0]
    if text.isascii() and text.decode("ascii").isprintable() and text:
        return f"starts with '{text.decode('ascii')}'"
    return f"starts with the bytes {data[:8].hex(' ')}"


def bad(code, name, message, fix=""):
    """A `BadSample` about a whole file."""
    return BadSample(DataIssue(code, "error", str(name), message, fix=fix))
