"""Single texts or pairs of texts with a class label: tab-separated files and JSON lines."""

import numpy as np

from common.files import parse_json, read_lines

from .text_dataset import MISSING, TextDataset, columns_of, in_order, plain_label

NEEDED, OPTIONAL = ("text_a", "label"), ("text_b", "qid", "scores")


class LabeledTexts(TextDataset):
    """TSV with a header of `text_a`, `label` and optionally `text_b` and `scores`; or JSON lines (`.jsonl`).

    A sample has `text_a`, `text_b` if the file does, and `label`, the class id.  `scores`, the probabilities of the
    classes by a teacher, in the order of their ids and with blanks between in TSV, become float32 [C].

    Args:
        root (str): the folder.
        file (str): the file in it.
        labels (list[str]): class names; null takes those of the file, sorted.
        columns (list[str]): column names of a file without a header.
        encoding (str): character encoding of the file.
        bad_samples (str): `error`, or `skip` to leave out a few lines with errors.
    """

    def __init__(self, root, file, labels=None, columns=None, encoding="utf-8", bad_samples="error"):
        super().__init__(root, file, labels, bad_samples)
        lines = read_lines(self.source, encoding)
        if str(file).endswith((".jsonl", ".json")):
            rows = [(number, self.read_object(line, number)) for number, line in enumerate(lines, 1)]
        else:
            rows = self.read_table(lines, columns)
        kept = [(number, row) for number, row in rows if row is not None and self.clean_row(row, number)]
        names = [row["label"] for _, row in kept]
        numbers = {name: k for k, name in enumerate(self.wanted or in_order(names))}
        for number, row in kept:
            if len(row.get("scores", numbers)) != len(numbers):
                what = f"{len(row['scores'])} scores for the {len(numbers)} classes {', '.join(map(str, numbers))}"
                self.error("D109", what, number, fix="name the classes of the teacher, in its order: labels: [...]")
            row = row | {"label": numbers[row["label"]], "path": self.source, "place": f"line {number}"}
            self.samples.append(row)
        self.finalize(names)

    def read_table(self, lines, columns):
        """(line number, {column: text}) of each line with the right number of fields."""
        header = columns or (lines[0].split("\t") if lines else [])
        places = columns_of(header, NEEDED, OPTIONAL, self.source)
        rows = []
        for number, line in enumerate(lines if columns else lines[1:], 1 if columns else 2):
            fields = line.split("\t")
            if len(fields) == len(places):
                rows.append((number, {name: fields[k] for name, k in places.items()}))
            else:
                what = f"{len(fields)} fields where {len(places)} are expected"
                self.error("D118", what, number, line[:60], fix="separate the fields by tabs; a field holds none")
        return rows

    def read_object(self, line, number):
        """{name: text} of a JSON line; None after recording an error."""
        try:
            row = parse_json(line)
        except ValueError as error:
            self.error("D118", f"not valid JSON: {error}", number, line[:60])
            return None
        found = {key: row[key] for key in (*NEEDED, "text_b") if key in row} if isinstance(row, dict) else {}
        lacking = [key for key in NEEDED if key not in found]
        odd = [key for key, value in found.items() if plain_label(value) is None]
        scores = {"scores": row["scores"]} if isinstance(row, dict) and "scores" in row else {}
        if lacking or odd:
            what = f"has no {', '.join(lacking)}" if lacking else f"{', '.join(odd)} is neither a string nor a number"
            self.error("D113", what, number, line[:60])
            return None
        for key, value in found.items():
            if key != "label" and not isinstance(value, str):
                self.problems.warn("D113", f"{key} is a number, read as a text", f"line {number}", value)
        return {key: plain_label(value) if key == "label" else str(value) for key, value in found.items()} | scores

    def clean_row(self, row, number):
        """Cleans the texts and the label of a row in place; returns whether the row can be used."""
        for key in ("text_a", "text_b"):
            if key in row:
                row[key] = self.clean(row[key], number)
                if row[key] is None:
                    return False
        row.pop("qid", None)
        if "scores" in row:
            row["scores"] = read_scores(row["scores"])
            if row["scores"] is None:
                self.error(
                    "D109", "scores are not the probabilities of the classes", number, fix="numbers that add up to 1"
                )
                return False
        row["label"] = plain_label(row["label"])
        if not row["label"]:
            self.error("D126", "the label is empty", number)
            return False
        if row["label"].lower() in MISSING and not self.wanted:
            self.problems.warn("D126", "a label reads like a missing value", f"line {number}", row["label"])
        return self.check_label(row["label"], number)


def read_scores(value):
    """Probabilities, a list of numbers or a text with blanks between them, as float32 [C]; None for anything else."""
    try:
        scores = np.array(value.split() if isinstance(value, str) else value, np.float32)
    except (TypeError, ValueError):
        return None
    fits = scores.ndim == 1 and len(scores) and np.isfinite(scores).all() and (scores >= 0).all()
    return scores if fits and abs(float(scores.sum()) - 1) < 1e-3 else None
