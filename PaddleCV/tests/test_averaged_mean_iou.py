"""Mean IoU of averaged predictions: windows cover the image, scales and flips are undone, the mean decides."""

import types

import numpy as np
import paddle
import pytest
from paddle.nn import functional as F

from PaddleCV.metrics.averaged_mean_iou import AveragedMeanIoU, slide, starts

DATASET = types.SimpleNamespace(labels=["a", "b", "c"])


class Pixelwise:
    """A model whose logits of a pixel are its three channels; it notes the sizes that it was given."""

    def __init__(self):
        self.sizes = []

    def predict(self, image):
        self.sizes.append(tuple(image.shape[2:]))
        return image


def images(height=10, width=14):
    return np.random.default_rng(0).normal(size=(2, 3, height, width)).astype("float32")


def test_windows_reach_the_end_and_overlap():
    assert starts(10, 10, 0.5) == [0] and starts(11, 10, 0.5) == [0, 1]
    assert starts(20, 6, 1 / 3) == [0, 4, 8, 12, 14] and starts(12, 6, 0) == [0, 6]


@pytest.mark.parametrize("window", [[4, 6], [10, 14], [16, 5]])
def test_a_model_of_single_pixels_gives_the_same_through_any_windows(window):
    model, image = Pixelwise(), paddle.to_tensor(images())
    np.testing.assert_allclose(slide(model, image, window, 1 / 3).numpy(), F.softmax(image, 1).numpy(), atol=1e-6)
    assert set(model.sizes) == {tuple(window)}


def test_a_mirrored_prediction_is_mirrored_back_and_scales_are_undone():
    metric, model = AveragedMeanIoU(DATASET, flip=True, scales=[1.0, 0.5, 2.0]), Pixelwise()
    image = np.repeat(np.repeat(images(5, 7), 2, 2), 2, 3)  # squares of four pixels
    found = metric.probabilities(model, paddle.to_tensor(image)).numpy()
    whole = F.softmax(paddle.to_tensor(image), 1).numpy()
    assert model.sizes == [(10, 14)] * 2 + [(5, 7)] * 2 + [(20, 28)] * 2
    assert np.abs(found - whole).mean() < 0.1
    single = AveragedMeanIoU(DATASET, flip=True).probabilities(model, paddle.to_tensor(image)).numpy()
    np.testing.assert_allclose(single, whole, atol=1e-6)


def test_scores_are_those_of_the_averaged_prediction():
    metric, image = AveragedMeanIoU(DATASET, window=6), images()
    mask = image.argmax(1).astype("uint8")
    mask[0, 0, 0] = (mask[0, 0, 0] + 1) % 3
    metric.update(Pixelwise(), {"image": image, "mask": mask})
    assert metric.compute()["accuracy"] == pytest.approx(1 - 1 / mask.size) and metric.needs == "model"
    with pytest.raises(ValueError, match="overlap"):
        AveragedMeanIoU(DATASET, overlap=1.0)
