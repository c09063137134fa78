"""COCO average precision of keypoints by object keypoint similarity (https://cocodataset.org/#keypoints-eval).

Computed by faster-coco-eval, which gives the same results as pycocotools.
"""

import re

import numpy as np

from .coco_map import evaluate_coco
from .keypoints import KeypointMetric

STATS = ("AP", "AP50", "AP75", "AP_medium", "AP_large", "AR", "AR50", "AR75", "AR_medium", "AR_large")
SIGMAS = {  # of COCO, by part of the body
    "nose": 0.026,
    "eye": 0.025,
    "ear": 0.035,
    "shoulder": 0.079,
    "elbow": 0.072,
    "wrist": 0.062,
    "hip": 0.107,
    "knee": 0.087,
    "ankle": 0.089,
}
OTHER_SIGMA = 0.079  # of parts that COCO does not have, as of the shoulder
LEAST = 0.2  # keypoints that score less do not count in the score of a person


class KeypointMap(KeypointMetric):
    """The ten COCO metrics of keypoints; -1 if there is nobody of a size.

    The score of a person is the mean of those of the keypoints that score 0.2 or more, times the score of the box.

    Args:
        dataset (KeypointDataset): the people.
        primary (str): the metric that selects the best checkpoint, such as AP or AP50.
        sigmas (list[float] | None): of the similarity, for each keypoint; None for COCO's, by the names.
        flip (bool): predicts from the mean of the heat maps of each crop and of its mirror image.
    """

    undefined, undefined_text = -1.0, "the data have no people of this size"

    def __init__(self, dataset, primary="AP", sigmas=None, flip=False):
        if primary not in STATS:
            raise ValueError(f"primary is {primary!r}; it must be one of {', '.join(STATS)}")
        super().__init__(dataset, flip)
        self.primary = primary
        self.sigmas = [sigma_of(name) for name in dataset.labels] if sigmas is None else list(sigmas)
        if len(self.sigmas) != len(dataset.labels) or min(self.sigmas, default=1) <= 0:
            raise ValueError(f"KeypointMap got {len(self.sigmas)} sigmas for {len(dataset.labels)} keypoints")

    def results(self):
        """The predictions in COCO's format: list of `image_id`, `category_id`, `keypoints`, `score`."""
        people, points, boxes = self.table()
        source = self.dataset.people if self.dataset.found is None else self.dataset.found
        good = points[:, :, 2] >= LEAST
        mean = np.where(good, points[:, :, 2], 0).sum(1) / np.maximum(good.sum(1), 1)
        return [
            {
                "image_id": self.dataset.images[source.image[person]]["id"],
                "category_id": 1,
                "keypoints": own.ravel().tolist(),
                "score": float(score),
            }
            for person, own, score in zip(people, points, mean * boxes)
        ]

    def compute(self):
        """The ten metrics by name."""
        results = self.results()
        if not results:
            return dict.fromkeys(STATS, -1.0)
        seen = {item["image_id"] for item in results}
        if self.dataset.found is not None:  # people whom the detector missed count
            seen = {image["id"] for image in self.dataset.images}
        stats = evaluate_coco(self.dataset, results, seen, "keypoints", self.sigmas).stats
        return dict(zip(STATS, map(float, stats)))


def sigma_of(name):
    """COCO's sigma of a keypoint, by the part of the body in its name."""
    found = (value for part, value in SIGMAS.items() if re.search(rf"(?<![a-z]){part}", name, re.IGNORECASE))
    return next(found, OTHER_SIGMA)
