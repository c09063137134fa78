"""Logging: the logger of the project and its format."""

import logging
import re
import sys

logger = logging.getLogger("kit")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def counted(number, noun):
    """A number with its noun, `1 class`, `2 classes`, `3 boxes`: nouns with a regular plural."""
    ending = noun[:-1] + "ies" if noun[-1] == "y" and noun[-2] not in "aeiou" else noun + "s"
    ending = noun + "es" if noun.endswith(("s", "x", "z", "tch", "sh")) else ending
    return f"{number} {noun if number == 1 else ending}"


def printable(text):
    """A text for a terminal: control characters, which names in data may hold, are written as in JSON, `\\u001b`."""
    return CONTROL.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


class PrintableFormatter(logging.Formatter):
    """The format of a log line, without control characters."""

    def format(self, record):
        """The line."""
        return printable(super().format(record))


def set_up_logging(level=logging.INFO, prefix=""):
    """Logs to standard error, one line per message, with a timestamp.

    Args:
        level (int): messages below this level are dropped.
        prefix (str): prepended to every message, such as the rank of a process.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(PrintableFormatter(f"%(asctime)s {prefix}%(levelname)s %(message)s", "%Y-%m-%d %H:%M:%S"))
    logger.handlers[:] = [handler]
    logger.setLevel(level)
    logger.propagate = False
