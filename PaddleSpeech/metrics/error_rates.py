"""Word error rate (WER) and character error rate (CER), as defined by jiwer.

(substitutions + deletions + insertions) / (words of the reference, or characters including the spaces), over all texts.
"""

import numpy as np

from common.text.edits import levenshtein

KINDS = ("WER", "CER")


class ErrorRates:
    """`WER` and `CER` over the whole corpus, not averaged over recordings; an empty reference counts its insertions.

    Args:
        dataset (object): its `labels` are the blank and the characters, None if the model writes tokens.
        task (Task): SpeechRecognition or SpeechTranscription, which makes texts of outputs.
        primary (str): the rate that selects the best checkpoint; CER for languages written without spaces.
    """

    higher_is_better = False
    kinds = KINDS

    def __init__(self, dataset, task, primary="WER"):
        if primary not in self.kinds:
            raise ValueError(f"primary is {primary!r}; it is one of {', '.join(self.kinds)}")
        self.labels, self.task, self.primary = dataset.labels, task, primary
        self.reset()

    def reset(self):
        """Resets the counts."""
        self.edits, self.lengths = np.zeros(2, np.int64), np.zeros(2, np.int64)

    def update(self, outputs, batch):
        """Adds the predictions of a batch; the references are `labels` int32 [N, U] and `label_length` int64 [N].

        Args:
            outputs (dict[str, ndarray]): see `common.inference.tasks.speech_recognition.SpeechRecognition`.
            batch (dict): of samples.
        """
        found = self.task.records(outputs, (), self.labels, 0.0)
        for hypothesis, row, length in zip(found, np.asarray(batch["labels"]).tolist(), batch["label_length"]):
            self.add(hypothesis[0]["text"] if hypothesis else "", self.task.text_of(row[: int(length)], self.labels))

    def add(self, text, reference):
        """Adds one recognized text and its reference."""
        pairs = (text.split(), reference.split()), (text.strip(), reference.strip())
        for kind, (tokens, expected) in enumerate(pairs):
            self.edits[kind] += levenshtein(tokens, expected)
            self.lengths[kind] += len(expected)

    def state(self):
        """The counts of this process (dict of arrays)."""
        return {"edits": self.edits, "lengths": self.lengths}

    def merge(self, states):
        """Replaces the counts by the sum over all processes."""
        self.edits = sum(np.asarray(state["edits"]) for state in states)
        self.lengths = sum(np.asarray(state["lengths"]) for state in states)

    def compute(self):
        """`WER` and `CER`; for empty references, 0 without insertions, else infinite."""
        rates = [
            edits / length if length else (np.inf if edits else 0.0)
            for edits, length in zip(self.edits.tolist(), self.lengths.tolist())
        ]
        return dict(zip(KINDS, rates))
