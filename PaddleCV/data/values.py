"""Scalars of annotation files as programs spell them: numbers, ids, flags and class names, also as text."""

import math
import re

from common.files import has_lone_surrogate

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
FLAGS = {"0": False, "1": True, "false": False, "true": True, "no": False, "yes": True}
LARGEST = 2**53  # beyond it floats skip integers


def read_number(value):
    """A finite number as float, also one in quotes; None for anything else, such as true, null or a list."""
    if isinstance(value, str):
        text = value.strip()
        value = float(text) if text.isascii() and NUMBER.fullmatch(text) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:  # an integer of hundreds of digits
        return None


def read_integer(value):
    """An integer, also as 17.0 or "17"; None for anything else."""
    if type(value) is int:  # the common case, for speed
        return value if -LARGEST < value < LARGEST else None
    number = read_number(value)
    return int(number) if number is not None and number == int(number) and abs(number) < LARGEST else None


def read_size(value):
    """A width or height in whole pixels; 0 if it is missing or none."""
    return max(0, read_integer(value) or 0)


def read_flag(value):
    """True or False for 1, 0, true, false, yes and no, as number, boolean or text; None for anything else."""
    if isinstance(value, str) and value.strip().lower() in FLAGS:
        return FLAGS[value.strip().lower()]
    number = read_number(int(value) if isinstance(value, bool) else value)
    return bool(number) if number in (0, 1) else None


def read_name(value, place, issues, file=""):
    """The name of a class without the blanks around it, which are a warning (D109); None for no text."""
    if not isinstance(value, str) or not value.strip():
        return None
    if value != value.strip():
        issues.warn("D109", "class name with blanks around it; they are removed", place, repr(value), file=file)
    return value.strip()


def compare_names(names, issues):
    """Warns of class names that differ only in case or in blanks (D109); refuses those that no file can hold (D123)."""
    groups = {}
    for name in dict.fromkeys(names):
        if has_lone_surrogate(name):
            fix = "rename the folder, or write the name in UTF-8"
            issues.error("D123", "class name is not UTF-8", value=ascii(name), fix=fix)
        groups.setdefault(re.sub(r"[\s_-]+", "", name).casefold(), []).append(name)
    for alike in groups.values():
        if len(alike) > 1:
            message = "class names differ only in case or blanks, and are different classes"
            issues.warn(
                "D109", message, value=", ".join(map(repr, alike)), fix="rename one of them if they are one class"
            )
