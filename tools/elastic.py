"""Runs `common/commands/elastic.py`: click models on many processes."""

import pathlib
import sys

sys.path[0] = str(pathlib.Path(__file__).resolve().parents[1])

from common.commands.elastic import main, parser  # noqa: E402, F401  the parser is for the tests of the documents

if __name__ == "__main__":
    main()
