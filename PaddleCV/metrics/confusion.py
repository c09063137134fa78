"""Which classes a detector takes for which.

Shapes in this file:
    D found boxes, G annotated boxes, C classes.
"""

import numpy as np

from .detections import pairwise_iou, rows_of_images


def confusion_matrix(rows, truth, num_classes, score=0.3, iou=0.5):
    """Counts of true classes (rows) and found classes (columns); the last of each is the background.

    In each image the best overlapping pair of an annotated and a found box goes together first, whatever the classes.
    An annotated box without a partner was taken for background; a found one was found in the background. What goes
    with a box to be ignored, or is one, does not count.

    Args:
        rows (ndarray): [D, 7] image_id, label, score, x1, y1, x2, y2.
        truth (ndarray): [G, 7] image_id, label, whether to ignore it, x1, y1, x2, y2.
        num_classes (int): C.
        score (float): found boxes below this are left out.
        iou (float): the least overlap of a pair.

    Returns:
        ndarray: int64 [C + 1, C + 1].
    """
    matrix = np.zeros((num_classes + 1, num_classes + 1), np.int64)
    rows = rows[rows[:, 2] >= score]
    found_as = np.full(len(truth), num_classes)
    is_free = np.ones(len(rows), bool)
    rows_of = rows_of_images(rows)
    for image_id, theirs in rows_of_images(truth).items():
        mine = rows_of.get(image_id)
        if mine is None:
            continue
        overlap = pairwise_iou(truth[theirs, 3:], rows[mine, 3:])
        for _ in range(min(overlap.shape)):
            g, d = np.unravel_index(overlap.argmax(), overlap.shape)
            if overlap[g, d] < iou:
                break
            found_as[theirs[g]], is_free[mine[d]] = rows[mine[d], 1], False
            overlap[g], overlap[:, d] = -1, -1
    counts = truth[:, 2] == 0
    np.add.at(matrix, (truth[counts, 1].astype(int), found_as[counts]), 1)
    np.add.at(matrix, (num_classes, rows[is_free, 1].astype(int)), 1)
    return matrix
