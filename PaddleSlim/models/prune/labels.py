"""Which channels are the same: labels that are carried through a network, and merged where channels must go together.

Shapes in this file:
    labels: an integer array of the shape of a tensor; elements of one channel have one label.
Label 0 stands for what cannot be removed.
"""

import numpy as np

FIXED = 0


class Labels:
    """Sets of labels that only go together (union by the smaller label, so that a set with 0 is fixed)."""

    def __init__(self):
        self.parents = [FIXED]
        self.reasons = {}

    def fresh(self, count):
        """New labels, int64 [count]."""
        first = len(self.parents)
        self.parents += range(first, first + count)
        return np.arange(first, first + count)

    def root(self, label):
        """The label that stands for the set."""
        while self.parents[label] != label:
            self.parents[label] = self.parents[self.parents[label]]
            label = self.parents[label]
        return label

    def roots(self, labels):
        """The roots of an array of labels, of its shape."""
        values, places = np.unique(labels, return_inverse=True)
        return np.array([self.root(value) for value in values], np.int64)[places].reshape(labels.shape)

    def unite(self, one, other):
        """Merges the sets of two arrays of one shape, element by element."""
        for first, second in np.unique(np.stack([one.ravel(), other.ravel()]), axis=1).T:
            first, second = sorted((self.root(first), self.root(second)))
            if first != second:
                self.parents[second] = first
                if first == FIXED:
                    self.reasons.setdefault(FIXED, "")
                elif second in self.reasons:
                    self.reasons.setdefault(first, self.reasons[second])

    def fix(self, labels, reason):
        """Nothing with these labels can be removed, and why (str)."""
        for label in np.unique(labels):
            if self.root(label) != FIXED:
                self.reasons[int(label)] = reason
                self.parents[self.root(label)] = FIXED


def core(labels):
    """An array without the axes along which labels do not differ: those have size 1."""
    for axis, size in enumerate(labels.shape):
        first = labels.take([0], axis)
        if size > 1 and (labels.strides[axis] == 0 or (labels == first).all()):
            labels = first
    return labels


def spread(labels, shape):
    """A core over a shape, without copying."""
    return np.broadcast_to(labels, shape)


def varying(labels):
    """The axes along which labels differ."""
    return [axis for axis, size in enumerate(core(labels).shape) if size > 1]
