"""The losses of RetinaNet and SSD by hand, and that of SSD as the operator of PaddlePaddle 1.8.5."""

import math

import numpy as np
import paddle
import pytest

from PaddleCV.models.losses.multibox_loss import MultiBoxLoss, hardest
from PaddleCV.models.losses.retinanet_loss import RetinaNetLoss, focal_loss
from PaddleCV.models.losses.terms import smooth_l1

from .golden_numbers import golden


class Flat:
    """A head whose raw predictions are flat already."""

    @staticmethod
    def flatten(predictions):
        return predictions


def test_smooth_l1_is_a_parabola_up_to_beta_and_a_line_beyond():
    assert smooth_l1(paddle.to_tensor([0.05, -0.5]), beta=0.1).tolist() == pytest.approx([0.0125, 0.45])


def test_focal_loss_of_a_probability_of_three_quarters():
    logit = paddle.to_tensor([math.log(3.0)])
    right, wrong = focal_loss(logit, paddle.ones([1])).item(), focal_loss(logit, paddle.zeros([1])).item()
    assert right == pytest.approx(0.25 * 0.25**2 * -math.log(0.75)) and wrong == pytest.approx(
        0.75 * 0.75**2 * -math.log(0.25)
    )


def test_retinanet_divides_by_the_matched_anchors_of_an_image_and_ignores_those_between():
    anchors = paddle.to_tensor([[0.0, 0.0, 10.0, 10.0], [0.0, 0.0, 10.0, 22.0], [50.0, 50.0, 60.0, 60.0]])
    boxes, labels = paddle.to_tensor([[[0.0, 0.0, 10.0, 10.0]]] * 2), paddle.to_tensor([[1], [-1]])
    logits = paddle.zeros([2, 3, 2])
    terms = RetinaNetLoss()((logits, paddle.zeros([2, 3, 4]), anchors), Flat, boxes, labels)
    positive, negative = 0.25 * 0.25 * math.log(2), 0.75 * 0.25 * math.log(2)
    # IoU 1, 10 / 22 (between 0.4 and 0.5: ignored), 0: one image with a positive and 3 negatives, one with 6 negatives
    assert terms["loss_class"].item() == pytest.approx((positive + 3 * negative + 6 * negative) / 2, rel=1e-5)
    assert terms["loss_box"].item() == 0
    moved = paddle.zeros([2, 3, 4])
    moved[0, 0, 0] = 1.0
    terms = RetinaNetLoss(sigma=1)((logits, moved, anchors), Flat, boxes, labels)
    assert terms["loss_box"].item() == pytest.approx(0.5 / 2)


def test_the_hardest_candidates_of_each_image():
    losses = paddle.to_tensor([[0.1, 0.9, 0.5, 0.7], [0.4, 0.3, 0.2, 0.1]])
    candidates = paddle.to_tensor([[True, False, True, True], [True, True, True, True]])
    chosen = hardest(losses, candidates, paddle.to_tensor([2, 1]))
    assert chosen.tolist() == [[False, False, True, True], [True, False, False, False]]


def test_the_loss_of_ssd_equals_ssd_loss_of_1_8_and_so_do_its_gradients():
    numbers = golden("ssd_loss")
    logits, deltas = paddle.to_tensor(numbers["conf"]), paddle.to_tensor(numbers["loc"])
    logits.stop_gradient = deltas.stop_gradient = False
    boxes = paddle.to_tensor(np.stack([numbers["gt"][:2], np.stack([numbers["gt"][2], np.zeros(4, "f4")])]))
    labels = paddle.to_tensor([[0, 2], [1, -1]])  # without the background, which is class 0 there
    terms = MultiBoxLoss()((logits, deltas, paddle.to_tensor(numbers["prior"])), Flat, boxes, labels)
    total = sum(terms.values())
    total.backward()
    assert total.item() == pytest.approx(numbers["loss"].sum(), rel=1e-4)
    np.testing.assert_allclose(logits.grad.numpy(), numbers["grad_conf"], atol=1e-4)
    np.testing.assert_allclose(deltas.grad.numpy(), numbers["grad_loc"], atol=1e-4)


def test_images_without_objects_cost_nothing_in_ssd():
    given = (paddle.rand([1, 4, 3]), paddle.rand([1, 4, 4]), paddle.rand([4, 4]))
    terms = MultiBoxLoss()(given, Flat, paddle.zeros([1, 0, 4]), paddle.zeros([1, 0], dtype="int64"))
    assert [term.item() for term in terms.values()] == [0, 0]
