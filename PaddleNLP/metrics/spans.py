"""Chunk F1: precision, recall and F1 of the spans in tag sequences, see `common.text.tags` for the schemes."""

import numpy as np

from common.text.tags import TagScheme


class ChunkF1:
    """Micro-averaged precision, recall and F1 of spans, as seqeval computes them: in its default mode for a recognized
    scheme, in its strict mode for a given one.

    Args:
        dataset (object): gives the labels if `labels` is null.
        labels (list[str]): tag names.
        scheme (str): BIO, IOB1, BIOES, BMES, BILOU, BMEWO or tokens; null recognizes it from the labels.
    """

    primary = "F1"

    def __init__(self, dataset, labels=None, scheme=None):
        self.scheme = TagScheme(labels or dataset.labels, scheme)
        self.reset()

    def reset(self):
        """Resets the counts."""
        self.counts = np.zeros(3, np.int64)  # predicted, annotated, correct

    def update(self, outputs, batch):
        """Adds the predictions of a batch: outputs `tags` [N, T]; batch `tags` [N, T], -1 for no label."""
        tags = self.scheme.tags
        for predicted, labels in zip(np.asarray(outputs["tags"]).tolist(), np.asarray(batch["tags"]).tolist()):
            kept = [k for k, tag in enumerate(labels) if tag >= 0]
            found = self.scheme.spans([tags[predicted[k]] for k in kept])
            annotated = self.scheme.spans([tags[labels[k]] for k in kept])
            self.counts += (len(found), len(annotated), len(found & annotated))

    def state(self):
        """The counts of this process (dict of arrays)."""
        return {"counts": self.counts}

    def merge(self, states):
        """Replaces the counts by the sum over all processes."""
        self.counts = sum(np.asarray(state["counts"]) for state in states)

    def compute(self):
        """`F1`, `precision`, `recall`; 0 where nothing was predicted or annotated."""
        found, annotated, correct = (int(n) for n in self.counts)
        precision, recall = correct / found if found else 0.0, correct / annotated if annotated else 0.0
        f1 = 2 * precision * recall / (precision + recall) if correct else 0.0
        return {"F1": f1, "precision": precision, "recall": recall}
