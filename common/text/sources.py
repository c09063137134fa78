"""Text sources for inference: a file, standard input or the command line; one text per line."""

import sys

from common.errors import ConfigError, DataError, DataIssue
from common.files import decode_text, has_lone_surrogate, read_lines, replace_controls
from common.log import logger


def open_texts(path, task, text=None):
    """Opens a file of texts, standard input, or the text of the command line.

    Args:
        path (str | None): a file with one text per line; None and - are standard input.
        task (object): has `read_line(line)`, which converts a line to a sample.
        text (str | None): one line, instead of a path.

    Raises:
        ConfigError: both a path and a text are given.
        DataError: the file is missing or is not a text file.
    """
    if text is not None and path is not None:
        raise ConfigError("give either --input or --text")
    if text is not None:
        return Texts([text], "--text", task)
    if path in (None, "-"):
        return Texts(decode_lines(sys.stdin.buffer), "standard input", task, many=True)
    if not path.strip():
        raise ConfigError("--input: the path is empty; - is standard input")
    return Texts(read_lines(path), path, task, many=True)


def decode_lines(stream):
    """Decodes the lines of a byte stream as they arrive."""
    for number, data in enumerate(stream, 1):
        try:
            yield decode_text(data.rstrip(b"\r\n"), "standard input")
        except DataError as error:
            raise DataError(str(error).replace("line 1,", f"line {number},")) from None


class Texts:
    """Iterates over samples, one per line; an empty line is marked `blank` and produces an empty output line.

    Args:
        lines (Iterable[str]): the lines, read lazily.
        name (str): name of the source for messages.
        task (object): has `read_line(line)`.
        many (bool): continues after a line that cannot be read.
    """

    what, batch = "text", 32

    def __init__(self, lines, name, task, many=False):
        self.lines, self.name, self.task, self.many = lines, name, task, many

    def __iter__(self):
        warned = False
        for number, line in enumerate(self.lines, 1):
            place = f"line {number}"
            line, changed = replace_controls(line)
            if changed and not warned:
                logger.warning("%s: %s: control characters are replaced by spaces", self.name, place)
                warned = True
            sample = {"path": self.name, "place": place, "name": f"{self.name}: {place}"}
            if not line.strip():
                yield sample | {"text_a": line, "blank": True}
            elif has_lone_surrogate(line):
                issue = DataIssue("D123", "error", self.name, "the text contains an unpaired surrogate", place)
                raise DataError(str(issue))
            else:
                yield sample | self.task.read_line(line)
