"""Mean average precision by PASCAL VOC's definition (Everingham et al., IJCV 2010, section 4.2).

Shapes in this file:
    D found boxes, G annotated boxes.  Boxes are (x1, y1, x2, y2), the edges of the pixels covered.
"""

import numpy as np

from .confusion import confusion_matrix
from .detections import Detections, annotated_boxes, pairwise_iou, rows_of_images

METHODS = ("11point", "integral")
FALSE, TRUE, IGNORED = 0, 1, -1


class VocMap:
    """The mean over classes of the area under precision against recall, in the images seen.

    A found box goes to the annotated box of its class it overlaps most.  The highest score on an annotated box is
    right, the next ones are wrong; boxes on a difficult one count neither way.

    Args:
        dataset (object): a detection data set with `annotations()`, `category_ids` and `labels`.
        iou (float): the overlap from which a box is found.
        method (str): `11point`, as VOC until 2009, or `integral`, the area under the falling envelope, since 2010.
        with_difficult (bool): count difficult boxes as the others.
    """

    primary = "mAP"

    def __init__(self, dataset, iou=0.5, method="11point", with_difficult=False):
        if method not in METHODS:
            raise ValueError(f"method is {method!r}; it is one of {', '.join(METHODS)}")
        if not 0 < iou <= 1:
            raise ValueError(f"iou is {iou}; it must lie between 0 and 1")
        self.dataset, self.iou, self.method, self.with_difficult = dataset, iou, method, with_difficult
        self.detections = Detections()

    def reset(self):
        """Forgets every image."""
        self.detections.reset()

    def update(self, outputs, batch):
        """Takes the answer for a batch, see :meth:`Detections.add`."""
        self.detections.add(outputs, batch)

    def state(self):
        """What this process has seen, as arrays."""
        return self.detections.state()

    def merge(self, states):
        """Becomes the union of what several processes have seen."""
        self.detections.merge(states)

    def compute(self):
        """`mAP`, the mean over the classes that have a box; 0 when none has."""
        known = [scores["AP"] for scores in self.per_class().values() if scores["AP"] >= 0]
        return {"mAP": float(np.mean(known)) if known else 0.0}

    def per_class(self):
        """AP of every class by name; -1 for a class without boxes."""
        area = average_precision_11point if self.method == "11point" else average_precision_integral
        curves = self.curves()
        return {name: {"AP": area(*curves[name]) if name in curves else -1.0} for name in self.dataset.labels}

    def curves(self):
        """Per class with boxes, recall and precision after each found box by falling score."""
        rows = self.detections.table(len(self.dataset.labels))
        truth = self._truth()
        verdict = judge(rows, truth, self.iou)
        found = {}
        for k, name in enumerate(self.dataset.labels):
            positives = int(((truth[:, 1] == k) & (truth[:, 2] == 0)).sum())
            if positives:
                mine = rows[:, 1] == k
                found[name] = recall_precision(rows[mine, 2], verdict[mine], positives)
        return found

    def confusion(self):
        """Counts of true and found classes, see :func:`confusion_matrix`."""
        count = len(self.dataset.labels)
        return confusion_matrix(self.detections.table(count), self._truth(), count, iou=self.iou)

    def _truth(self):
        return annotated_boxes(self.dataset, self.detections.seen, self.with_difficult)


def judge(rows, truth, iou):
    """Whether each found box is right.

    Args:
        rows (ndarray): [D, 7] image_id, label, score, box; ties in score are decided by the order of the rows.
        truth (ndarray): [G, 7] image_id, label, difficult, box.
        iou (float): the least overlap.

    Returns:
        ndarray: int64 [D], TRUE, FALSE or IGNORED.
    """
    best = np.full(len(rows), -1, np.int64)  # the annotated box each found box goes to
    truth_of = rows_of_images(truth)
    for image_id, mine in rows_of_images(rows).items():
        theirs = truth_of.get(image_id)
        if theirs is None:
            continue
        overlap = pairwise_iou(rows[mine, 3:], truth[theirs, 3:])
        overlap[rows[mine, 1][:, None] != truth[theirs, 1][None]] = -1
        best[mine] = np.where(overlap.max(1) >= iou, theirs[overlap.argmax(1)], -1)
    verdict = np.full(len(rows), FALSE)
    order = np.argsort(-rows[:, 2], kind="stable")
    hits = order[best[order] >= 0]
    verdict[hits[np.unique(best[hits], return_index=True)[1]]] = TRUE
    verdict[hits[truth[best[hits], 2] > 0]] = IGNORED
    return verdict


def recall_precision(scores, verdict, positives):
    """Recall and precision after each box that counts, by falling score.

    Args:
        scores (ndarray): [D].
        verdict (ndarray): [D], see :func:`judge`.
        positives (int): number of annotated boxes to be found.
    """
    ordered = verdict[np.argsort(-scores, kind="stable")]
    right = np.cumsum(ordered[ordered != IGNORED] == TRUE)
    return right / positives, right / np.arange(1, len(right) + 1)


def average_precision_11point(recall, precision):
    """The mean over recall 0, 0.1, ..., 1 of the best precision at that recall or more."""
    levels = np.arange(11) / 10
    best = [precision[recall >= level - 1e-12].max(initial=0) for level in levels]
    return float(np.mean(best))


def average_precision_integral(recall, precision):
    """The area under the envelope of precision that falls as recall rises."""
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float((np.diff(recall, prepend=0) * envelope).sum())
