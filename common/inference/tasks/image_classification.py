"""Image classification: the best classes as records, and images with their names drawn."""

import numpy as np

from common.inference.drawing import color_of, draw_name, enlarged
from common.inference.labels import best_classes
from common.inference.task import Task, check_decision, check_threshold


class ImageClassification(Task):
    """Image classification: the best classes of each image.

    Args:
        n_best (int): classes of an image at most.
        threshold (float): classes that score less are left out.
        decision (float): of two classes, the score from which the second one is the answer, such as the threshold of
            maximum F1 that `tools/eval.py` prints; the class that scores higher when None.
    """

    columns = {"label": "label", "score": "score", "category_id": "category_id"}

    def __init__(self, n_best=5, threshold=0.0, decision=None):
        if n_best < 1:
            raise ValueError(f"n_best is {n_best}; allowed: 1 or more")
        self.n_best, self.threshold, self.decision = n_best, check_threshold(threshold), check_decision(decision)

    def beside(self, labels):
        """All classes of a sample are in its row, the best first."""
        return self.n_best

    def records(self, outputs, samples, labels, threshold):
        """The best classes of each image, the best first.

        Args:
            outputs (dict[str, ndarray]): `scores` [N, C].
            samples (list[dict]): not used.
            labels (list[str]): class names; a number beyond them is named by itself.
            threshold (float): classes that score less are left out.

        Returns:
            list[list[dict]]: for each image `label`, `category_id` (the number of the class), `score`.
        """
        rows = np.asarray(outputs["scores"], np.float64)
        return [best_classes(row, labels, self.n_best, threshold, decision=self.decision) for row in rows]

    def draw(self, image, records):
        """A copy of the image with names and scores one below the other, small images enlarged.

        Args:
            image (ndarray): RGB uint8 [H, W, 3].
            records (list[dict]): of this image.

        Returns:
            ndarray: RGB uint8 [H, W, 3].
        """
        image = enlarged(image)
        size = max(11, round(max(image.shape[:2]) / 25))
        for row, item in enumerate(records):
            corner = (2, 2 + round((row + 1) * 1.6 * size))
            draw_name(image, f"{item['label']}: {item['score']:.2f}", corner, color_of(item["category_id"]), size)
        return image
