"""PASCAL VOC mean average precision (mAP; Everingham et al., IJCV 2010, section 4.2).

Shapes in this file:
    D detections, G ground-truth boxes.  Boxes are (x1, y1, x2, y2), the edges of the pixels covered.
"""

import numpy as np

from common.inference.scored import Scored, pooled

from .confusion import confusion_matrix
from .detections import DetectionMetric, annotated_boxes, pairwise_iou, rows_of_images

METHODS = ("11point", "integral")
FALSE_POSITIVE, TRUE_POSITIVE, IGNORED = 0, 1, -1


class VocMap(DetectionMetric):
    """The mean over the classes of the area under the precision-recall curve, over the evaluated images.

    A detection is assigned to the ground-truth box of its class with the highest IoU.  The detection with the highest
    score is a true positive, further ones are false positives; detections of difficult boxes are ignored.

    Args:
        dataset (object): a detection dataset with `annotations()`, `category_ids` and `labels`.
        iou (float): IoU threshold.
        method (str): `11point`, as in VOC until 2009, or `integral`, the area under the envelope, since 2010.
        with_difficult (bool): whether difficult boxes count.
    """

    primary = "mAP"

    def __init__(self, dataset, iou=0.5, method="11point", with_difficult=False):
        if method not in METHODS:
            raise ValueError(f"method is {method!r}; it must be one of {', '.join(METHODS)}")
        if not 0 < iou <= 1:
            raise ValueError(f"iou is {iou}; it must be between 0 and 1")
        super().__init__(dataset)
        self.iou, self.method, self.with_difficult = iou, method, with_difficult
        self.labels = list(dataset.labels)

    def compute(self):
        """`mAP`, the mean AP over the classes with boxes; 0 without boxes."""
        known = [scores["AP"] for scores in self.per_class().values() if scores["AP"] >= 0]
        return {"mAP": float(np.mean(known)) if known else 0.0}

    def per_class(self):
        """Number of boxes and AP of every class by name; -1 for the AP of a class without boxes."""
        area = average_precision_11point if self.method == "11point" else average_precision_integral
        curves, boxes = self.curves(), count_boxes(self._truth(), self.dataset.labels)
        return {
            name: {"boxes": boxes[name], "AP": area(*curves[name]) if name in curves else -1.0}
            for name in self.dataset.labels
        }

    def curves(self):
        """Recall and precision after each detection, by decreasing score, of each class with boxes."""
        rows = self.detections.table(len(self.dataset.labels))
        truth = self._truth()
        verdict = match_detections(rows, truth, self.iou)
        found = {}
        for k, name in enumerate(self.dataset.labels):
            positives = int(((truth[:, 1] == k) & (truth[:, 2] == 0)).sum())
            if positives:
                mine = rows[:, 1] == k
                found[name] = recall_precision(rows[mine, 2], verdict[mine], positives)
        return found

    def scored(self):
        """The detections of each class by score, see :func:`scored_detections`."""
        labels = self.dataset.labels
        return scored_detections(self.detections.table(len(labels)), self._truth(), labels, self.iou)

    def confusion(self):
        """The confusion matrix at the score threshold of maximum F1, see :func:`confusion_matrix`."""
        count, score = len(self.dataset.labels), score_of_best_f1(self.scored())
        self.confusion_at = f"score {score:g}, IoU {self.iou:g}"
        return confusion_matrix(self.detections.table(count), self._truth(), count, score, self.iou)

    def _truth(self):
        return annotated_boxes(self.dataset, self.detections.seen, self.with_difficult)


def match_detections(rows, truth, iou):
    """Matches detections to ground-truth boxes.

    Args:
        rows (ndarray): [D, 7] image_id, label, score, box; ties in score are broken by the order of the rows.
        truth (ndarray): [G, 7] image_id, label, difficult, box.
        iou (float): IoU threshold.

    Returns:
        ndarray: int64 [D], TRUE_POSITIVE, FALSE_POSITIVE or IGNORED.
    """
    best = np.full(len(rows), -1, np.int64)  # the ground-truth box of each detection
    truth_of = rows_of_images(truth)
    for image_id, mine in rows_of_images(rows).items():
        theirs = truth_of.get(image_id)
        if theirs is None:
            continue
        overlap = pairwise_iou(rows[mine, 3:], truth[theirs, 3:])
        overlap[rows[mine, 1][:, None] != truth[theirs, 1][None]] = -1
        best[mine] = np.where(overlap.max(1) >= iou, theirs[overlap.argmax(1)], -1)
    verdict = np.full(len(rows), FALSE_POSITIVE)
    order = np.argsort(-rows[:, 2], kind="stable")
    hits = order[best[order] >= 0]
    verdict[hits[np.unique(best[hits], return_index=True)[1]]] = TRUE_POSITIVE
    verdict[hits[truth[best[hits], 2] > 0]] = IGNORED
    return verdict


def recall_precision(scores, verdict, positives):
    """Recall and precision after each detection that is not ignored, by decreasing score.

    Args:
        scores (ndarray): [D].
        verdict (ndarray): [D], see :func:`match_detections`.
        positives (int): number of ground-truth boxes.
    """
    ordered = verdict[np.argsort(-scores, kind="stable")]
    correct = np.cumsum(ordered[ordered != IGNORED] == TRUE_POSITIVE)
    return correct / positives, correct / np.arange(1, len(correct) + 1)


def average_precision_11point(recall, precision):
    """The mean over recall 0, 0.1, ..., 1 of the highest precision at that recall or more (float)."""
    levels = np.arange(11) / 10
    best = [precision[recall >= level - 1e-12].max(initial=0) for level in levels]
    return float(np.mean(best))


def average_precision_integral(recall, precision):
    """The area under the monotonically decreasing envelope of the precision-recall curve (float)."""
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float((np.diff(recall, prepend=0) * envelope).sum())


def count_boxes(truth, labels):
    """The number of ground-truth boxes of each class that are not ignored, by name; `truth` [G, 7]."""
    counts = np.bincount(truth[truth[:, 2] == 0, 1].astype(np.int64), minlength=len(labels))
    return dict(zip(labels, counts.tolist()))


def scored_detections(rows, truth, labels, iou=0.5):
    """The detections of each class with boxes or detections by score; those of ignored boxes are left out.

    Args:
        rows (ndarray): [D, 7], see :func:`match_detections`.
        truth (ndarray): [G, 7], likewise.
        labels (list[str]): class names.
        iou (float): IoU threshold.

    Returns:
        dict[str, Scored]: by class name.
    """
    verdict = match_detections(rows, truth, iou)
    rows, verdict = rows[verdict != IGNORED], verdict[verdict != IGNORED]
    boxes, found = count_boxes(truth, labels), {}
    for k, name in enumerate(labels):
        mine = rows[:, 1] == k
        if boxes[name] or mine.any():
            found[name] = Scored.of(rows[mine, 2], verdict[mine] == TRUE_POSITIVE, boxes[name])
    return found


def score_of_best_f1(scored, default=0.3):
    """The score threshold of maximum F1 over all classes, {name: Scored}; the default if no detection is correct."""
    best = pooled(list(scored.values())).best() if scored else None
    return best["threshold"] if best else default
