"""Spans in rows of tags, and how many of them are found.

Tags are written `B-PER`, `I-PER`, `O`, or `PER-B`, `PER-I`.  A span begins at a `B`, and at an `I` after another kind
or `O`; it ends before the next beginning or `O` (the rule of conlleval, of the default of seqeval, and of the original
`chunk_eval` with IOB).
"""

import numpy as np

KINDS = "BIO"


def read_tag(label):
    """(`B`, `I` or `O`, kind) of a tag in either spelling; a tag without either letter is a kind of its own, `B`."""
    if label == "O":
        return "O", ""
    for head, kind in (label.split("-", 1), label.rsplit("-", 1)[::-1]) if "-" in label else ():
        if head in ("B", "I"):
            return head, kind
    return "B", label


def spans_of(tags):
    """The spans of one row.

    Args:
        tags (list[tuple]): what :func:`read_tag` gave for each token.

    Returns:
        set[tuple]: (kind, first token, last token).
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
    """Precision, recall and F1 of the spans in all rows seen, each kind counting by its number of spans.

    Args:
        labels (list[str]): names of the tags, given by the data set.
        dataset (object): the data set; gives the labels where none are.
    """

    primary = "F1"

    def __init__(self, dataset, labels=None):
        self.tags = [read_tag(label) for label in labels or dataset.labels]
        self.reset()

    def reset(self):
        """Forgets everything."""
        self.counts = np.zeros(3, np.int64)  # found, annotated, both

    def update(self, outputs, batch):
        """Takes the answer for a batch: `tags` [N, T]; the batch's `tags` [N, T] are -1 where nothing is annotated."""
        for found, right in zip(np.asarray(outputs["tags"]).tolist(), np.asarray(batch["tags"]).tolist()):
            kept = [k for k, tag in enumerate(right) if tag >= 0]
            here = spans_of([self.tags[found[k]] for k in kept])
            there = spans_of([self.tags[right[k]] for k in kept])
            self.counts += (len(here), len(there), len(here & there))

    def state(self):
        """What this process has seen, as arrays."""
        return {"counts": self.counts}

    def merge(self, states):
        """Becomes the union of what several processes have seen."""
        self.counts = sum(np.asarray(state["counts"]) for state in states)

    def compute(self):
        """`F1`, `precision`, `recall`; 0 where nothing was found or annotated."""
        found, annotated, both = (int(n) for n in self.counts)
        precision, recall = both / found if found else 0.0, both / annotated if annotated else 0.0
        f1 = 2 * precision * recall / (precision + recall) if both else 0.0
        return {"F1": f1, "precision": precision, "recall": recall}
