"""Segmentation losses against numbers worked out by hand; ignored pixels, classes without pixels, gradients."""

import itertools
import math

import numpy as np
import paddle
import pytest

from common.errors import ConfigError
from PaddleCV.models.losses.segmentation_losses import (
    DiceLoss,
    FocalPixelLoss,
    LovaszHinge,
    LovaszSoftmax,
    OhemCrossEntropy,
    PixelBinaryCrossEntropy,
    PixelCrossEntropy,
    WeightedLosses,
    lovasz_extension,
)

# four pixels in a row, of probabilities (1/2, 1/4, 1/4), (1/8, 3/4, 1/8), (1/4, 1/4, 1/2) and an ignored one
SHARES = np.array([[0.5, 0.25, 0.25], [0.125, 0.75, 0.125], [0.25, 0.25, 0.5], [0.9, 0.05, 0.05]], np.float32)
LOGITS = paddle.to_tensor(np.log(SHARES.T)[None, :, None, :])
MASK = paddle.to_tensor(np.array([[[0, 1, 1, 255]]], np.uint8))
LOSSES = [
    PixelCrossEntropy(),
    OhemCrossEntropy(min_kept=1),
    FocalPixelLoss(),
    PixelBinaryCrossEntropy(),
    DiceLoss(),
    LovaszSoftmax(),
    WeightedLosses([PixelCrossEntropy(), DiceLoss()], [1.0, 0.5]),
]


def test_cross_entropy_is_the_mean_over_the_pixels_that_count():
    terms = [math.log(2), math.log(4 / 3), math.log(4)]
    assert PixelCrossEntropy()(LOGITS, MASK).item() == pytest.approx(sum(terms) / 3)
    weighted = PixelCrossEntropy(class_weights=[2.0, 1.0, 0.0])(LOGITS, MASK)
    assert weighted.item() == pytest.approx((2 * terms[0] + terms[1] + terms[2]) / 3)
    assert PixelCrossEntropy(ignored=1)(LOGITS[..., :3], MASK[..., :3]).item() == pytest.approx(terms[0])
    with pytest.raises(ConfigError, match="2 class_weights for 3 classes"):
        PixelCrossEntropy(class_weights=[1.0, 1.0])(LOGITS, MASK)


def test_the_hardest_pixels_count():
    log = math.log
    assert OhemCrossEntropy(0.3, 1)(LOGITS, MASK).item() == pytest.approx(log(4))  # of probability 1/4
    assert OhemCrossEntropy(0.6, 1)(LOGITS, MASK).item() == pytest.approx((log(4) + log(2)) / 2)
    assert OhemCrossEntropy(0.1, 2)(LOGITS, MASK).item() == pytest.approx((log(4) + log(2)) / 2)
    assert OhemCrossEntropy(0.1, 999)(LOGITS, MASK).item() == pytest.approx((log(4) + log(2) + log(4 / 3)) / 3)


def test_focal_loss_counts_a_pixel_by_the_square_of_what_is_missing():
    terms = [1 / 4 * math.log(2), 1 / 16 * math.log(4 / 3), 9 / 16 * math.log(4)]
    assert FocalPixelLoss()(LOGITS, MASK).item() == pytest.approx(sum(terms) / 3)
    assert FocalPixelLoss(0.0)(LOGITS, MASK).item() == pytest.approx(PixelCrossEntropy()(LOGITS, MASK).item())


def test_binary_cross_entropy_takes_each_class_by_itself():
    logits = paddle.to_tensor(np.log([[[[1.0, 3.0]], [[3.0, 1.0]]]]).astype(np.float32))  # sigmoids 1/2 and 3/4
    mask = paddle.to_tensor([[[0, 255]]])
    assert PixelBinaryCrossEntropy()(logits, mask).item() == pytest.approx((math.log(2) + math.log(4)) / 2)


def test_dice_by_hand():
    first = 2 * 0.5 / (0.5 + 0.125 + 0.25 + 1)
    second = 2 * (0.75 + 0.25) / (0.25 + 0.75 + 0.25 + 2)
    assert DiceLoss(smooth=0.0)(LOGITS, MASK).item() == pytest.approx(1 - (first + second) / 2)
    smooth = (2 * 0.5 + 1) / (0.875 + 1 + 1), (2 * 1.0 + 1) / (1.25 + 2 + 1)
    assert DiceLoss()(LOGITS, MASK).item() == pytest.approx(1 - sum(smooth) / 2)


def jaccard_loss(wrong, truth):
    """1 - IoU of a class whose pixels are right but for a set of wrong ones."""
    found = truth ^ wrong
    union = (found | truth).sum()
    return 1 - (found & truth).sum() / union if union else 0.0


def test_the_extension_is_the_jaccard_loss_where_every_error_is_0_or_1():
    for truth, wrong in itertools.product(itertools.product([0, 1], repeat=4), repeat=2):
        truth, wrong = np.array(truth, bool), np.array(wrong, bool)
        if truth.any():
            arrays = (paddle.to_tensor(x[None].astype(np.float32)) for x in (wrong, truth))
            assert lovasz_extension(*arrays).item() == pytest.approx(jaccard_loss(wrong, truth), abs=1e-6)


def test_the_extension_by_hand_and_its_losses():
    # errors 0.75, 0.5, 0.25 of the class 1: pixels 3 (hers), 2 (hers: 0.25), 1; in order 0.75 hers, 0.25 hers, 0.25
    errors, truth = paddle.to_tensor([[0.25, 0.3, 0.75]]), paddle.to_tensor([[0.0, 1.0, 1.0]])
    assert lovasz_extension(errors, truth).item() == pytest.approx(0.75 * 1 / 2 + 0.3 * 1 / 2)
    sure = paddle.to_tensor(20 * np.eye(3, dtype=np.float32)[[0, 2, 1, 0]].T[None, :, None, :])
    expected = (0 + 0.5) / 2  # class 0 is found, of class 1 one of two; class 2 is not in the mask
    assert LovaszSoftmax()(sure, MASK).item() == pytest.approx(expected, abs=1e-5)
    two = paddle.to_tensor(np.array([[[[0.0, 0, 0]], [[-5, 5, -5]]]], np.float32))
    hinge = LovaszHinge()(two, paddle.to_tensor([[[0, 1, 1]]])).item()
    assert hinge == pytest.approx(6 * 1 / 2)
    with pytest.raises(ConfigError, match="two classes"):
        LovaszHinge()(LOGITS, MASK)


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: type(loss).__name__)
def test_ignored_pixels_change_nothing_and_gradients_are_finite(loss):
    logits = LOGITS.clone()
    logits.stop_gradient = False
    value = loss(logits, MASK)
    value.backward()
    gradient = logits.grad.numpy()
    assert np.isfinite(gradient).all() and not gradient[..., 3].any() and gradient[..., :3].any()
    other = LOGITS.clone()
    other[..., 3] = 7.0
    assert loss(other, MASK).item() == pytest.approx(value.item())
    nothing = loss(LOGITS, paddle.full_like(MASK, 255))
    assert nothing.item() == 0.0


def test_losses_are_added_with_their_weights():
    parts = PixelCrossEntropy()(LOGITS, MASK).item(), DiceLoss()(LOGITS, MASK).item()
    assert LOSSES[-1](LOGITS, MASK).item() == pytest.approx(parts[0] + 0.5 * parts[1])
    with pytest.raises(ValueError, match="2 weights"):
        WeightedLosses([DiceLoss()], [1.0, 2.0])
