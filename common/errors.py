"""The errors a user can cause, each with its exit code, and the report of one bad datum."""

import dataclasses


class KitError(Exception):
    """A mistake or condition that is reported in one message, without a traceback."""

    exit_code = 1


class ConfigError(KitError):
    """The command line or the configuration is wrong."""

    exit_code = 2


class DataError(KitError):
    """A sample or an annotation file is wrong."""

    exit_code = 3


class EnvironmentProblem(KitError):
    """The machine lacks something: a package, disk space, a device, permission, a readable checkpoint."""

    exit_code = 4


class Diverged(KitError):
    """A loss or a gradient is not finite."""

    exit_code = 5


class Stalled(KitError):
    """Nothing moved for as long as the watchdog waits."""

    exit_code = 70


class Stopped(KitError):
    """A signal ended the run after its state was saved.

    Args:
        signal_number (int): the signal; the exit code is 128 + this number (130 for SIGINT, 143 for SIGTERM).
        message (str): what was saved, and how to go on.
    """

    def __init__(self, signal_number, message):
        super().__init__(message)
        self.exit_code = 128 + signal_number


@dataclasses.dataclass(frozen=True)
class DataIssue:
    """One thing that is wrong with the data, and what to do about it.

    Args:
        code (str): `D` and three digits; the same kind of fault always has the same code.
        severity (str): `error` or `warning`.
        file (str): the file at fault.
        message (str): what is wrong, in one line.
        place (str): the line, record or box inside the file; empty for the whole file.
        value (str): the offending value as it stands in the file; may be empty.
        fix (str): what the user can do; may be empty.
    """

    code: str
    severity: str
    file: str
    message: str
    place: str = ""
    value: str = ""
    fix: str = ""

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


class BadSample(DataError):
    """One sample cannot be used; carries the issue that says why."""

    def __init__(self, issue):
        super().__init__(str(issue))
        self.issue = issue

    def __reduce__(self):
        return BadSample, (self.issue,)


class BadRows(Exception):
    """Rows of a batch that cannot be used.

    Args:
        rows (dict[int, tuple[str, str, str]]): position in the batch -> (code, message, value).
    """

    def __init__(self, rows):
        super().__init__(f"{len(rows)} rows")
        self.rows = rows
