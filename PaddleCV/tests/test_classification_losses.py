"""Classification losses against numbers worked out by hand."""

import math

import numpy as np
import paddle
import pytest

from common.errors import ConfigError
from common.vision.batch import soft_label
from PaddleCV.models.losses.classification_losses import CrossEntropy, FocalLoss, MultiLabelLoss

# probabilities 1/2, 1/4, 1/4 and 1/8, 3/4, 1/8
LOGITS = paddle.log(paddle.to_tensor([[0.5, 0.25, 0.25], [0.125, 0.75, 0.125]]))
CLASSES = paddle.to_tensor([0, 2])


def test_cross_entropy_is_the_mean_of_minus_log_p():
    assert CrossEntropy()(LOGITS, CLASSES).item() == pytest.approx((math.log(2) + math.log(8)) / 2)


def test_label_smoothing_spreads_a_part_over_all_classes():
    # a third of 0.3 to each class: 0.8 log 2 + 0.1 log 4 + 0.1 log 4 = 1.2 log 2
    loss = CrossEntropy(0.3)(LOGITS[:1], CLASSES[:1])
    assert loss.item() == pytest.approx(1.2 * math.log(2))


def test_a_blend_of_targets_has_the_blend_of_their_losses():
    blend = paddle.to_tensor([[0.75, 0.0, 0.25]])
    alone = [CrossEntropy(0.1)(LOGITS[1:], paddle.to_tensor([k])).item() for k in (0, 2)]
    assert CrossEntropy(0.1)(LOGITS[1:], blend).item() == pytest.approx(0.75 * alone[0] + 0.25 * alone[1])


def test_focal_loss_counts_an_image_by_the_square_of_what_is_missing():
    # (1/2)^2 log 2 and (7/8)^2 log 8
    right = (0.25 * math.log(2) + 49 / 64 * math.log(8)) / 2
    assert FocalLoss()(LOGITS, CLASSES).item() == pytest.approx(right)
    assert FocalLoss(gamma=0)(LOGITS, CLASSES).item() == pytest.approx(CrossEntropy()(LOGITS, CLASSES).item())
    weighted = FocalLoss(gamma=0, class_weights=[2.0, 1.0, 0.0])(LOGITS, CLASSES)
    assert weighted.item() == pytest.approx(2 * math.log(2) / 2)


def test_focal_loss_of_a_class_without_hope_is_finite():
    # an image of probability 0 has the gradient of cross entropy: it is learned from, and not given up
    logits = paddle.to_tensor([[0.0, 1e4]], stop_gradient=False)
    loss = FocalLoss()(logits, paddle.to_tensor([0]))
    loss.backward()
    assert loss.item() == pytest.approx(1e4) and logits.grad.tolist() == [[-1.0, 1.0]]


@pytest.mark.parametrize("loss", [FocalLoss(gamma=0.5), MultiLabelLoss(gamma_positive=0.5, gamma_negative=0.5)])
def test_powers_below_one_of_what_is_sure_have_a_finite_gradient(loss):
    logits = paddle.to_tensor([[60.0, -60.0], [-60.0, 60.0]], stop_gradient=False)
    loss(logits, paddle.to_tensor([[1.0, 0.0], [1.0, 0.0]])).backward()
    assert np.isfinite(logits.grad.numpy()).all()


def test_the_loss_of_several_classes_is_summed_over_them():
    # log 2 for each of three logits of 0
    target = paddle.to_tensor([[1.0, 0.0, 1.0]])
    assert MultiLabelLoss()(paddle.zeros([1, 3]), target).item() == pytest.approx(3 * math.log(2))
    # gammas 1 and 2 at a probability of a half: a half for what is there, a quarter for what is not
    loss = MultiLabelLoss(gamma_positive=1, gamma_negative=2)(paddle.zeros([1, 3]), target)
    assert loss.item() == pytest.approx((2 * 0.5 + 0.25) * math.log(2))


def test_smoothed_targets_of_several_classes_move_towards_a_half():
    # logits of 0 lose log 2 whatever the target; a logit z loses softplus(z) - target z, here with target 0.05
    loss = MultiLabelLoss(label_smoothing=0.1)(paddle.to_tensor([[2.0]]), paddle.to_tensor([[0.0]]))
    assert loss.item() == pytest.approx(math.log(1 + math.exp(2)) - 0.05 * 2)


def test_labels_of_several_classes_can_be_blended_too():
    np.testing.assert_allclose(soft_label(np.array([1.0, 0, 1, 0], np.float32), 4, 0.2), [0.85, 0.05, 0.85, 0.05])
    np.testing.assert_allclose(soft_label(2, 4, 0.2), [0.05, 0.05, 0.85, 0.05])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: CrossEntropy(1.0), "label_smoothing 1.0"),
        (lambda: FocalLoss(gamma=-1), "gamma -1"),
        (lambda: FocalLoss(class_weights=[1.0])(LOGITS, CLASSES), "1 class_weights for 3 classes"),
    ],
)
def test_what_cannot_be_is_refused(make, words):
    with pytest.raises((ValueError, ConfigError), match=words):
        make()
