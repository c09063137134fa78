"""BLEU of texts that are written, as a metric."""

import numpy as np

from common.text.bleu import TOKENIZERS, BLEUCounts, corpus_bleu


class BLEU:
    """BLEU over a set of texts, 0 to 100, and the ratio of the lengths; see :mod:`common.text.bleu`.

    Args:
        task (Task): TextToText, which makes texts of outputs.
        tokenize (str): 13a, characters (for Chinese), or words, where the texts are tokenized already.
        lowercase (bool): whether upper and lower case are the same.
    """

    primary = "BLEU"

    def __init__(self, task, tokenize="13a", lowercase=False):
        if tokenize not in TOKENIZERS:
            raise ValueError(f"tokenize is {tokenize!r}; it is {', '.join(TOKENIZERS)}")
        self.task, self.tokens, self.lowercase = task, TOKENIZERS[tokenize], lowercase
        self.reset()

    def reset(self):
        """Resets the counts."""
        self.found = BLEUCounts(self.tokens)

    def update(self, outputs, batch):
        """Adds the texts of a batch, whose references are `target` (list[str] of N)."""
        found = self.task.records(outputs, (), None, 0.0)
        for records, reference in zip(found, batch["target"], strict=True):
            self.add(records[0]["text"] if records else "", reference)

    def add(self, text, reference):
        """Adds one text and its reference."""
        self.found.add(*(one.lower() if self.lowercase else one for one in (text, reference)))

    def state(self):
        """The counts of this process (dict of arrays)."""
        return {"counts": self.found.counts}

    def merge(self, states):
        """Replaces the counts by those over all processes."""
        self.found.counts = sum(np.asarray(state["counts"]) for state in states)

    def compute(self):
        """`BLEU`, and `length_ratio`, the tokens written for each token of the references."""
        return {"BLEU": corpus_bleu(self.found.counts), "length_ratio": self.found.length_ratio()}
