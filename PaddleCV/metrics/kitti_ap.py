"""Average precision as KITTI defines it (https://doi.org/10.1109/CVPR.2012.6248074): image, space, orientation.

Shapes in this file:
    F frames, G objects of a frame, D detections of a frame, V views (the image, from above, in space).
"""

import dataclasses

import numpy as np

from common.inference.task import samples_of
from common.vision.boxes_3d import overlaps_3d
from common.vision.image_frame import image_boxes, observation_angles

from ..data.kitti_objects import DIFFICULTIES, DONT_CARE, NEIGHBOR
from .detections import pairwise_iou

VIEWS = ("bbox", "BEV", "3D")
THRESHOLDS = 41  # scores at most at which precision is measured, evenly spaced by recall
EVERY = 4  # of these so many apart, 11 in all, are averaged
COLUMNS = ("scores", "heights", "alphas", "unlabeled")  # of a detection


@dataclasses.dataclass
class Frame:
    """The detections and objects of a frame, as far as they count.

    Args:
        detections (ndarray): :data:`COLUMNS`, [D, 4]: score, height in pixels, rotation against the ray, and 1 in a
            region without labels.
        objects (ndarray): class, level of difficulty, rotation against the ray, [G, 3].
        overlaps (ndarray): [V, D, G].
    """

    detections: np.ndarray
    objects: np.ndarray
    overlaps: np.ndarray


class KittiAP:
    """The precision at 11 of 41 recalls, for the easy, moderate and hard objects of the first class.

    In the image (`AP_bbox`), from above (`AP_BEV`) and in space (`AP_3D`); `AOS` weighs each right detection in the
    image by how well its orientation fits. Objects that are harder, or of a class that may be taken for the first one,
    and detections that are too small or in regions without labels do not count.

    Args:
        dataset (object): KittiObjects.
        task (Task): PointDetection, which makes boxes of outputs.
        iou (float): overlap of a detection with its object that is exceeded.
    """

    primary = "AP_3D_moderate"
    undefined, undefined_text = -1.0, "the data have no such objects"

    def __init__(self, dataset, task, iou=0.7):
        if not 0 < iou <= 1:
            raise ValueError(f"iou is {iou}; it must be between 0 and 1")
        self.labels, self.task, self.iou = list(dataset.labels), task, iou
        self.image_size = dataset.image_size
        self.reset()

    def reset(self):
        """Resets the frames."""
        self.frames = []

    def update(self, outputs, batch):
        """Adds a batch: outputs of the model, and `truth` and `projection` of each frame, see `KittiObjects`."""
        found = self.task.records(outputs, samples_of(batch), self.labels, 0.0)
        for items, truth, projection in zip(found, batch["truth"], batch["projection"]):
            boxes = np.array([item["box"] for item in items]).reshape(-1, 7)
            scores = np.array([item["score"] for item in items])
            self.frames.append(
                frame_of(boxes, scores, np.asarray(truth), np.asarray(projection), self.image_size, self.iou)
            )

    def state(self):
        """The frames of this process (dict of arrays, those of all frames one after another)."""
        return {
            "sizes": np.array([frame.overlaps.shape[1:] for frame in self.frames], np.int64).reshape(-1, 2),
            "detections": joined([frame.detections for frame in self.frames], len(COLUMNS)),
            "objects": joined([frame.objects for frame in self.frames], 3),
            "overlaps": joined([frame.overlaps.reshape(len(VIEWS), -1).T for frame in self.frames], len(VIEWS)),
        }

    def merge(self, states):
        """Replaces the frames by those of all processes."""
        self.frames = []
        for state in states:
            sizes = np.asarray(state["sizes"])
            parts = [
                np.split(np.asarray(state[name]), np.cumsum(counts)[:-1])
                for name, counts in (
                    ("detections", sizes[:, 0]),
                    ("objects", sizes[:, 1]),
                    ("overlaps", sizes.prod(1)),
                )
            ]
            for size, detections, objects, overlaps in zip(sizes, *parts):
                self.frames.append(Frame(detections, objects, overlaps.T.reshape(len(VIEWS), *size)))

    def compute(self):
        """`AP_3D_easy`, `AOS_easy` and so on; -1 for a difficulty without objects."""
        found = {}
        for level, (name, (least, *_)) in enumerate(DIFFICULTIES.items()):
            for view, seen in enumerate(VIEWS):
                average, oriented = average_precision(self.frames, view, 2 - level, least, self.iou)
                found[f"AP_{seen}_{name}"] = average
                if seen == "bbox":
                    found[f"AOS_{name}"] = oriented
        return dict(sorted(found.items()))


def joined(parts, columns):
    """Arrays of rows one after another, float64 [rows, columns]."""
    return np.concatenate([np.zeros((0, columns)), *parts])


def frame_of(boxes, scores, truth, projection, size, iou):
    """The :class:`Frame` of detections.

    Args:
        boxes (ndarray): [D, 7].
        scores (ndarray): [D].
        truth (ndarray): [T, 15], see `KittiObjects`.
        projection (ndarray): [3, 4].
        size (list[int]): width and height of the image.
        iou (float): a detection of which more than this share lies in a region without labels does not count.
    """
    flat = image_boxes(boxes, projection, size)
    regions = truth[truth[:, 7] == DONT_CARE][:, 10:14].astype(np.float64)
    own = truth[(truth[:, 7] == 0) | (truth[:, 7] == NEIGHBOR)].astype(np.float64)
    low, high = np.maximum(flat[:, None, :2], regions[None, :, :2]), np.minimum(flat[:, None, 2:], regions[None, :, 2:])
    area = np.maximum((flat[:, 2:] - flat[:, :2]).prod(1), 1e-9)
    covered = (np.maximum(high - low, 0).prod(2) / area[:, None]).max(1, initial=0.0)
    height = flat[:, 3] - flat[:, 1]
    columns = [scores, height, observation_angles(boxes), covered > iou]
    overlaps = np.stack([pairwise_iou(flat, own[:, 10:14]), *overlaps_3d(boxes, own[:, :7])])
    return Frame(np.stack([np.asarray(value, np.float64) for value in columns], 1), own[:, [7, 8, 14]], overlaps)


def average_precision(frames, view, level, least, iou):
    """The mean precision, and the mean precision weighted by orientation, of a difficulty; -1 without objects.

    Args:
        frames (list[Frame]): all of them.
        view (int): place in :data:`VIEWS`.
        level (int): objects of this level of difficulty or above count.
        least (float): height in pixels, below which detections do not count.
        iou (float): overlap that is exceeded.
    """
    total = sum(int(counting(frame, level).sum()) for frame in frames)
    if not total:
        return -1.0, -1.0
    hits = [score for frame in frames for score in scores_of_hits(frame, view, level, iou)]
    precision, oriented = np.zeros(THRESHOLDS), np.zeros(THRESHOLDS)
    for place, threshold in enumerate(thresholds_of(np.array(hits), total)[:THRESHOLDS]):
        counts = sum((np.array(judge(frame, view, level, least, iou, threshold)) for frame in frames), np.zeros(3))
        right, wrong, fitting = counts
        precision[place], oriented[place] = right / max(right + wrong, 1), fitting / max(right + wrong, 1)
    return tuple(float(np.maximum.accumulate(values[::-1])[::-1][::EVERY].mean()) for values in (precision, oriented))


def counting(frame, level):
    """True for the objects of a frame that are to be found, bool [G]."""
    return (frame.objects[:, 0] == 0) & (frame.objects[:, 1] >= level)


def thresholds_of(scores, total):
    """The scores of right detections at recalls that are 1/40 apart, from the highest score down.

    Args:
        scores (ndarray): of all right detections.
        total (int): number of objects.
    """
    scores, found = np.sort(scores)[::-1], []
    for place, score in enumerate(scores):
        wanted, last = len(found) / (THRESHOLDS - 1), place == len(scores) - 1
        here = (place + 1) / total
        after = here if last else (place + 2) / total
        if last or after - wanted >= wanted - here:
            found.append(score)
    return found


def scores_of_hits(frame, view, level, iou):
    """The scores of the best-scored detections of the objects that count, a list."""
    scores, free, found = frame.detections[:, 0], np.ones(len(frame.detections), bool), []
    for overlap, counts in zip(frame.overlaps[view].T, counting(frame, level)):
        fits = free & (overlap > iou)
        if fits.any():
            chosen = int(np.where(fits, scores, -1).argmax())
            free[chosen] = False
            if counts:
                found.append(scores[chosen])
    return found


def judge(frame, view, level, least, iou, threshold):
    """Right and wrong detections of a frame that score enough, and the sum of how well the right ones are oriented."""
    scores, heights, alphas, unlabeled = frame.detections.T
    free, small = scores >= threshold, heights < least
    right, fitting = 0, 0.0
    for overlap, counts, alpha in zip(frame.overlaps[view].T, counting(frame, level), frame.objects[:, 2]):
        fits = free & (overlap > iou)
        if not fits.any():
            continue
        large = fits & ~small
        chosen = int(np.where(large if large.any() else fits, overlap, -1).argmax())
        free[chosen] = False
        if counts and not small[chosen]:
            right += 1
            fitting += (1 + np.cos(alphas[chosen] - alpha)) / 2
    ignored = small | (unlabeled > 0) if VIEWS[view] == "bbox" else small
    return right, int((free & ~ignored).sum()), fitting
