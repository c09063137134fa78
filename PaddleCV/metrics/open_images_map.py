"""Mean average precision as in the challenge of Open Images (https://storage.googleapis.com/openimages/web/evaluation.html).

Shapes in this file:
    D detections and S single objects and G groups of one class in one image.  Boxes are (x1, y1, x2, y2).
"""

from collections import defaultdict

import numpy as np

from common.inference.scored import Scored

from .detections import DetectionMetric, annotated_boxes, pairwise_iou
from .voc_map import average_precision_integral


class OpenImagesMap(DetectionMetric):
    """The mean over the classes of the area under the precision-recall curve.

    A box counts for its class and, with a hierarchy, for all classes above it.  A detection of a class that nobody has
    verified in its image is left out where the dataset has labels of images.  A detection that finds no single object
    but lies inside of a group-of box is right: the best one of a group counts once, the others do not count.

    Args:
        dataset (object): OpenImagesDetection, or another detection dataset, whose crowds are the groups.
        iou (float): threshold of the IoU with a single object, and of the share of a detection inside of a group.
        group_weight (float): of a group among the objects, 1 as in the challenge; with 0 groups and the detections
            inside of them are left out.
        expand_detections (bool): a detection is also one of every class above its own.
    """

    primary = "mAP"

    def __init__(self, dataset, iou=0.5, group_weight=1.0, expand_detections=False):
        if not 0 < iou <= 1 or not 0 <= group_weight <= 1:
            raise ValueError(f"iou is {iou}, group_weight {group_weight}; allowed: above 0 to 1, and 0 to 1")
        if expand_detections and not getattr(dataset, "ancestors", None):
            raise ValueError("expand_detections needs a dataset with a hierarchy")
        super().__init__(dataset)
        self.iou, self.group_weight, self.expand_detections = iou, group_weight, expand_detections
        self.labels = list(dataset.labels)

    def compute(self):
        """`mAP`, the mean AP over the classes with boxes; 0 without boxes."""
        known = [scores["AP"] for scores in self.per_class().values() if scores["AP"] >= 0]
        return {"mAP": float(np.mean(known)) if known else 0.0}

    def per_class(self):
        """Number of boxes and AP of every class by name; -1 for the AP of a class without boxes."""
        boxes = np.bincount(self.truth()[:, 1].astype(np.int64), minlength=len(self.labels)).tolist()
        matched = self.matched()
        return {
            name: {"boxes": boxes[k], "AP": average_precision(*matched[k]) if matched[k][2] else -1.0}
            for k, name in enumerate(self.labels)
        }

    def scored(self):
        """The detections of each class with objects or detections by score."""
        found = {}
        for name, (scores, credits, objects) in zip(self.labels, self.matched()):
            if objects or len(scores):
                found[name] = Scored.of(scores, credits > 0, int(np.ceil(objects)))
        return found

    def matched(self):
        """(scores [D], credits [D], weight of all objects) of each class (list)."""
        rows, truth = self.rows(), self.truth()
        theirs, mine = by_pair(truth), by_pair(rows)
        verified = getattr(self.dataset, "verified", None)
        none, found = np.zeros((0, 7)), [([], []) for _ in self.labels]
        for pair, chosen in mine.items():
            near = truth[theirs[pair]] if pair in theirs else none
            if verified is not None and pair not in verified and not len(near):
                continue
            group = near[:, 2] > 0
            boxes = rows[chosen]
            given = match_class(
                boxes[:, 3:], boxes[:, 2], near[~group, 3:], near[group, 3:], self.iou, self.group_weight
            )
            for parts, values in zip(found[pair[1]], given):
                parts.append(values)
        weights = np.where(truth[:, 2] > 0, self.group_weight, 1.0)
        objects = np.bincount(truth[:, 1].astype(np.int64), weights, minlength=len(self.labels)).tolist()
        joined = [tuple(np.concatenate(parts) if parts else np.zeros(0) for parts in both) for both in found]
        return [(*both, count) for both, count in zip(joined, objects)]

    def rows(self):
        """The detections [D, 7]: image_id, label, score, box."""
        rows = self.detections.table(len(self.labels))
        return with_ancestors(rows, self.dataset.ancestors) if self.expand_detections else rows

    def truth(self):
        """The boxes of the evaluated images [S + G, 7]: image_id, label, group flag, box."""
        truth = annotated_boxes(self.dataset, self.detections.seen)
        ancestors = getattr(self.dataset, "ancestors", None)
        return with_ancestors(truth, ancestors) if ancestors and not self.dataset.expanded else truth


def with_ancestors(rows, ancestors):
    """Rows [N, 7] whose second column is a class, and one more for each class above it."""
    more = [(k, other) for k, label in enumerate(rows[:, 1].astype(int).tolist()) for other in ancestors[label]]
    added = rows[[k for k, _ in more]]
    added[:, 1] = [other for _, other in more]
    return np.concatenate([rows, added])


def by_pair(rows):
    """{(image_id, label): indexes of the rows}."""
    found = defaultdict(list)
    for k, (image, label) in enumerate(rows[:, :2].astype(np.int64).tolist()):
        found[image, label].append(k)
    return found


def match_class(boxes, scores, singles, groups, iou=0.5, group_weight=1.0):
    """The detections of a class in an image that count, and what each is worth.

    Args:
        boxes (ndarray): [D, 4].
        scores (ndarray): [D].
        singles (ndarray): [S, 4]; the box of each is found once.
        groups (ndarray): [G, 4].
        iou (float): threshold, see :class:`OpenImagesMap`.
        group_weight (float): what the best detection inside of a group is worth; 0 leaves it out.

    Returns:
        tuple[ndarray, ndarray]: scores and credits, 0 for a false positive.
    """
    order = np.argsort(-scores, kind="stable")
    boxes, scores = boxes[order], scores[order]
    hits, absorbed, taken, best_of = np.zeros(len(boxes)), np.zeros(len(boxes), bool), set(), {}
    if len(singles):
        overlap = pairwise_iou(boxes, singles)
        for k, best in enumerate(overlap.argmax(1).tolist()):
            if overlap[k, best] >= iou and best not in taken:
                hits[k] = 1.0
                taken.add(best)
    if len(groups):
        inside = share_inside(boxes, groups)
        for k, best in enumerate(inside.argmax(1).tolist()):
            if not hits[k] and inside[k, best] >= iou:
                absorbed[k] = True
                best_of.setdefault(best, scores[k])  # the first one has the highest score
    found = np.array(list(best_of.values()) if group_weight else [], np.float64)
    return np.concatenate([scores[~absorbed], found]), np.concatenate(
        [hits[~absorbed], np.full(len(found), group_weight)]
    )


def share_inside(boxes, groups):
    """The share of the area of each box that lies inside of each group, [D, G]; 0 for a box without area."""
    low = np.maximum(boxes[:, None, :2], groups[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], groups[None, :, 2:])
    common = np.clip(high - low, 0, None).prod(2)
    areas = np.clip(boxes[:, 2:] - boxes[:, :2], 0, None).prod(1)[:, None]
    return np.divide(common, areas, out=np.zeros_like(common), where=areas > 0)


def average_precision(scores, credits, objects):
    """The area under the envelope of the precision-recall curve (float).

    Args:
        scores (ndarray): [D].
        credits (ndarray): [D], 0 for a false positive.
        objects (float): weight of all objects, above 0.
    """
    ordered = credits[np.argsort(-scores, kind="stable")]
    right, wrong = np.cumsum(ordered), np.cumsum(ordered == 0)
    return average_precision_integral(right / objects, right / np.maximum(right + wrong, 1e-12))
