"""Anchors, prior boxes and box deltas: numbers worked out by hand, and those of the operators of PaddlePaddle 1.8.5."""

import math

import numpy as np
import paddle
import pytest

from PaddleCV.models.anchors.anchor_grid import AnchorGrid, anchor_shapes, flatten_cells
from PaddleCV.models.anchors.deltas import LARGEST, RCNN, clip_boxes, decode_deltas, encode_deltas
from PaddleCV.models.anchors.prior_boxes import DensityPriorBoxes, PriorBoxes, prior_shapes

from .golden_numbers import golden


def features(*sides):
    return [paddle.zeros([1, 1, *side]) for side in sides]


def test_encode_from_a_box_of_10_by_20_to_one_twice_as_wide_with_a_center_5_pixels_to_the_right():
    deltas = encode_deltas(paddle.to_tensor([[0.0, 0.0, 20.0, 20.0]]), paddle.to_tensor([[0.0, 0.0, 10.0, 20.0]]))
    np.testing.assert_allclose(deltas.numpy(), [[5 / 10, 0, math.log(2), 0]], atol=1e-6)


def test_decode_undoes_encode():
    corners = np.random.default_rng(0).random((2, 7, 2)) * 50
    boxes, anchors = (paddle.to_tensor(np.concatenate([n, n + 5 + n[::-1]], 1).astype("f4")) for n in corners)
    again = decode_deltas(encode_deltas(boxes, anchors, RCNN), anchors, RCNN)
    np.testing.assert_allclose(again.numpy(), boxes.numpy(), atol=1e-3)


def test_deltas_equal_box_coder_of_1_8():
    numbers = golden("box_coder_encode")
    boxes, anchors = paddle.to_tensor(numbers["t"]).unsqueeze(1), paddle.to_tensor(numbers["prior"])
    np.testing.assert_allclose(encode_deltas(boxes, anchors, RCNN).numpy(), numbers["o"], rtol=1e-4, atol=1e-4)
    numbers = golden("box_coder_decode")
    found = decode_deltas(paddle.to_tensor(numbers["t"]), paddle.to_tensor(numbers["prior"]), RCNN)
    np.testing.assert_allclose(found.numpy(), numbers["o"], atol=1e-5)


def test_a_size_has_a_limit_and_a_box_ends_at_the_image():
    wide = decode_deltas(paddle.to_tensor([[0.0, 0.0, 99.0, 0.0]]), paddle.to_tensor([[0.0, 0.0, 2.0, 4.0]]))
    assert (wide[0, 2] - wide[0, 0]).item() == pytest.approx(2 * math.exp(LARGEST), rel=1e-5) == 125
    clipped = clip_boxes(paddle.to_tensor([[[-3.0, 5.0, 70.0, 90.0]]]), paddle.to_tensor([[40.0, 60.0]]))
    assert clipped.tolist() == [[[0, 5, 60, 40]]]


def test_anchors_equal_anchor_generator_of_1_8_whose_boxes_end_with_their_last_pixel():
    grid = AnchorGrid([[32, 64]])
    (anchors,) = grid(features((5, 6)), [16])
    expected = golden("anchor_generator")["anchor"].reshape(-1, 4) + np.array([0, 0, 1, 1])
    assert grid.counts == [6]
    np.testing.assert_allclose(anchors.numpy(), expected, atol=1e-5)


def test_shapes_of_ratio_a_half_by_each_rounding():
    # sqrt(256 / 0.5) = 22.63 wide, 11.31 high; of 16 x 16: 23 by 11.5, rounded 12; half of it 11.31 and 5.66
    assert anchor_shapes([32], [0.5], 16, "cell").tolist() == [[46, 24]]
    assert anchor_shapes([16], [0.5], 16, "edges").tolist() == [[22, 12]]
    np.testing.assert_allclose(anchor_shapes([16], [0.5], 16, "none"), [[22.627, 11.314]], atol=1e-3)


def test_the_offset_moves_the_centers():
    (anchors,) = AnchorGrid([[4]], [1.0], offset=0.0, rounding="none")(features((1, 2)), [8])
    assert anchors.tolist() == [[-2, -2, 2, 2], [6, -2, 10, 2]]


def test_predictions_have_the_order_of_the_anchors():
    prediction = paddle.arange(2 * 6 * 2 * 3).reshape([2, 6, 2, 3])  # 3 anchors of 2 values, 2 x 3 cells
    rows = flatten_cells(prediction, 2)
    assert rows.shape == [2, 18, 2]
    assert rows[1, 3 * (1 * 3 + 2) + 1].tolist() == prediction[1, 2:4, 1, 2].tolist()


def test_prior_boxes_equal_prior_box_of_1_8():
    priors = PriorBoxes([10], [20], [[2.0, 3.0]], max_last=True, clip=[60, 60])
    (boxes,) = priors(features((5, 5)), [12])
    assert priors.counts == [6]
    np.testing.assert_allclose(boxes.numpy() / 60, golden("prior_box")["box"].reshape(-1, 4), atol=1e-6)


def test_density_prior_boxes_equal_density_prior_box_of_1_8():
    priors = DensityPriorBoxes([[8, 16, 32]], [[4, 2, 1]], clip=[60, 60])
    (boxes,) = priors(features((5, 5)), [12])
    assert priors.counts == [21]
    np.testing.assert_allclose(boxes.numpy() / 60, golden("density_prior_box")["box"].reshape(-1, 4), atol=1e-6)


def test_small_squares_of_faceboxes_lie_as_densely_as_large_ones():
    priors = DensityPriorBoxes([[32, 64, 128], [256], [512]], [[4, 2, 1], [1], [1]])
    fine, middle, coarse = priors(features((1, 2), (1, 1), (1, 1)), [32, 64, 128])
    assert priors.counts == [21, 1, 1] and fine.shape == [42, 4]
    centers = (fine[:, :2] + fine[:, 2:]).numpy() / 2
    assert centers[:4].tolist() == [[4, 4], [12, 4], [20, 4], [28, 4]]  # 32 pixels wide, a quarter of a cell apart
    assert centers[16:20].tolist() == [[8, 8], [24, 8], [8, 24], [24, 24]] and centers[20].tolist() == [16, 16]
    assert centers[21].tolist() == [36, 4] and (fine[20, 2] - fine[20, 0]).item() == 128
    assert middle.tolist() == [[-96, -96, 160, 160]] and coarse.tolist() == [[-192, -192, 320, 320]]


def test_the_square_between_4_and_9_has_sides_of_6_and_comes_second():
    np.testing.assert_allclose(prior_shapes([4], [9], [4]), [[4, 4], [6, 6], [8, 2], [2, 8]])
    (limited,) = PriorBoxes([4], [9], [[4]], limit=7).shapes()
    np.testing.assert_allclose(limited, [[4, 4], [6, 6], [7, 2], [2, 7]])


def test_the_first_square_of_the_finest_level_may_have_a_size_of_its_own():
    fine, coarse = PriorBoxes([10, 20], [[], 80], [[4], []], first_square=5).shapes()
    np.testing.assert_allclose(fine, [[5, 5], [20, 5], [5, 20]])
    np.testing.assert_allclose(coarse, [[20, 20], [40, 40]])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: AnchorGrid([[0]]), "above 0"),
        (lambda: AnchorGrid([[32]], rounding="up"), "cell, edges, none, not 'up'"),
        (lambda: PriorBoxes([10, 20], [20]), "2 levels of min_sizes, 1 of max_sizes"),
        (lambda: PriorBoxes([10], [9]), r"max_sizes\[0\] is \[9\]; each must exceed \[10\]"),
        (lambda: DensityPriorBoxes([[8, 16]], [[4]]), "a density for every size"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()
