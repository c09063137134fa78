"""Sentences of forums with a mark for those that suggest something (SemEval-2019 task 9, subtask A; Negi et al. 2019,
https://aclanthology.org/S19-2151)."""

import csv

import numpy as np

from common.data.transform import random_for
from common.files import read_lines

from .text_dataset import TextDataset

LABELS = ["other", "suggestion"]
COLUMNS = ["id", "sentence", "label"]  # of the files of the contest, most of which have no header
SENTENCE = ("sentence", "text", "text_a")
FOLDS = 9  # keeps the random numbers of folds apart from those of dropped words


class SuggestionTexts(TextDataset):
    """CSV with the columns id, sentence and label, with or without a header; or TSV (`.tsv`) without quotes.

    A header names the columns `label` and `sentence` (or `text`) in any order.  A label is 0, or 1 for a suggestion.
    A sample has `text_a` and `label`.

    Args:
        root (str): the folder.
        file (str): the file in it.
        seed (int): seed of the folds and of dropped words.
        drop (WordDropout | None): leaves out words, once, when the file is read.
        folds (int): parts of the file for cross-validation; 0 reads all of it.
        fold (int): the part that is held out, from 1.
        held_out (bool): reads the part `fold` alone, else all but this part.
        stratified (bool): every part has the share of suggestions of the whole file.
        encoding (str): character encoding of the file.
        bad_samples (str): `error`, or `skip` to leave out a few lines with errors.
    """

    def __init__(
        self, root, file, seed, drop=None, folds=0, fold=1, held_out=False, stratified=True, encoding="utf-8",
        bad_samples="error",
    ):  # fmt: skip
        super().__init__(root, file, LABELS, bad_samples)
        if folds and (folds < 2 or not 1 <= fold <= folds):
            raise ValueError(f"fold {fold} of {folds} folds; allowed: 2 folds or more, of which the first is 1")
        lines = read_lines(self.source, encoding)
        rows = tab_rows(lines) if str(file).endswith(".tsv") else self.comma_rows(lines)
        for number, fields in self.without_header(rows):
            self.add(number, fields)
        if folds:
            part = fold_of([sample["label"] for sample in self.samples], folds, stratified, seed)
            self.samples = [self.samples[k] for k in np.flatnonzero((part == fold - 1) == held_out)]
        if drop is not None:
            for number, sample in enumerate(self.samples):
                sample["text_a"] = drop(sample["text_a"], random_for(seed, number))
        self.finalize([LABELS[sample["label"]] for sample in self.samples])

    def comma_rows(self, lines):
        """(number of the first line, fields) of each row; a row that is not CSV ends them with an error."""
        reader, first = csv.reader((f"{line}\n" for line in lines), strict=True), 1
        try:
            for fields in reader:
                if fields:
                    yield first, fields
                first = reader.line_num + 1
        except csv.Error as error:
            fix = "a field with a comma or a quote stands in quotes, and its quotes are written twice"
            self.error("D118", f"not CSV: {error}", first, lines[min(first, len(lines)) - 1][:60], fix=fix)

    def without_header(self, rows):
        """(number, fields) of the rows behind the header; sets `places`, of the sentence and of the label in them."""
        names = COLUMNS
        for position, (number, fields) in enumerate(rows):
            found = [field.strip().lower() for field in fields]
            if position == 0 and "label" in found and any(name in found for name in SENTENCE):
                names = found
            else:
                yield number, fields
            self.width = len(names)
            self.places = next(names.index(name) for name in SENTENCE if name in names), names.index("label")

    def add(self, number, fields):
        """Adds a sample, or records an error of its line."""
        if not hasattr(self, "places"):
            self.width, self.places = len(COLUMNS), (1, 2)
        if len(fields) != self.width:
            what = f"{len(fields)} fields where {self.width} are expected"
            fix = "id,sentence,label; a sentence with commas stands in quotes"
            self.error("D118", what, number, str(fields[0])[:60], fix=fix)
            return
        text, label = (fields[place] for place in self.places)
        if label.strip() not in ("0", "1"):
            fix = "the test file of the contest has X: take the one with the answers" if label.strip() == "X" else ""
            self.error("D109", f"the label is {label.strip()[:20]!r}, not 0 or 1", number, fix=fix)
            return
        text = self.clean(text, number)
        if text is not None:
            place = f"line {number}"
            self.samples.append({"text_a": text, "label": int(label), "path": self.source, "place": place})


def tab_rows(lines):
    """(number, fields) of the lines of a file whose fields have tabs between them."""
    return ((number, line.split("\t")) for number, line in enumerate(lines, 1) if line)


def fold_of(labels, folds, stratified, seed):
    """The part of each sample, int64, 0 to folds - 1; their sizes differ by one, in each class if stratified.

    Args:
        labels (list[int]): class of each sample.
        folds (int): number of parts.
        stratified (bool): the parts have equal shares of the classes.
        seed (int): of the order that is cut into parts.
    """
    labels = np.array(labels, np.int64)
    order = random_for(seed, FOLDS).permutation(len(labels))
    if stratified:
        order = order[np.argsort(labels[order], kind="stable")]
    part = np.empty(len(labels), np.int64)
    part[order] = np.arange(len(labels)) % folds
    return part
