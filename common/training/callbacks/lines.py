"""JSON lines files, such as `metrics.jsonl`."""

import json
import math
import os

from common.errors import EnvironmentProblem


class JsonLines:
    """A JSON lines file whose records have a `step`."""

    def __init__(self, path):
        self.path = path

    def keep_until(self, step, lines=None):
        """Removes records after `step` (and after the first `lines` lines), and an incomplete last line.

        Returns:
            The number of lines kept. The file is replaced atomically.
        """
        kept = [text for text, record in read_json_lines(self.path) if record.get("step", 0) <= step and step > 0][
            :lines
        ]
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            temporary = self.path.with_name(self.path.name + ".part")
            with temporary.open("w", encoding="utf-8") as file:
                file.writelines(line + "\n" for line in kept)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self.path)
        except OSError as error:
            raise EnvironmentProblem(f"cannot write {self.path}: {error.strerror}") from error
        return len(kept)

    def write(self, record):
        """Appends a record; numbers that are not finite become null."""
        text = json.dumps({name: to_json_value(value) for name, value in record.items()}, ensure_ascii=False)
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(text + "\n")
        except OSError as error:
            raise EnvironmentProblem(f"cannot write {self.path}: {error.strerror}") from error

    def flush(self):
        """Syncs the file to the disk."""
        with self.path.open("rb") as file:
            os.fsync(file.fileno())


def read_json_lines(path):
    """Reads a JSON lines file as a list of (text, dict); lines that are incomplete or not objects are skipped."""
    if not path.is_file():
        return []
    found = []
    for line in path.read_bytes().split(b"\n")[:-1]:
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict):
            found.append((line.decode("utf-8"), record))
    return found


def to_json_value(value):
    """Converts a value to JSON: floats that round-trip exactly, None for numbers that are not finite."""
    if isinstance(value, bool | int | str) or value is None:
        return value
    number = float(value)
    return number if math.isfinite(number) else None


class Follower:
    """Follows a growing JSON lines file, and reads each line once.

    Args:
        path (Path): the file; it may not exist yet.
    """

    def __init__(self, path):
        self.path = path
        self.offset = 0

    def new(self):
        """The records of new complete lines."""
        try:
            with self.path.open("rb") as file:
                file.seek(self.offset)
                text = file.read()
        except FileNotFoundError:
            return []
        whole = text[: text.rfind(b"\n") + 1]
        self.offset += len(whole)
        return [json.loads(line) for line in whole.splitlines()]
