"""Errors for files that are missing, unreadable or not in the expected format."""

import dataclasses
import difflib
import os

from common.errors import BadSample, DataIssue


def unreadable_file(error, path, what, name=None):
    """The `BadSample` D104 for an operating system error on opening or reading a file.

    Args:
        error (OSError | ValueError): the error.
        path (str): path of the file.
        what (str): the expected kind of file, such as `an image`.
        name (str): name of the file in the message; its path if None.
    """
    name = path if name is None else name
    if isinstance(error, FileNotFoundError):
        return bad_file("D104", name, "there is no such file", fix=suggest_path(path))
    if isinstance(error, IsADirectoryError):
        return bad_file("D104", name, f"is a folder, expected {what}")
    if isinstance(error, PermissionError):
        return bad_file("D104", name, "no permission to read this file", fix=f"chmod a+r '{name}'")
    return bad_file("D104", name, f"cannot be read: {error}")


def suggest_path(path):
    """Suggests the most similar existing name for a missing path, or names the missing part of its folder."""
    folder, name = os.path.split(os.path.abspath(path))
    if not os.path.isdir(folder):
        while not os.path.isdir(folder):
            folder, name = os.path.split(folder)
        return f"the folder '{folder}' has no '{name}'"
    names = sorted(os.listdir(folder))
    near = [other for other in names if other.lower() == name.lower()]
    near = near or difflib.get_close_matches(name, names[:5000], n=1)
    return f"did you mean '{near[0]}'?" if near else f"the folder '{folder}' contains {len(names)} other files"


def first_bytes(data):
    """Describes the first bytes of a file in an unknown format, for messages."""
    text = data[:12].split(b"\n")[0]
    if text.isascii() and text.decode("ascii").isprintable() and text:
        return f"starts with '{text.decode('ascii')}'"
    return f"starts with the bytes {data[:8].hex(' ')}"


def bad_file(code, name, message, fix=""):
    """A `BadSample` for a whole file."""
    return BadSample(DataIssue(code, "error", str(name), message, fix=fix))


def add_list_line(error, sample):
    """Adds the line of the manifest, or of the list, to the BadSample of one of its samples."""
    place = sample.get("place", "")
    if not place or error.issue.place:
        return error
    where = f"{sample['manifest']}: {place}" if "manifest" in sample else place
    return BadSample(dataclasses.replace(error.issue, place=where))
