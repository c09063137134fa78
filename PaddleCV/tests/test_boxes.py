"""Overlaps of boxes by numbers worked out by hand, in an image of two boxes:

first  (0, 0, 4, 4), area 16; second (2, 2, 6, 4), area 8: common 2 * 2 = 4, together 20, around both 6 * 4 = 24.
"""

import math

import numpy as np
import paddle
import pytest

from PaddleCV.models.boxes import OVERLAPS, ciou, diou, giou, iou, pairwise_iou

from .golden_numbers import golden

FIRST, SECOND = [0.0, 0.0, 4.0, 4.0], [2.0, 2.0, 6.0, 4.0]


def of(overlap, first, second):
    return overlap(paddle.to_tensor([first]), paddle.to_tensor([second])).item()


def test_iou_is_4_of_20():
    assert of(iou, FIRST, SECOND) == pytest.approx(0.2)


def test_giou_is_iou_less_4_of_24_that_neither_covers():
    assert of(giou, FIRST, SECOND) == pytest.approx(0.2 - 4 / 24)


def test_diou_is_iou_less_5_of_52_centers_2_and_1_apart_in_a_box_of_6_by_4():
    assert of(diou, FIRST, SECOND) == pytest.approx(0.2 - 5 / 52)


def test_ciou_is_diou_less_alpha_v_with_aspect_ratios_1_and_2():
    v = 4 / math.pi**2 * (math.atan(1) - math.atan(2)) ** 2
    assert of(ciou, FIRST, SECOND) == pytest.approx(0.2 - 5 / 52 - v * v / (0.8 + v))


def test_giou_of_boxes_side_by_side_with_a_gap_of_one_box_is_minus_a_third():
    assert of(giou, [0.0, 0.0, 1.0, 1.0], [2.0, 0.0, 3.0, 1.0]) == pytest.approx(-1 / 3)


@pytest.mark.parametrize("name", OVERLAPS)
def test_a_box_overlaps_itself_completely(name):
    assert of(OVERLAPS[name], SECOND, SECOND) == pytest.approx(1.0)


@pytest.mark.parametrize("name", OVERLAPS)
def test_overlap_is_symmetric_and_does_not_change_with_the_scale(name):
    right = of(OVERLAPS[name], FIRST, SECOND)
    assert of(OVERLAPS[name], SECOND, FIRST) == pytest.approx(right, abs=1e-6)
    assert of(OVERLAPS[name], [7 * v for v in FIRST], [7 * v for v in SECOND]) == pytest.approx(right, abs=1e-6)


@pytest.mark.parametrize("name", OVERLAPS)
@pytest.mark.parametrize("bad", [[3.0, 3.0, 3.0, 3.0], [5.0, 5.0, 1.0, 1.0], [0.0, 2.0, 9.0, 2.0], [0.0] * 4])
def test_boxes_without_area_or_inside_out_give_finite_numbers_and_gradients(name, bad):
    box = paddle.to_tensor([bad, SECOND])
    box.stop_gradient = False
    value = OVERLAPS[name](box, paddle.to_tensor([FIRST, bad]))
    value.sum().backward()
    assert np.isfinite(value.numpy()).all() and np.isfinite(box.grad.numpy()).all()
    assert value.max().item() <= 0


@pytest.mark.parametrize("name", OVERLAPS)
def test_going_along_the_gradient_makes_the_overlap_better(name):
    box = paddle.to_tensor([[2.0, 1.0, 5.0, 4.0]])
    box.stop_gradient = False
    before = OVERLAPS[name](box, paddle.to_tensor([FIRST]))
    before.sum().backward()
    assert OVERLAPS[name](box.detach() + 0.1 * box.grad, paddle.to_tensor([FIRST])).item() > before.item()


def test_pairwise_iou_equals_iou_similarity_of_1_8():
    numbers = golden("iou_similarity")
    value = pairwise_iou(paddle.to_tensor(numbers["x"]), paddle.to_tensor(numbers["y"]))
    np.testing.assert_allclose(value.numpy(), numbers["o"], atol=1e-6)


def test_pairwise_iou_is_iou_of_every_pair():
    boxes = paddle.to_tensor(np.sort(np.random.default_rng(0).random((2, 5, 2, 2)), axis=2).reshape(2, 5, 4))
    pairs = pairwise_iou(boxes, boxes[:, :3])
    assert pairs.shape == [2, 5, 3]
    np.testing.assert_allclose(pairs[1, 4, 2].item(), iou(boxes[1, 4], boxes[1, 2]).item(), rtol=1e-6)
