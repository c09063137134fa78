"""Files of one JSON object a line, such as `metrics.jsonl`."""

import json
import math
import os

from common.errors import EnvironmentProblem


class JsonLines:
    """A file of one JSON object a line, each with its `step`."""

    def __init__(self, path):
        self.path = path

    def keep_until(self, step, lines=None):
        """Drops what was written after `step` (and after the first `lines` lines), and a torn last line.

        Returns:
            The number of lines kept. The file is replaced as a whole or not at all.
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
        """Appends one line; a number that is not finite becomes null."""
        text = json.dumps({name: plain(value) for name, value in record.items()}, ensure_ascii=False)
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(text + "\n")
        except OSError as error:
            raise EnvironmentProblem(f"cannot write {self.path}: {error.strerror}") from error

    def flush(self):
        """Makes the lines survive a power cut."""
        with self.path.open("rb") as file:
            os.fsync(file.fileno())


def read_json_lines(path):
    """Reads a file of JSON lines as a list of (text, dict); lines that are torn or no objects are left out."""
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


def plain(value):
    """The value as JSON has it: a float written so that it reads back exactly, null for what is not finite."""
    if isinstance(value, bool | int | str) or value is None:
        return value
    number = float(value)
    return number if math.isfinite(number) else None


class Follower:
    """Reads a growing file of JSON lines, each line once.

    Args:
        path (Path): the file; it may not be there yet.
    """

    def __init__(self, path):
        self.path = path
        self.offset = 0

    def new(self):
        """The records of the lines that are complete and have not been given before."""
        try:
            with self.path.open("rb") as file:
                file.seek(self.offset)
                text = file.read()
        except FileNotFoundError:
            return []
        whole = text[: text.rfind(b"\n") + 1]
        self.offset += len(whole)
        return [json.loads(line) for line in whole.splitlines()]
