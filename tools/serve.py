"""Runs `deploy/serving/command.py`: exported models over HTTP."""

import pathlib
import sys

sys.path[0] = str(pathlib.Path(__file__).resolve().parents[1])

from deploy.serving.command import main, parser  # noqa: E402, F401  the parser is for the tests of the documents

if __name__ == "__main__":
    main()
