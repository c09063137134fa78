"""Alignments of connectionist temporal classification: how many steps a text takes.

Shapes in this file:
    U labels of a text.
"""


def min_ctc_steps(labels):
    """The minimum number of CTC steps for labels [U]: one per label, and a blank between equal neighbors."""
    return len(labels) + int((labels[1:] == labels[:-1]).sum())
