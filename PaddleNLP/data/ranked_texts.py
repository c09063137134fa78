"""Triples for training on order: a text, one that matches it, one that does not, with tabs between."""

from common.files import read_lines

from .text_dataset import TextDataset

COLUMNS = ("text_a", "text_b", "text_c")


class RankedTexts(TextDataset):
    """A file of lines `text<tab>match<tab>other`, SimNet's format of pairwise training.

    A sample has `text_a`, `text_b`, which is nearer to it, and `text_c`.

    Args:
        root (str): the folder.
        file (str): the file in it.
        encoding (str): character encoding of the file.
        bad_samples (str): `error`, or `skip` to leave out a few lines with errors.
    """

    def __init__(self, root, file, encoding="utf-8", bad_samples="error"):
        super().__init__(root, file, ["0", "1"], bad_samples)
        for number, line in enumerate(read_lines(self.source, encoding), 1):
            fields = line.split("\t")
            if len(fields) != len(COLUMNS):
                what = f"{len(fields)} fields where 3 are expected: a text, one that matches it, one that does not"
                self.error("D118", what, number, line[:60], fix="separate the texts by tabs; a text holds none")
                continue
            texts = {key: self.clean(field, number) for key, field in zip(COLUMNS, fields, strict=True)}
            if None in texts.values():
                continue
            if texts["text_b"] == texts["text_c"]:
                self.problems.warn(
                    "D129", "the text that matches and the one that does not are equal", f"line {number}"
                )
            self.samples.append(texts | {"path": self.source, "place": f"line {number}"})
        self.finalize([])

    def lengths(self):
        """The characters of the three texts of each sample (list[int])."""
        return [sum(len(sample[key]) for key in COLUMNS) for sample in self.samples]
