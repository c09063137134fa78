"""Scores of recognized words: how many are right, and how many edits the others are away."""

import numpy as np

from common.text.characters import labels_to_text
from common.text.edits import levenshtein


class WordErrors:
    """Word accuracy and edit distances over a set of images.

    `accuracy`: words that are right in every character; `error_rate`: the others, the original's sequence error;
    `edit_distance`: insertions, deletions and substitutions of a word on average, the original's second figure;
    `normalized_edit_distance`: the same divided by the length of the longer of text and reference.

    Args:
        dataset (object): its `labels` are the blank and the characters.
        task (Task): TextRecognition, which makes texts of outputs.
        ignore_case (bool): whether upper and lower case are the same.
        only_alphanumeric (bool): whether only letters and digits are compared.
    """

    primary = "accuracy"

    def __init__(self, dataset, task, ignore_case=False, only_alphanumeric=False):
        self.labels, self.task = dataset.labels, task
        self.ignore_case, self.only_alphanumeric = ignore_case, only_alphanumeric
        self.reset()

    def reset(self):
        """Resets the sums."""
        self.sums = np.zeros(4, np.float64)  # words, right ones, edits, normalized edits

    def update(self, outputs, batch):
        """Adds the predictions of a batch; the references are `labels` int32 [N, U] and `label_length` int64 [N].

        Args:
            outputs (dict[str, ndarray]): see `common.inference.tasks.text_recognition.TextRecognition`.
            batch (dict): of samples.
        """
        found = self.task.records(outputs, (), self.labels, 0.0)
        for records, row, length in zip(found, np.asarray(batch["labels"]).tolist(), batch["label_length"]):
            self.add(records[0]["text"], labels_to_text(row[: int(length)], self.labels))

    def add(self, text, reference):
        """Adds one recognized text and its reference."""
        text, reference = self.compared(text), self.compared(reference)
        edits = levenshtein(text, reference)
        self.sums += (1, edits == 0, edits, edits / max(1, len(text), len(reference)))

    def compared(self, text):
        """The part of a text that is compared."""
        text = text.lower() if self.ignore_case else text
        return "".join(filter(str.isalnum, text)) if self.only_alphanumeric else text

    def state(self):
        """The sums of this process (dict of arrays)."""
        return {"sums": self.sums}

    def merge(self, states):
        """Replaces the sums by those over all processes."""
        self.sums = sum(np.asarray(state["sums"]) for state in states)

    def compute(self):
        """The four scores; 0 words have an accuracy of 0."""
        words, right, edits, normalized = self.sums.tolist()
        words = max(words, 1)
        return {
            "accuracy": right / words,
            "error_rate": 1 - right / words,
            "edit_distance": edits / words,
            "normalized_edit_distance": normalized / words,
        }
