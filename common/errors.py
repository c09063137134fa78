"""Exceptions for user errors, each with its exit code, and the record of one data issue."""

import dataclasses


class KitError(Exception):
    """Base class of errors that are reported as one message without a traceback."""

    exit_code = 1


class ConfigError(KitError):
    """Invalid command line or configuration."""

    exit_code = 2


class DataError(KitError):
    """Invalid sample or annotation file."""

    exit_code = 3


class EnvironmentProblem(KitError):
    """The environment lacks something: a package, disk space, a device, permission, a readable checkpoint."""

    exit_code = 4


class Diverged(KitError):
    """Training diverged: a loss or a gradient is not finite."""

    exit_code = 5


class Stalled(KitError):
    """The watchdog's timeout has expired without progress."""

    exit_code = 70


class Stopped(KitError):
    """A signal ended the run after its state was saved.

    Args:
        signal_number (int): the signal; the exit code is 128 + this number (130 for SIGINT, 143 for SIGTERM).
        message (str): what was saved, and how to resume.
    """

    def __init__(self, signal_number, message):
        super().__init__(message)
        self.exit_code = 128 + signal_number


@dataclasses.dataclass(frozen=True)
class DataIssue:
    """One data issue: code, location, offending value and suggested fix.

    Args:
        code (str): `D` and three digits, one code per kind of issue.
        severity (str): `error` or `warning`.
        file (str): the affected file.
        message (str): the issue in one line.
        place (str): the line, record or box in the file; empty for the whole file.
        value (str): the offending value as written in the file; may be empty.
        fix (str): the suggested fix; may be empty.
        occurrences (Sequence[DataIssue]): all that this one stands for, itself too; empty for itself alone.
    """

    code: str
    severity: str
    file: str
    message: str
    place: str = ""
    value: str = ""
    fix: str = ""
    occurrences: tuple = ()

    def __str__(self):
        lines = [
            f"{self.severity}[{self.code}] {self.message}",
            f"  {self.file}" + (f": {self.place}" if self.place else ""),
        ]
        if self.value:
            lines.append(f"  value: {self.value}")
        if self.fix:
            lines.append(f"  fix: {self.fix}")
        return "\n".join(lines)


class NotFinite(DataError):
    """The outputs of a model hold a value that is no number (NaN) or is infinite."""


class BadSample(DataError):
    """A sample that cannot be used; `issue` is its :class:`DataIssue`."""

    def __init__(self, issue):
        super().__init__(str(issue))
        self.issue = issue

    def __reduce__(self):
        return BadSample, (self.issue,)


class BadRows(Exception):
    """Rows of a batch that cannot be used.

    Args:
        rows (dict[int, tuple[str, str, str]]): index in the batch -> (code, message, value).
    """

    def __init__(self, rows):
        super().__init__(f"{len(rows)} rows")
        self.rows = rows
