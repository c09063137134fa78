"""The YOLOv3 head: box coding by hand, shapes, and the operator yolo_box of PaddlePaddle 1.8."""

import math

import numpy as np
import paddle
import pytest

from PaddleCV.models.boxes import cell_grid, decode_boxes, encode_boxes, original_boxes
from PaddleCV.models.heads.yolov3_head import YOLOv3Head, decode_level

from .golden_numbers import golden

ANCHORS = [[[116, 90], [156, 198]], [[30, 61], [62, 45]]]


def tensor(values):
    return paddle.to_tensor(values, dtype="float32")


def test_zero_deltas_in_cell_2_1_give_an_anchor_of_20_by_10_centered_at_80_48():
    # center (2.5, 1.5) * 32 = (80, 48); halves 10 and 5
    boxes = decode_boxes(tensor([0, 0, 0, 0]), tensor([2, 1]), tensor([20, 10]), 32)
    assert boxes.tolist() == [70, 43, 90, 53]


def test_log_2_doubles_the_width_and_log_3_of_a_sigmoid_is_three_quarters_of_a_cell():
    deltas = tensor([math.log(3), -math.log(3), math.log(2), 0])
    x1, y1, x2, y2 = decode_boxes(deltas, tensor([0, 0]), tensor([20, 10]), 32).tolist()
    assert ((x1 + x2) / 2, (y1 + y2) / 2) == pytest.approx((24, 8))
    assert (x2 - x1, y2 - y1) == pytest.approx((40, 10))


def test_a_stretch_of_2_lets_the_center_move_from_minus_half_to_one_and_a_half_cells():
    ends = decode_boxes(tensor([[-50, 50, 0, 0]]), tensor([0, 0]), tensor([0, 0]), 10, scale_xy=2.0)
    assert ends[0, :2].tolist() == pytest.approx([-5, 15])


@pytest.mark.parametrize("scale_xy", [1.0, 1.05])
def test_encode_undoes_decode(scale_xy):
    rng = np.random.default_rng(0)
    deltas = tensor(rng.normal(size=(50, 4)))
    cells, anchors = tensor(rng.integers(0, 13, (50, 2))), tensor(rng.uniform(5, 300, (50, 2)))
    boxes = decode_boxes(deltas, cells, anchors, 16, scale_xy)
    np.testing.assert_allclose(encode_boxes(boxes, cells, anchors, 16, scale_xy).numpy(), deltas.numpy(), atol=2e-3)


def test_a_size_beyond_all_bounds_stays_finite():
    assert np.isfinite(decode_boxes(tensor([0, 0, 1e9, 1e9]), tensor([0, 0]), tensor([1, 1]), 8).numpy()).all()


def test_cells_are_numbered_row_by_row_column_first():
    grid = cell_grid(2, 3)
    assert grid.tolist() == [[0, 0], [1, 0], [2, 0], [0, 1], [1, 1], [2, 1]]


def test_an_iou_aware_score_is_a_mean_of_objectness_and_iou_in_the_logarithm_times_the_class():
    # objectness 0.5, IoU 0.8, class 0.9 and f = 0.4: 0.5^0.6 * 0.8^0.4 * 0.9
    head = YOLOv3Head([3], 2, [[[10, 10]]], [8], iou_aware=0.4)
    logit = [math.log(p / (1 - p)) for p in (0.8, 0.5, 0.9, 0.1)]
    raw = tensor([logit[0], 0, 0, 0, 0, *logit[1:]])  # as the layer gives them: the IoUs of all anchors, then the rest
    head.outputs[0].weight.set_value(paddle.zeros([8, 3, 1, 1]))
    head.outputs[0].bias.set_value(raw)
    predictions = head([paddle.ones([1, 3, 1, 1])])
    assert predictions[0].flatten().tolist() == pytest.approx([0, 0, 0, 0, *logit[1:], logit[0]])
    _, scores = head.decode(predictions)
    score = 0.5**0.6 * 0.8**0.4
    assert scores.flatten().tolist() == pytest.approx([0.9 * score, 0.1 * score], rel=1e-5)
    with pytest.raises(ValueError, match=r"iou_aware 1\.5; it lies between 0 and 1"):
        YOLOv3Head([3], 2, [[[10, 10]]], [8], iou_aware=1.5)


def test_levels_keep_the_order_anchor_row_column():
    prediction = paddle.zeros([1, 2, 5, 2, 3])
    boxes = decode_level(prediction, [(2, 2), (4, 4)], 10).reshape([2, 2, 3, 4])
    assert boxes[1, 1, 2].tolist() == [23, 13, 27, 17]  # second anchor, row 1, column 2: center (25, 15)


def test_boxes_and_scores_equal_yolo_box_of_1_8():
    numbers = golden("yolo_box")
    height, width = numbers["sz"][0]
    prediction = tensor(numbers["x"]).reshape([1, 3, 9, 5, 5])
    head = YOLOv3Head([8], 4, [[[10, 13], [16, 30], [33, 23]]], strides=[32])
    boxes, scores = head.decode([prediction])
    size = tensor([[160, 160]])
    boxes = original_boxes(boxes, size, size / tensor([[height, width]])).numpy()
    sure = numbers["score"][0].max(axis=1) > 0  # the operator writes zeros where the objectness is below 0.01
    inside = np.minimum(boxes, [width - 1, height - 1] * 2)  # it clips to the last pixel, we to the border
    np.testing.assert_allclose(inside[0][sure], numbers["box"][0][sure], atol=2e-4)
    np.testing.assert_allclose(scores[0].numpy().T[sure], numbers["score"][0][sure], atol=1e-6)
    assert sure.sum() > 60


def test_boxes_go_back_to_an_image_of_100_by_400_that_was_halved_and_doubled_and_are_clipped():
    # im_shape (50, 800), scale (y, x) = (0.5, 2)
    boxes = tensor([[[20, 10, 40, 20], [-5, -5, 900, 60]]])
    out = original_boxes(boxes, tensor([[50, 800]]), tensor([[0.5, 2.0]]))
    assert out.tolist() == [[[10, 20, 20, 40], [0, 0, 400, 100]]]


def test_predictions_have_5_and_c_numbers_an_anchor_and_begin_at_the_prior():
    head = YOLOv3Head([16, 8], 3, ANCHORS, strides=[32, 16], objectness_prior=0.01)
    predictions = head([paddle.zeros([2, 16, 2, 3]), paddle.zeros([2, 8, 4, 6])])
    assert [p.shape for p in predictions] == [[2, 2, 8, 2, 3], [2, 2, 8, 4, 6]]
    boxes, scores = head.decode(predictions)
    assert boxes.shape == [2, 60, 4] and scores.shape == [2, 3, 60]
    np.testing.assert_allclose(scores.numpy(), 0.01 * 0.5, rtol=1e-5)


def test_levels_that_disagree_are_named():
    for anchors, more, words in (
        ([[[0, 5]]], {}, "a width and a height above 0"),
        ([[[10]]], {}, "a width and a height above 0"),
        ([[[8, 8]]], {"objectness_prior": 1}, "objectness_prior 1"),
    ):
        with pytest.raises(ValueError, match=words):
            YOLOv3Head([8], 3, anchors, strides=[8], **more)
    with pytest.raises(ValueError, match="2 levels from the neck, 2 lists of anchors and 3 strides"):
        YOLOv3Head([16, 8], 3, ANCHORS)
