"""Word and character error rates: edits of all texts to what was said, over the length of what was said.

As jiwer has them: (substitutions + deletions + insertions) / (words, or characters with the blanks between words).
"""

import numpy as np

from common.audio.labels import written

KINDS = ("WER", "CER")


class ErrorRates:
    """`WER` and `CER` over all recordings, not the mean of theirs; a text without words counts what was put in.

    Args:
        dataset (object): the data set, whose `labels` are the blank and the characters.
        task (Task): SpeechRecognition, which makes texts of outputs.
        primary (str): the rate that selects the best checkpoint; CER where no blanks are written between words.
    """

    higher_is_better = False

    def __init__(self, dataset, task, primary="WER"):
        if primary not in KINDS:
            raise ValueError(f"primary is {primary!r}; it is one of {', '.join(KINDS)}")
        self.labels, self.task, self.primary = dataset.labels, task, primary
        self.reset()

    def reset(self):
        """Forgets everything."""
        self.edits, self.lengths = np.zeros(2, np.int64), np.zeros(2, np.int64)

    def update(self, outputs, batch):
        """Takes the answers to a batch, whose `labels` int32 [N, U] and `label_length` int64 [N] say what is right.

        Args:
            outputs (dict[str, ndarray]): see `common.inference.tasks.speech_recognition.SpeechRecognition`.
            batch (dict): of samples.
        """
        found = self.task.records(outputs, (), self.labels, 0.0)
        for said, row, length in zip(found, np.asarray(batch["labels"]).tolist(), batch["label_length"]):
            self.add(said[0]["text"], written(row[: int(length)], self.labels))

    def add(self, text, right):
        """Takes one text and what is right."""
        for kind, (given, wanted) in enumerate(((text.split(), right.split()), (text.strip(), right.strip()))):
            self.edits[kind] += edit_distance(given, wanted)
            self.lengths[kind] += len(wanted)

    def state(self):
        """What this process has seen, as arrays."""
        return {"edits": self.edits, "lengths": self.lengths}

    def merge(self, states):
        """Becomes the union of what several processes have seen."""
        self.edits = sum(np.asarray(state["edits"]) for state in states)
        self.lengths = sum(np.asarray(state["lengths"]) for state in states)

    def compute(self):
        """`WER` and `CER`; where nothing was said, 0 if nothing was put in, else infinite."""
        rates = [
            edits / length if length else (np.inf if edits else 0.0)
            for edits, length in zip(self.edits.tolist(), self.lengths.tolist())
        ]
        return dict(zip(KINDS, rates))


def edit_distance(given, wanted):
    """The fewest substitutions, deletions and insertions between two sequences (Levenshtein 1966; int).

    Args:
        given (Sequence): of what can be compared.
        wanted (Sequence): the other.
    """
    numbers = {}
    given, wanted = (
        np.array([numbers.setdefault(token, len(numbers)) for token in side], np.int64) for side in (given, wanted)
    )
    places = np.arange(len(wanted) + 1)
    row = places.copy()
    for count, token in enumerate(given, 1):
        best = np.empty_like(row)
        best[0] = count
        np.minimum(row[1:] + 1, row[:-1] + (wanted != token), out=best[1:])
        row = np.minimum.accumulate(best - places) + places  # and what is inserted after it
    return int(row[-1])
