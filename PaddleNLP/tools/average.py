"""Runs `common/commands/average.py`."""

import pathlib
import sys

KIT = pathlib.Path(__file__).resolve().parents[1]
sys.path[0] = str(KIT.parent)

from common.commands.average import main  # noqa: E402

if __name__ == "__main__":
    main()
