"""Runs a command inside this process as a user types it, and catches its exit code and everything it says."""

import contextlib
import dataclasses
import importlib
import io
import os
import sys
import tempfile
import traceback

from common.log import logger

# makes `configs/tiny/yolov3.yml` smaller still: a step takes a tenth of a second
SMALL = (
    "model.backbone.width=0.125",
    "model.neck.channels=32",
    "train.batch_size=4",
    "train.base_batch=4",
    "train.epochs=1",
)


@dataclasses.dataclass
class Answer:
    """What a command said.

    Args:
        code (int): its exit code.
        out (str): standard output.
        err (str): standard error.
    """

    code: int
    out: str
    err: str

    def refused(self, code, *words):
        """Checks that this is a refusal as users get it: the code, the place, no traceback, at most twelve lines.

        Notes of the log that came before do not count.
        """
        assert self.code == code, self.err[-3000:]
        assert "Traceback" not in self.err
        assert len([line for line in self.err.splitlines() if " INFO " not in line[:30]]) <= 12, self.err
        missing = [word for word in words if word not in self.out + self.err]
        assert not missing, self.out + self.err
        return self


def command(tool, *arguments, stdin=b"", kit=None):
    """Runs `tools/<tool>.py`, or `main(argv)` of a kit's own tool, with these arguments."""
    main = importlib.import_module(f"common.commands.{tool}").main if isinstance(tool, str) else tool
    given = {"default_kit": kit} if isinstance(tool, str) else {}
    handlers = logger.handlers[:]
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        code = 0
        try:
            with caught(1, "stdout", out), caught(2, "stderr", err), typed(stdin):
                main(argv=[str(argument) for argument in arguments], **given)
        except SystemExit as end:
            code = end.code or 0
        except Exception:
            code = 1
            traceback.print_exc(file=err)
        finally:
            logger.handlers[:] = handlers
        out.seek(0)
        err.seek(0)
        return Answer(code, out.read(), err.read())


@contextlib.contextmanager
def caught(number, name, file):
    """Sends one of the process's streams, Python's and the libraries', to a file."""
    before, kept = getattr(sys, name), os.dup(number)
    before.flush()
    setattr(sys, name, file)
    os.dup2(file.fileno(), number)
    try:
        yield
    finally:
        file.flush()
        setattr(sys, name, before)
        os.dup2(kept, number)
        os.close(kept)


@contextlib.contextmanager
def typed(data):
    """Gives these bytes on standard input."""
    before = sys.stdin
    sys.stdin = io.TextIOWrapper(io.BytesIO(data))
    try:
        yield
    finally:
        sys.stdin = before


def at(place, *more):
    """The arguments of a command that reads the set at `place / "digits"` and writes to `place / "output"`."""
    paths = [f"dataset={place / 'digits'}", f"output_dir={place / 'output'}"]
    return ["-c", "configs/tiny/yolov3.yml", "-o", *SMALL, *paths, *more]
