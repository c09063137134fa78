"""Labels of channels: a union-find structure that merges channels that must be pruned together.

Labels are an integer array of the shape of a tensor; elements of one channel have the same label.
Label 0 stands for channels that cannot be pruned.
"""

import numpy as np

FIXED = 0


class Labels:
    """Disjoint sets of labels (the root is the smallest label, so that a set with 0 is fixed)."""

    def __init__(self):
        self.parents = [FIXED]
        self.reasons = {}

    def fresh(self, count):
        """New labels, int64 [count]."""
        first = len(self.parents)
        self.parents += range(first, first + count)
        return np.arange(first, first + count)

    def root(self, label):
        """The root of the set of a label."""
        while self.parents[label] != label:
            self.parents[label] = self.parents[self.parents[label]]
            label = self.parents[label]
        return label

    def roots(self, labels):
        """The roots of an array of labels, of the same shape."""
        values, places = np.unique(labels, return_inverse=True)
        return np.array([self.root(value) for value in values], np.int64)[places].reshape(labels.shape)

    def unite(self, one, other):
        """Merges the sets of two arrays of the same shape, elementwise."""
        for first, second in np.unique(np.stack([one.ravel(), other.ravel()]), axis=1).T:
            first, second = sorted((self.root(first), self.root(second)))
            if first != second:
                self.parents[second] = first
                if first == FIXED:
                    self.reasons.setdefault(FIXED, "")
                elif second in self.reasons:
                    self.reasons.setdefault(first, self.reasons[second])

    def fix(self, labels, reason):
        """Marks these labels as not prunable, with a reason (str)."""
        for label in np.unique(labels):
            if self.root(label) != FIXED:
                self.reasons[int(label)] = reason
                self.parents[self.root(label)] = FIXED


def core(labels):
    """An array whose constant axes are reduced to size 1."""
    for axis, size in enumerate(labels.shape):
        first = labels.take([0], axis)
        if size > 1 and (labels.strides[axis] == 0 or (labels == first).all()):
            labels = first
    return labels


def spread(labels, shape):
    """A core broadcast to a shape, without copying."""
    return np.broadcast_to(labels, shape)


def static_shape(shape, *operands):
    """A shape whose sizes that a trace leaves open (-1), such as the length of a text, are those of the operands.

    Args:
        shape (list[int]): of a result in a traced program.
        *operands (ndarray): the labels of operands of as many axes.
    """
    sizes = [[labels.shape[axis] for labels in operands if labels.ndim == len(shape)] for axis in range(len(shape))]
    return tuple(max([1, *sizes[axis]]) if size < 0 else size for axis, size in enumerate(shape))


def varying(labels):
    """The axes along which labels differ."""
    return [axis for axis, size in enumerate(core(labels).shape) if size > 1]
