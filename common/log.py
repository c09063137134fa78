"""The one logger of the project."""

import logging
import sys

logger = logging.getLogger("kit")


def set_up_logging(level=logging.INFO, prefix=""):
    """Sends the project's messages to standard error, one line each, with the time.

    Args:
        level (int): messages below this level are dropped.
        prefix (str): put before every message, such as the rank of a process.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(f"%(asctime)s {prefix}%(levelname)s %(message)s", "%Y-%m-%d %H:%M:%S"))
    logger.handlers[:] = [handler]
    logger.setLevel(level)
    logger.propagate = False
