"""Keypoints of a model on an evaluation set, collected over batches and processes.

Shapes in this file:
    N people of a batch, P people of all batches, K keypoints.
"""

import numpy as np
import paddle

from common.vision.person_crop import mirrored_order


class KeypointMetric:
    """Base of the metrics of keypoints; a person who occurs twice, as in a padded last batch, counts once.

    Args:
        dataset (KeypointDataset): the people.
        flip (bool): predicts from the mean of the heat maps of each crop and of its mirror image.
    """

    def __init__(self, dataset, flip=False):
        self.dataset, self.flip = dataset, flip
        self.order = mirrored_order(dataset.labels)
        self.needs = "model" if flip else "predictions"
        self.reset()

    def reset(self):
        """Resets the predictions."""
        self.found = {}

    def update(self, found, batch):
        """Adds the predictions of a batch.

        Args:
            found (dict[str, ndarray] | Layer): `keypoints` float32 [N, K, 3], x and y in pixels of the original image
                and the score; with `flip` the model.
            batch (dict): `person` int64 [N], `box_score` float32 [N]; with `flip` also `image` and `crop`.
        """
        if self.flip:
            with paddle.no_grad():
                image, crop = (paddle.to_tensor(batch[name]) for name in ("image", "crop"))
                points = found.locate(found.predict_mirrored(image, self.order), crop).numpy()
        else:
            points = np.asarray(found["keypoints"])
        if points.shape[1] != len(self.dataset.labels):
            raise ValueError(f"the model gives {points.shape[1]} keypoints, the data {len(self.dataset.labels)}")
        scores = np.asarray(batch["box_score"], np.float64).reshape(-1)
        for person, own, score in zip(np.asarray(batch["person"]).reshape(-1).tolist(), points, scores.tolist()):
            self.found.setdefault(person, (own.astype(np.float64), score))

    def state(self):
        """The predictions of this process: `people` int64 [P], `points` float64 [P, K, 3], `scores` float64 [P]."""
        count = len(self.dataset.labels)
        return {
            "people": np.array(list(self.found), np.int64),
            "points": np.array([points for points, _ in self.found.values()], np.float64).reshape(-1, count, 3),
            "scores": np.array([score for _, score in self.found.values()], np.float64),
        }

    def merge(self, states):
        """Replaces the predictions by the union over all processes."""
        self.reset()
        for state in states:
            points = state["points"].reshape(-1, len(self.dataset.labels), 3)
            for person, own, score in zip(state["people"].tolist(), points, state["scores"].tolist()):
                self.found.setdefault(person, (own, score))

    def table(self):
        """People by ascending number, their keypoints and the scores of their boxes: int64 [P], [P, K, 3], [P]."""
        state = self.state()
        order = np.argsort(state["people"], kind="stable")
        return state["people"][order], state["points"][order], state["scores"][order]
