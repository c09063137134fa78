"""Chunk F1: precision, recall and F1 of the spans in BIO tag sequences.

Tags are written `B-PER`, `I-PER`, `O`, or `PER-B`, `PER-I`.  A span begins at a `B`, and at an `I` after another type
or `O`; it ends before the next beginning or `O` (as in conlleval, in seqeval's default mode and in the original
`chunk_eval` with IOB).
"""

import numpy as np

KINDS = "BIO"


def read_tag(label):
    """(`B`, `I` or `O`, type) of a tag in either spelling; a tag without a prefix is a span of one token, `B`."""
    if label == "O":
        return "O", ""
    for head, kind in (label.split("-", 1), label.rsplit("-", 1)[::-1]) if "-" in label else ():
        if head in ("B", "I"):
            return head, kind
    return "B", label


def spans_of(tags):
    """The spans of one tag sequence.

    Args:
        tags (list[tuple]): the result of :func:`read_tag` for each token.

    Returns:
        set[tuple]: (type, first token, last token).
    """
    found, start, open_kind = set(), 0, None
    for place, (head, kind) in enumerate([*tags, ("O", "")]):
        begins = head == "B" or (head == "I" and kind != open_kind)
        if open_kind is not None and (begins or head == "O"):
            found.add((open_kind, start, place - 1))
            open_kind = None
        if begins:
            start, open_kind = place, kind
    return found


class ChunkF1:
    """Micro-averaged precision, recall and F1 of spans.

    Args:
        dataset (object): gives the labels if `labels` is null.
        labels (list[str]): tag names.
    """

    primary = "F1"

    def __init__(self, dataset, labels=None):
        self.tags = [read_tag(label) for label in labels or dataset.labels]
        self.reset()

    def reset(self):
        """Resets the counts."""
        self.counts = np.zeros(3, np.int64)  # predicted, annotated, correct

    def update(self, outputs, batch):
        """Adds the predictions of a batch: outputs `tags` [N, T]; batch `tags` [N, T], -1 for no label."""
        for predicted, labels in zip(np.asarray(outputs["tags"]).tolist(), np.asarray(batch["tags"]).tolist()):
            kept = [k for k, tag in enumerate(labels) if tag >= 0]
            found = spans_of([self.tags[predicted[k]] for k in kept])
            annotated = spans_of([self.tags[labels[k]] for k in kept])
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
