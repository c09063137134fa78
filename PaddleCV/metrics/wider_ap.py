"""Average precision of face detectors by the protocol of WIDER FACE (https://arxiv.org/abs/1511.06523, section 4).

Shapes in this file:
    T thresholds, P predictions and F faces of an image.  Boxes are (x1, y1, x2, y2) in pixels.
"""

import os

import numpy as np

from common.data.issues import IssueList, data_error

from .detections import DetectionMetric, annotated_boxes, rows_of_images
from .voc_map import average_precision_integral, scored_detections

LEVELS = ("easy", "medium", "hard")
THRESHOLDS = 1000


class WiderFaceAP(DetectionMetric):
    """AP at IoU 0.5 of the easy, medium and hard faces, or of all valid faces.

    The protocol differs from VOC's: scores are scaled to [0, 1] over all images and cut at 1000 thresholds, sides count
    one pixel more, detections of faces outside the level are ignored, and so are images without a face.

    Args:
        dataset (object): a detection dataset with `annotations()`, `category_ids`, `images` and `ids`.
        ground_truth (str | None): the folder `ground_truth` of the official evaluation tools (wider_face_val.mat,
            wider_easy_val.mat, ...), which say which faces belong to a level; without it, `AP` of all valid faces.
        iou (float): IoU threshold.

    Raises:
        DataError: a file of `ground_truth` cannot be read (D104, D112), or lacks an image of the dataset (D116).
    """

    def __init__(self, dataset, ground_truth=None, iou=0.5):
        if not 0 < iou <= 1:
            raise ValueError(f"iou is {iou}; it must be between 0 and 1")
        super().__init__(dataset)
        self.iou = iou
        self.levels = read_levels(ground_truth) if ground_truth else None
        self.primary = "AP" if self.levels is None else "AP_hard"
        if self.levels:
            missing = [image["file_name"] for image in dataset.images if key_of(image) not in self.levels["easy"]]
            if missing:
                issues = IssueList(os.path.join(ground_truth, "wider_face_val.mat"))
                message = f"{len(missing)} of {len(dataset.images)} images of the dataset are not in this file"
                issues.error("D116", message, value=missing[0], fix="evaluate the validation set of WIDER FACE")
                raise data_error(issues.errors)

    def compute(self):
        """`AP_easy`, `AP_medium` and `AP_hard`, or `AP`; 0 without faces."""
        return {name: average_precision_integral(*curve) for name, curve in self.curves().items()}

    def curves(self):
        """Recall and precision at each threshold by the name of the score, [T] each."""
        rows = self.detections.table(1)
        scores = scaled_scores(rows[:, 2])
        mine = rows_of_images(rows)
        found = {}
        for name, faces in self._faces().items():
            counts, total = np.zeros((THRESHOLDS, 2)), 0
            for image_id, (boxes, counted) in faces.items():
                total += int(counted.sum())
                if len(boxes) and image_id in mine:
                    order = mine[image_id][np.argsort(-scores[mine[image_id]], kind="stable")]
                    hits, proposals = count_matches(rows[order, 3:], boxes, counted, self.iou)
                    counts += at_thresholds(scores[order], hits, proposals)
            precision = np.divide(counts[:, 0], counts[:, 1], out=np.zeros(THRESHOLDS), where=counts[:, 1] > 0)
            found[name] = counts[:, 0] / max(total, 1), precision
        return found

    def scored(self):
        """The detections by score at the IoU threshold, over all valid faces, see :func:`scored_detections`."""
        truth = annotated_boxes(self.dataset, self.detections.seen)
        return scored_detections(self.detections.table(1), truth, ["face"], self.iou)

    def _faces(self):
        """The faces of the evaluated images and whether they count, by score: {image_id: ([F, 4], bool [F])}."""
        seen = self.detections.seen
        if self.levels:
            images = {i: key_of(image) for i, image in zip(self.dataset.ids, self.dataset.images) if i in seen}
            return {f"AP_{level}": {i: self.levels[level][key] for i, key in images.items()} for level in LEVELS}
        truth = annotated_boxes(self.dataset, seen)
        return {"AP": {i: (truth[k, 3:], truth[k, 2] == 0) for i, k in rows_of_images(truth).items()}}


def key_of(image):
    """The event and the name of an image without its suffix, as the official files spell them."""
    return os.path.splitext("/".join(image["file_name"].split("/")[-2:]))[0]


def read_levels(folder):
    """{level: {event/image: (boxes [F, 4], bool [F])}} of the official MATLAB files; raises DataError."""
    faces, found = read_matlab(os.path.join(folder, "wider_face_val.mat"), "face_bbx_list"), {}
    for level in LEVELS:
        kept = read_matlab(os.path.join(folder, f"wider_{level}_val.mat"), "gt_list")
        found[level] = {}
        for key, boxes in faces.items():
            boxes = np.float64(boxes).reshape(-1, 4)
            counted = np.zeros(len(boxes), bool)
            counted[np.int64(kept[key]).reshape(-1) - 1] = True  # numbered from 1
            found[level][key] = np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], 1), counted
    return found


def read_matlab(path, name):
    """{event/image: array} of one list of a MATLAB file; raises DataError D104 or D112."""
    from scipy.io import loadmat  # half a second, for this metric alone

    issues = IssueList(path)
    try:
        content = loadmat(path)
        events = [str(event[0][0]) for event in content["event_list"]]
        values = {}
        for event, files, lists in zip(events, content["file_list"][:, 0], content[name][:, 0], strict=True):
            for file, value in zip(files[:, 0], lists[:, 0], strict=True):
                values[f"{event}/{file[0]}"] = value
    except OSError as error:
        issues.error("D104", f"cannot be opened: {error.strerror or error}", fix="it is part of eval_tools.zip")
    except Exception as error:  # noqa: BLE001 - the reader raises many kinds for what is no MATLAB file
        fix = "take it from eval_tools.zip of WIDER FACE"
        issues.error("D112", f"is not the file of the evaluation tools: {error}", name, fix=fix)
    if issues.errors:
        raise data_error(issues.errors)
    return values


def scaled_scores(scores):
    """Scores scaled to [0, 1] over all images."""
    low, high = (scores.min(), scores.max()) if len(scores) else (0, 0)
    return (scores - low) / (high - low) if high > low else np.ones_like(scores)


def overlaps(first, second):
    """The IoU of every pair with sides of one pixel more, as the official tools count, [P, 4], [F, 4] -> [P, F]."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    inner = np.clip(high - low + 1, 0, None).prod(2)
    areas = [(boxes[:, 2:] - boxes[:, :2] + 1).prod(1) for boxes in (first, second)]
    return inner / (areas[0][:, None] + areas[1][None] - inner)


def count_matches(predictions, faces, counted, iou):
    """Matches predictions, in the order of their scores, to the faces that each overlaps most.

    Args:
        predictions (ndarray): [P, 4].
        faces (ndarray): [F, 4], F > 0.
        counted (ndarray): bool [F], the faces of the level.
        iou (float): IoU threshold.

    Returns:
        tuple[ndarray, ndarray]: bool [P], the first one to find a face of the level, and bool [P], those that count:
            not the ones of other faces.
    """
    table = overlaps(predictions, faces)
    best = table.argmax(1)
    near = table.max(1) >= iou
    proposals = ~near | counted[best]
    hits = np.zeros(len(predictions), bool)
    first = np.flatnonzero(near & counted[best])
    hits[first[np.unique(best[first], return_index=True)[1]]] = True
    return hits, proposals


def at_thresholds(scores, hits, proposals):
    """The numbers of found faces and of counted predictions with a score of each threshold or more, [T, 2]."""
    thresholds = 1 - np.arange(1, THRESHOLDS + 1) / THRESHOLDS
    number = np.searchsorted(-scores, -thresholds, side="right")
    sums = np.cumsum([[0, *hits], [0, *proposals]], axis=1)
    return sums[:, number].T
