"""Runs `common/commands/average.py`."""

import pathlib
import sys

sys.path[0] = str(pathlib.Path(__file__).resolve().parents[1])

from common.commands.average import main  # noqa: E402

if __name__ == "__main__":
    main()
