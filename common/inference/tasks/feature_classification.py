"""Classification of videos by their features: the best classes of each video as records."""

from common.inference.task import Task
from common.inference.tasks.image_classification import ImageClassification


class FeatureClassification(ImageClassification):
    """Classification of videos by files of their features: the best classes of each.

    Args:
        n_best (int): classes of a video at most.
        threshold (float): classes that score less are left out.
        decision (float): of two classes, the score from which the second one is the answer; the class that scores
            higher when None.
    """

    input = "features"
    draws = False
    draw = Task.draw

    def __init__(self, n_best=20, threshold=0.0, decision=None):
        super().__init__(n_best, threshold, decision)

    def synthetic(self, inputs):
        """Features of 12 frames for each input that is a stream, quantized."""
        return synthetic_features(inputs)


def synthetic_features(inputs, frames=12):
    """A sample of random features, uint8 [frames, D], for each input [N, T, D] of a model (dict)."""
    from common.data.transform import random_for

    sizes = {name: shape[2] for name, (shape, _) in inputs.items() if len(shape) == 3}
    rng = random_for(0)
    return {"path": "synthetic"} | {name: rng.integers(0, 256, (frames, size), "uint8") for name, size in sizes.items()}
