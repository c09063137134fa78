"""Texts with the texts to write for them: translations, answers, summaries."""

from pathlib import Path

from common.files import read_lines

from .text_dataset import TextDataset

CHARACTERS = 5  # of a subword


class ParallelTexts(TextDataset):
    """Lines `text<tab>target` of one file, or the lines of two files beside each other.

    A sample has `text_a` and `target`.

    Args:
        root (str): the folder.
        file (str): the file in it.
        target_file (str): the file of the targets; null where each line of `file` holds both.
        words (list[int]): fewest and most words of a text; pairs with fewer or more are left out. Null keeps all.
        encoding (str): character encoding of the files.
        bad_samples (str): `error`, or `skip` to leave out a few lines with errors.
    """

    padding = {"target_ids": 0}
    what = "pair"

    def __init__(self, root, file, target_file=None, words=None, encoding="utf-8", bad_samples="error"):
        super().__init__(root, file, None, bad_samples)
        if words is not None and not (len(words) == 2 and 0 <= words[0] <= words[1]):
            raise ValueError(f"words is {words}; it is the fewest and the most words of a text")
        lines = read_lines(self.source, encoding)
        if target_file is None:
            pairs = [line.split("\t") for line in lines]
        else:
            other = str(Path(root) / target_file)
            targets = read_lines(other, encoding)
            if len(targets) != len(lines):
                what = f"{len(targets)} lines, and {self.source} has {len(lines)}"
                self.problems.error("D118", f"{other} has {what}", fix="line k of both files is one pair")
            pairs = list(zip(lines, targets))
        for number, pair in enumerate(pairs, 1):
            if len(pair) != 2:
                what = f"{len(pair)} fields where a text and its target are expected"
                self.error("D118", what, number, "\t".join(pair)[:60], fix="separate them by one tab")
                continue
            text, target = (self.clean(side, number) for side in pair)
            if text is None or target is None:
                continue
            if words is None or words[0] <= len(text.split()) <= words[1]:
                row = {"text_a": text.strip(), "target": target.strip()}
                self.samples.append(row | {"path": self.source, "place": f"line {number}"})
        self.finalize([])
        self.labels = None

    def lengths(self):
        """The tokens of the longer text of each pair, about: its words, or a fifth of its characters (list[int])."""
        return [max(map(token_count, (sample["text_a"], sample["target"]))) for sample in self.samples]


def token_count(text):
    """The tokens of a text, about."""
    return max(len(text.split()), -(-len(text) // CHARACTERS)) + 1
