"""Logging: the logger of the project and its format."""

import logging
import sys

logger = logging.getLogger("kit")


def set_up_logging(level=logging.INFO, prefix=""):
    """Logs to standard error, one line per message, with a timestamp.

    Args:
        level (int): messages below this level are dropped.
        prefix (str): prepended to every message, such as the rank of a process.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(f"%(asctime)s {prefix}%(levelname)s %(message)s", "%Y-%m-%d %H:%M:%S"))
    logger.handlers[:] = [handler]
    logger.setLevel(level)
    logger.propagate = False
