"""Text sources for inference: a file, standard input or the command line; one text per line.

A first line that names columns, `text_a<tab>label` as in the files of training, is a header: the columns of texts are
read, the others are not.  A task may name one more column of texts, that of the user's own tables (`Task.column`).
A .csv file of several columns needs a header; commas, semicolons, bars or tabs separate them.  A line that cannot be
read is a sample with `error`, and the others go on.
"""

import csv
import dataclasses
import io
import sys

from common.errors import BadSample, ConfigError, DataError, DataIssue
from common.files import decode_text, find_file, has_lone_surrogate, parse_json, read_lines, replace_controls
from common.log import logger

COLUMNS = {  # of a header -> keys of a sample
    "text_a": "text_a",
    "text": "text_a",
    "sentence": "text_a",
    "sentence1": "text_a",
    "text_b": "text_b",
    "sentence2": "text_b",
    "question": "question",
    "context": "context",
}
SEPARATORS = ",;|\t"  # of a .csv file
UNREAD = ("label", "labels", "qid", "id")  # other columns of a header
TOKENS = "\x02"  # between the characters and between the tags of LAC's files
LOOKED_AT = 1000  # lines of a file among which annotations are looked for


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
        if not text.strip():
            raise DataError("error[D126] --text: the text is empty")
        return Texts([text], "--text", task)
    if path in (None, "-"):
        return Texts(each_line(sys.stdin.buffer, "standard input"), "standard input", task, many=True)
    if not path.strip():
        raise ConfigError("--input: the path is empty; - is standard input")
    lines = lines_of_file(path)
    is_csv = path.lower().endswith(".csv")
    return Texts(texts_of_csv(lines, path, column_of(task)) if is_csv else lines, path, task, many=True)


def column_of(task):
    """The column of texts of a user's own tables that a task names, or None."""
    return getattr(task, "column", None)


def keys_of(names, own=None):
    """The key of a sample for each column of a header, None for one that is not read; `own` stands for usual names."""
    return ["text_a" if name == own else None if own in names and COLUMNS.get(name) == "text_a" else COLUMNS.get(name)
            for name in names]  # fmt: skip


def lines_of_file(path):
    """The lines of a file (str), and a BadSample for each that is not UTF-8; raises DataError if most are not."""
    try:
        return read_lines(path)
    except BadSample as error:  # a byte that is not UTF-8
        data = find_file(path).read_bytes()
        lines = list(each_line(data.removesuffix(b"\n").split(b"\n"), path))
        if data[:2] in (b"\xff\xfe", b"\xfe\xff") or 2 * sum(isinstance(line, BadSample) for line in lines) > len(
            lines
        ):
            raise error from None
        return lines


def texts_of_csv(lines, name, own=None):
    """The lines of a CSV file as a header and lines of its text columns alone, separated by tabs.

    A file of one column without a header is returned as it is.

    Args:
        lines (list[str | BadSample]): of the file.
        name (str): name of the file for messages.
        own (str | None): see :func:`keys_of`.

    Raises:
        ConfigError: there are several columns, and the first line does not name one of texts, or two of the same.
        DataError: a quotation mark is not closed.
    """
    mark = text_separator(lines, own)
    names = header_of(lines, mark)
    keyed = keys_of(names, own)
    places = [place for place, key in enumerate(keyed) if key]
    keys = [keyed[place] for place in places]
    if len(names) < 2 and not keys:
        return lines
    if not keys or len(set(keys)) < len(keys):
        fault = "names two columns of the same text" if keys else "names no column of texts"
        raise ConfigError(
            f"{name}: line 1 {fault}: {', '.join(names)[:80]}\n  fix: name one column {own or 'text'}; "
            "a file of one text a line, without columns, ends in .txt"
        )
    found, record = ["\t".join(keys)], ""
    for number, line in enumerate(lines[1:], 2):
        if isinstance(line, BadSample):
            found.append(line)
            continue
        record = f"{record}\n{line}" if record else line
        if record.count('"') % 2:
            continue  # a quoted field goes on in the next line
        fields = fields_of(record, mark)
        if not fields or len(fields) == len(names):
            found.append("\t".join(" ".join(fields[place].split()) for place in places) if fields else "")
        else:
            fault = bad_line("D118", f"{len(fields)} fields where the header names {len(names)}", record).issue
            found.append(BadSample(dataclasses.replace(fault, file=name, place=f"line {number}")))
        record = ""
    if record:
        raise DataError(f"error[D118] {name}: line {len(lines)}: the file ends inside of quotation marks")
    return found


def text_separator(lines, own):
    """The separator of a CSV file: one by which the first line names a column of texts, else one that divides all lines
    into equally many fields, else a comma."""
    named = (mark for mark in SEPARATORS if any(keys_of(header_of(lines, mark), own)))
    full = [line for line in lines if isinstance(line, str) and line.strip()]
    alike = (mark for mark in ";|" if len(full) > 1 and mark in full[0] and len({n.count(mark) for n in full}) == 1)
    return next(named, None) or next(alike, ",")


def header_of(lines, mark):
    """The fields of the first line (list[str]); none if it cannot be read."""
    first = lines[0] if lines and isinstance(lines[0], str) else ""
    return [field.strip() for field in fields_of(first, mark)]


def fields_of(record, mark):
    """The fields of one CSV record (list[str]), between which the separator `mark` stands."""
    return next(csv.reader(io.StringIO(record, newline=""), delimiter=mark), [])


def each_line(stream, name):
    """Decodes the lines of a byte stream as they arrive; one that is not UTF-8 is a BadSample in its place."""
    for number, data in enumerate(stream, 1):
        try:
            yield decode_text(data.rstrip(b"\r\n"), name)
        except BadSample as error:
            place = error.issue.place.replace("line 1,", f"line {number},")
            yield BadSample(dataclasses.replace(error.issue, place=place))


class Texts:
    """Iterates over samples, one per line; an empty line is marked `blank` and produces an empty output line.

    Args:
        lines (Iterable[str | BadSample]): the lines, read lazily.
        name (str): name of the source for messages.
        task (object): has `read_line(line)`.
        many (bool): continues after a line that cannot be read.

    Attributes:
        labels (list[str] | None): the labels of the model, with which annotated lines are distinguished.
    """

    what, batch = "text", 32

    def __init__(self, lines, name, task, many=False):
        self.lines, self.name, self.task, self.many, self.labels = lines, name, task, many, None

    def __iter__(self):
        warned, columns = False, None
        for number, line in enumerate(self.lines, 1):
            place = f"line {number}"
            sample = {"path": self.name, "place": place, "name": f"{self.name}: {place}"}
            if isinstance(line, BadSample):
                yield sample | {"error": line}
                continue
            if number == 1:
                columns = self.read_header(line) if self.many else None
                if columns:
                    continue
                self.refuse_annotations(line)
            cleaned, changed = replace_controls(line.replace(TOKENS, "") if columns else line)
            if changed and not warned:
                logger.warning("%s: %s: control characters are replaced by spaces", self.name, place)
                warned = True
            if not cleaned.strip():
                yield sample | {"text_a": cleaned, "blank": True}
                continue
            try:
                yield sample | self.read(cleaned, columns)
            except BadSample as error:
                yield sample | {"error": BadSample(dataclasses.replace(error.issue, file=self.name, place=place))}

    def read(self, line, columns):
        """The keys of one line; raises BadSample."""
        if has_lone_surrogate(line):
            raise bad_line("D123", "the text contains an unpaired surrogate")
        if columns:
            fields = line.split("\t")
            if len(fields) != len(columns):
                raise bad_line("D118", f"{len(fields)} fields where the header names {len(columns)}", line)
            found = {key: field for key, field in zip(columns, fields) if key}
        elif line.lstrip().startswith("{") and '"text_a"' in line and "text_a" in self.needed():
            found = read_object(line)
        else:
            try:
                return self.task.read_line(line)
            except DataError as error:
                raise bad_line("D118", str(error), line) from None
        if "text_b" in found and "text_b" not in self.both():
            raise bad_line("D118", "two texts (text_b), but this model reads one text per line", line)
        empty = [key for key, text in found.items() if not text.strip()]
        if empty:
            raise bad_line("D126", f"{empty[0]} is empty", line)
        return found

    def read_header(self, line):
        """The keys of the columns that a header names, None for one that is not read; None if the line is no header.

        Raises:
            ConfigError: the header names texts, but not those that the model reads.
        """
        names, own = [name.strip() for name in line.lstrip("\ufeff").split("\t")], column_of(self.task)
        keys = keys_of(names, own)
        texts = [key for key in keys if key]
        known = own in names or all(name in COLUMNS or name in UNREAD for name in names)
        if not known or not texts or len(set(texts)) < len(texts) or (len(names) == 1 and names != ["text_a"]):
            return None
        lacking = self.needed() - set(texts)
        if lacking:
            raise ConfigError(
                f"{self.name}: line 1: the header names {', '.join(names)}, but this model reads "
                f"{', '.join(sorted(self.needed()))}"
            )
        unread = [name for name, key in zip(names, keys) if not key]
        logger.info(
            "%s: line 1 is a header: %s read%s",
            self.name,
            ", ".join(name for name, key in zip(names, keys) if key),
            f", {', '.join(unread)} ignored" if unread else "",
        )
        return keys

    def needed(self):
        """The keys of a sample that this task reads of every line (set)."""
        return self.both() - {"text_b"}

    def both(self):
        """The keys of a sample that this task reads of a line with two texts, or of one where it refuses two (set)."""
        try:
            return set(self.task.read_line("first\tsecond"))
        except DataError:
            return {"text_a"}

    def refuse_annotations(self, first):
        """Raises ConfigError if a column of every line holds labels of the model: annotations without a header."""
        labels = {str(label) for label in self.labels or ()}
        looked = self.lines[:LOOKED_AT] if isinstance(self.lines, list) else [first]
        looked = [line for line in looked if isinstance(line, str) and line.strip()]
        for separator, columns in (("\t", {0: "first", -1: "last"}), (None, {-1: "last"})):
            rows = [line.split(separator) for line in looked]
            if separator is None and len(rows) < 2:
                continue
            for column, which in columns.items():
                if labels and rows and all(len(row) > 1 and is_label(row[column], labels) for row in rows):
                    raise ConfigError(
                        f"{self.name}: line 1: the {which} column holds labels of the model "
                        f"('{rows[0][column][:40]}'), but a line is the text alone\n  fix: remove that column, or "
                        "name the columns in a first line, such as text_a<tab>label"
                    )


def read_object(line):
    """The texts of a line of JSON as in the files of training; raises BadSample."""
    try:
        row = parse_json(line)
    except ValueError as error:
        raise bad_line("D118", f"not valid JSON: {error}", line) from None
    found = {key: row[key] for key in ("text_a", "text_b") if key in row} if isinstance(row, dict) else {}
    odd = [key for key, value in found.items() if not isinstance(value, str)]
    if odd or "text_a" not in found:
        raise bad_line("D113", f"{odd[0]} is not a string" if odd else "has no text_a", line)
    return found


def is_label(field, labels):
    """True if a field is a label, or labels separated as in LAC's files."""
    return all(part.strip() in labels for part in field.split(TOKENS))


def bad_line(code, message, value=""):
    """The BadSample of one line; its file and place are added where it is read."""
    return BadSample(DataIssue(code, "error", "", message, value=value[:60]))
