"""Where the texts of an inference come from: a file, standard input, the command line; one text a line."""

import sys

from common.errors import ConfigError, DataError, DataIssue
from common.files import decode_text, has_lone_surrogate, read_lines, replace_controls
from common.log import logger


def open_texts(path, task, text=None):
    """The texts that `path` names, or standard input, or the one given.

    Args:
        path (str | None): a file of lines; None and - are standard input.
        task (module): of `common.tasks`; its `read_line(line)` turns a line into a sample.
        text (str | None): one line, in place of a path.

    Raises:
        ConfigError: both a path and a text are given.
        DataError: the file is missing or no text.
    """
    if text is not None and path is not None:
        raise ConfigError("give either --input or --text")
    if text is not None:
        return Texts([text], "--text", task)
    if path in (None, "-"):
        return Texts(lines_of(sys.stdin.buffer), "standard input", task, many=True)
    if not path.strip():
        raise ConfigError("--input: write which file; - is standard input")
    return Texts(read_lines(path), path, task, many=True)


def lines_of(stream):
    """The lines of a stream of bytes as they come."""
    for number, data in enumerate(stream, 1):
        try:
            yield decode_text(data.rstrip(b"\r\n"), "standard input")
        except DataError as error:
            raise DataError(str(error).replace("line 1,", f"line {number},")) from None


class Texts:
    """One sample a line; an empty line is marked `blank`, and answered by an empty one.

    Args:
        lines (Iterable[str]): read as they are asked for.
        name (str): for messages.
        task (module): with `read_line(line)`.
        many (bool): whether a line that cannot be read leaves the rest to go on.
    """

    what, batch = "text", 32

    def __init__(self, lines, name, task, many=False):
        self.lines, self.name, self.task, self.many = lines, name, task, many

    def __iter__(self):
        said = False
        for number, line in enumerate(self.lines, 1):
            place = f"line {number}"
            line, changed = replace_controls(line)
            if changed and not said:
                logger.warning("%s: %s: control characters are read as blanks", self.name, place)
                said = True
            sample = {"path": self.name, "place": place, "name": f"{self.name}: {place}"}
            if not line.strip():
                yield sample | {"text_a": line, "blank": True}
            elif has_lone_surrogate(line):
                issue = DataIssue("D123", "error", self.name, "half of a surrogate pair is no text", place)
                raise DataError(str(issue))
            else:
                yield sample | self.task.read_line(line)
