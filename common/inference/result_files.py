"""Files of predictions, written as they come: csv, JSON lines, or one JSON list; embeddings also as arrays."""

import csv
import itertools
import json
import math
import re
from pathlib import Path

import numpy as np

from common.data.coverage import is_truncated
from common.data.issues import issue_line
from common.errors import ConfigError, EnvironmentProblem
from common.log import logger
from common.vision.writers import DRAWN

IDENTITY = {  # input of a task -> the columns that name a sample, and the key of each in JSON
    "text": {"text": "text_a", "text_b": "text_b", "question": "question", "context": "context"},
    "image": {"image": "image"},
    "video": {"video": "video"},
    "features": {"video": "video"},
    "points": {"cloud": "cloud"},
    "audio": {"audio": "audio"},
    "table": {"row": "row"},
}


FILE_SUFFIX = re.compile(r"\.[a-z][a-z0-9]{2,4}")  # by its looks; .v2 may be of a folder


def is_result_file(path):
    """True for a path that ends in .csv, .jsonl, .json or .npz."""
    return Path(path).suffix.lower() in WRITERS


def refuse_suffix(out, others=()):
    """Refuses a path of results with the suffix of a file that cannot be written.

    Args:
        out (str): `--out`: a file of results, or a folder.
        others (tuple[str]): suffixes of other files that can be written.

    Raises:
        ConfigError: names the formats.
    """
    known = (*WRITERS, *others)
    suffix = Path(out).suffix.lower()
    if FILE_SUFFIX.fullmatch(suffix) and suffix not in known and not out.endswith("/") and not Path(out).is_dir():
        raise ConfigError(
            f"--out {out}: {suffix} files are not written; name one that ends in {', '.join(known)}"
            + (f", or a folder: {out}/" if others else "")
        )


def refuse_drawings(out, task, source):
    """Refuses `--out` that names no file of results, and neither a drawing of the task nor a file that it writes.

    Args:
        out (str | None): `--out`.
        task (Task): predicts.
        source (object): what is read.

    Raises:
        ConfigError: names what can be written.
    """
    if not out or is_result_file(out):
        return
    draws = task.draws and (hasattr(source, "drawing") or task.input == "text")
    refuse_suffix(out, DRAWN if draws else task.writes)
    if not draws and not task.writes:
        raise ConfigError(
            f"--out draws on images; the predictions of {task.name} go to standard output, or to a file: --out name.csv"
        )


def open_results(path, task, labels, source=None, threshold=None):
    """The writer of a file: `add([(sample, records), ...])` as often as needed, then `close()`.

    Args:
        path (str | Path): .csv, .jsonl, .json, or .npz for embeddings; an earlier file is replaced.
        task (Task): whose records are written.
        labels (list[str] | None): class names of the model.
        source (str | None): the input, which is not to be overwritten.
        threshold (float | None): of the predictions; that of the task when None.

    Raises:
        ConfigError: the path has another suffix, is the input, or is for embeddings, which the task does not give.
        EnvironmentProblem: the file cannot be written.
    """
    path = Path(path)
    if not is_result_file(path):
        raise ConfigError(f"{path}: predictions are written to {', '.join(WRITERS)}")
    if source is not None and path.exists() and Path(source).exists() and path.samefile(source):
        raise ConfigError(f"{path}: would overwrite the input; choose another name")
    return WRITERS[path.suffix.lower()](path, task, labels, task.threshold if threshold is None else threshold)


def describe_sample(task, sample, records):
    """The object of a sample in JSON: its file, texts or row, and its predictions or its error."""
    if "error" in sample:
        return {"file": sample["path"], "place": sample["place"], "error": issue_line(sample["error"].issue)}
    found = {**task.identify(sample), "predictions": records}
    return found | {"truncated": True} if is_truncated(sample) else found


class ResultFile:
    """A file that is written piece by piece.

    Args:
        path (Path): of the file.
        task (Task): whose records are written.
        labels (list[str] | None): class names of the model.
        threshold (float): of the predictions.
    """

    def __init__(self, path, task, labels, threshold=0.0):
        self.path, self.task, self.labels, self.threshold = path, task, labels, threshold
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.file = path.open("w", encoding="utf-8", errors="backslashreplace", newline="")
        except OSError as error:
            raise EnvironmentProblem(f"{path}: cannot be written: {error.strerror}") from error

    def add(self, predictions):
        """Writes samples with their records (list[tuple[dict, list[dict]]])."""
        try:
            self.write(predictions)
            self.file.flush()
        except OSError as error:
            raise EnvironmentProblem(f"{self.path}: cannot be written: {error.strerror}") from error

    def close(self):
        """Ends the file."""
        self.file.close()


class JsonLinesFile(ResultFile):
    """The lines of `tools/infer.py --json`."""

    def write(self, predictions):
        """Writes a line per sample."""
        found = (describe_sample(self.task, *pair) for pair in predictions)
        self.file.writelines(json.dumps(item, ensure_ascii=False) + "\n" for item in found)


class JsonFile(ResultFile):
    """The same objects in a list."""

    empty = True

    def write(self, predictions):
        """Writes objects that are separated from those before."""
        for pair in predictions:
            text = json.dumps(describe_sample(self.task, *pair), ensure_ascii=False)
            self.file.write(("[\n" if self.empty else ",\n") + text)
            self.empty = False

    def close(self):
        """Closes the list."""
        self.file.write("[]\n" if self.empty else "\n]\n")
        super().close()


class NpzFile(ResultFile):
    """The embeddings as arrays without Python objects: `embeddings` float32 [N, E] and `names` [N]."""

    def __init__(self, path, task, labels, threshold=0.0):
        if "embedding" not in task.columns:
            raise ConfigError(f"{path}: .npz holds embeddings, which {task.name} does not predict")
        super().__init__(path, task, labels, threshold)
        self.names, self.vectors = [], []

    def write(self, predictions):
        """Keeps the vectors until the file is closed."""
        for sample, records in predictions:
            self.names.append(str(sample["name"]))
            self.vectors.append(records[0]["embedding"])

    def close(self):
        """Writes the arrays."""
        super().close()
        try:
            np.savez(self.path, embeddings=np.array(self.vectors, np.float32), names=np.array(self.names, str))
        except OSError as error:
            raise EnvironmentProblem(f"{self.path}: cannot be written: {error.strerror}") from error


class UnixLines:
    """A file for `csv.writer`, which puts carriage returns in quotes only where its lines end with them.

    Args:
        file (TextIO): to write to.
    """

    def __init__(self, file):
        self.file = file

    def write(self, line):
        """Writes one row with a line feed at its end."""
        self.file.write(line.removesuffix("\r\n") + "\n")


class CsvFile(ResultFile):
    """A csv file with a header; its columns are chosen by the first samples."""

    def __init__(self, path, task, labels, threshold=0.0):
        super().__init__(path, task, labels, threshold)
        self.writer, self.layout = csv.writer(UnixLines(self.file)), None

    def write(self, predictions):
        """Writes the rows of samples, after the header."""
        if self.layout is None:
            self.layout = Layout(self.task, self.labels, predictions, self.threshold)
            self.writer.writerow(self.layout.names)
        for sample, records in predictions:
            self.writer.writerows(self.layout.rows(sample, records))

    def close(self):
        """Ends the file; one without a sample has a header."""
        if self.layout is None:
            self.write([])
        if self.layout.left_out:
            names = ", ".join(sorted(self.layout.left_out))
            logger.warning("%s: columns that the first rows do not have are left out: %s", self.path, names)
        super().close()


class Layout:
    """The columns of predictions in a table, and the rows of each sample.

    A task names the columns of its records (`Task.columns`) and how many records stand beside each other in the row of
    a sample (`Task.beside`); with 0, each record has a row of its own, and a sample without records has one with empty
    cells.  A task that names no columns has its records as JSON in the column `predictions`.

    Args:
        task (Task): whose records are written.
        labels (list[str] | None): class names of the model.
        predictions (list[tuple]): the first samples with their records.
        threshold (float): of the predictions.
    """

    def __init__(self, task, labels, predictions, threshold=0.0):
        self.task, self.left_out, self.number = task, set(), 0
        samples = [sample for sample, _ in predictions]
        self.identity = {
            column: key
            for column, key in IDENTITY.get(task.input, {}).items()
            if column in ("text", task.input, "row", "video", "cloud") or any(key in sample for sample in samples)
        }
        if any("question" in sample for sample in samples):
            self.identity.pop("text")
        self.given = list(dict.fromkeys(name for sample in samples for name in sample.get("row", ())))
        self.beside = task.beside(labels)
        if self.beside > 1 and labels:
            longest = max((len(records) for _, records in predictions), default=0)
            self.beside = min(self.beside, max(len(labels), longest))
            if task.exclusive and threshold:  # how many classes can score more than the threshold
                self.beside = min(self.beside, max(math.ceil(1 / threshold) - 1, longest, 1))
        self.repeats = task.input == "text" and bool(task.columns) and not self.beside
        self.names = self.name_columns()

    def name_columns(self):
        """The header; a column of the input keeps its name, and one of ours that has the same gets a number."""
        ours = [column for key in self.task.columns for column in self.columns_of(key)] or ["predictions"]
        ours = ours + [f"{name}_{k}" for k in range(2, self.beside + 1) for name in ours]
        before = ["number"] if self.repeats else []
        after = ["truncated", "error"] if self.task.input == "text" else []
        taken, names = set(self.given), []
        for name in [*before, *self.identity, None, *ours, *after]:
            if name is None:
                names += self.given
                continue
            numbered = (f"{name}_{k}" for k in itertools.count(2))
            free = next(text for text in itertools.chain([name], numbered) if text not in taken)
            taken.add(free)
            names.append(free)
        return names

    def columns_of(self, key):
        """The columns of one value of a record (tuple[str])."""
        columns = self.task.columns[key]
        return (columns,) if isinstance(columns, str) else columns

    def rows(self, sample, records):
        """The rows of one sample (list[list])."""
        found = describe_sample(self.task, sample, records)
        self.number += 1
        start = [self.number] if self.repeats else []
        start += [self.identify(found, key) for key in self.identity.values()]
        given = sample.get("row", {})
        self.left_out.update(name for name in given if name not in self.given)
        start += [as_cell(given.get(name)) for name in self.given]
        end = [as_cell(found.get(key)) for key in ("truncated", "error")] if self.task.input == "text" else []
        if not self.task.columns:
            return [[*start, as_cell(found.get("predictions")), *end]]
        wide = self.beside or 1
        groups = [records[k : k + wide] for k in range(0, len(records), wide)] or [[]]
        return [[*start, *self.cells(group), *end] for group in groups]

    def identify(self, found, key):
        """The cell that names a sample; two texts where the table has a column for one are divided by a tab."""
        if key == "text_a" and "text_b" in found and "text_b" not in self.identity.values():
            return f"{found[key]}\t{found['text_b']}"
        return as_cell(found.get(key))

    def cells(self, records):
        """The cells of the records of one row; empty ones where there are fewer."""
        found = []
        for record in itertools.islice(itertools.chain(records, itertools.repeat({})), self.beside or 1):
            for key in self.task.columns:
                columns, value = self.columns_of(key), record.get(key)
                found += [value] if len(columns) == 1 else (value or [None] * len(columns))
        return [as_cell(value) for value in found]


def as_cell(value):
    """A value of JSON for csv: texts and numbers as they are, an empty cell for null, JSON for everything else."""
    if value is None or (isinstance(value, str | int | float) and not isinstance(value, bool)):
        return value
    return json.dumps(value, ensure_ascii=False)


WRITERS = {".csv": CsvFile, ".jsonl": JsonLinesFile, ".json": JsonFile, ".npz": NpzFile}
