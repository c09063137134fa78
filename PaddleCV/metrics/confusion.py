"""The confusion matrix of object detection.

Shapes in this file:
    D detections, G ground-truth boxes, C classes.
"""

import numpy as np

from .detections import pairwise_iou, rows_of_images


def confusion_matrix(rows, truth, num_classes, score=0.3, iou=0.5):
    """Counts of ground-truth classes (rows) and predicted classes (columns); the last of each is the background.

    In each image, ground-truth boxes and detections are matched greedily by decreasing IoU, regardless of the class.
    An unmatched ground-truth box is predicted as background; an unmatched detection has the background as ground truth.
    Ignored ground-truth boxes and detections matched to them do not count.

    Args:
        rows (ndarray): [D, 7] image_id, label, score, x1, y1, x2, y2.
        truth (ndarray): [G, 7] image_id, label, ignore flag, x1, y1, x2, y2.
        num_classes (int): C.
        score (float): score threshold of the detections.
        iou (float): IoU threshold of a match.

    Returns:
        ndarray: int64 [C + 1, C + 1].
    """
    matrix = np.zeros((num_classes + 1, num_classes + 1), np.int64)
    rows = rows[rows[:, 2] >= score]
    predicted = np.full(len(truth), num_classes)
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
            predicted[theirs[g]], is_free[mine[d]] = rows[mine[d], 1], False
            overlap[g], overlap[:, d] = -1, -1
    counts = truth[:, 2] == 0
    np.add.at(matrix, (truth[counts, 1].astype(int), predicted[counts]), 1)
    np.add.at(matrix, (num_classes, rows[is_free, 1].astype(int)), 1)
    return matrix
